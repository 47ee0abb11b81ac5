#pragma once

#include <string>

#include "core/json.h"

namespace graft::cli {

/// The folder that a training run leaves: model.pt, config.json, history.jsonl, report.json, log.txt, and checkpoints/ while it is not
/// finished.
class RunFolder {
 public:
  /// Throws ConfigError if the folder holds something already and `force` is not set, or if it could not be made. Makes nothing.
  static void check(const std::string& path, bool force);
  /// True if a run has ended there as it should.
  static bool is_finished(const std::string& path);
  /// Makes the folder, and takes away what a process left there that was killed while it wrote; with `anew` checkpoints of a former run are
  /// gone. Throws SystemError if that fails.
  explicit RunFolder(const std::string& path, bool anew = false);
  std::string file(const std::string& name) const;
  void write(const std::string& name, const Json& content) const;
  /// Takes away what a run that learned nothing has written, so that the next one is not refused.
  void discard() const;
  /// A run that has ended needs none.
  void forget_checkpoints() const;

 private:
  std::string path_;
};

}  // namespace graft::cli
