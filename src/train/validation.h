#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "graft/eval/report.h"
#include "graft/train/callback.h"
#include "train/stream.h"

namespace graft::train {

/// Measures a run on validation data, from what the frozen part gave where it is stored.
class Validation {
 public:
  /// All are kept by reference.
  Validation(Model& model, const Data& data, const TrainerOptions& options) : model_(model), data_(data), options_(options) {}

  bool is_on() const { return !data_.empty(); }
  /// After the policy changed.
  void use(Stores stores) { stores_ = std::move(stores); }
  EvalReport run(std::stop_token stop) const;
  /// Measures a few records, so that what cannot be measured is told before the first step, and so are metrics that nothing measures: the
  /// best one of `options`, and those that callbacks read. Throws ConfigError.
  void rehearse(const std::vector<std::shared_ptr<Callback>>& callbacks) const;

 private:
  Model& model_;
  const Data& data_;
  const TrainerOptions& options_;
  Stores stores_;
};

}  // namespace graft::train
