#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "graft/model/model.h"

namespace graft::train {

/// Sees that what is frozen stays as it is: the backbone's tensors, and the statistics of layers whose own parameters do not train. Of
/// large tensors one number in eight counts, in runs, so that the digests of 90 MB take some milliseconds.
class FrozenAudit {
 public:
  /// Takes digests of what is frozen now.
  explicit FrozenAudit(const Model& model);
  /// Throws ModelError that names what has moved since. By the same policy as at the start.
  void check(const Model& model) const;

 private:
  static std::map<std::string, std::string> digests(const Model& model);
  std::map<std::string, std::string> before_;  // by name
};

/// Finds parameters that should train and get no gradient, or only zeros, in the first steps of a run, and logs them (graft-W008).
class GradientWatch {
 public:
  /// After a backward pass, before anything is added to the gradients or takes them away.
  void operator()(const Model& model);
  /// Looks at the next steps too; what was told is not told again.
  void restart() { seen_ = 0; }
  /// Tells what is known of a run shorter than what is looked at.
  void finish(const Model& model);

 private:
  void tell(const Model& model);
  int seen_ = 0;
  std::set<std::string> suspects_, told_;
};

}  // namespace graft::train
