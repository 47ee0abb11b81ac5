#pragma once

#include <string>

#include "core/json.h"
#include "graft/train/callback.h"

namespace graft::cli {

/// The folder that a training run leaves: model.pt, config.json, history.jsonl, report.json, log.txt.
class RunFolder {
 public:
  /// Throws ConfigError if the folder holds something already and `force` is not set, or if it could not be made. Makes nothing.
  static void check(const std::string& path, bool force);
  /// Makes the folder. Throws SystemError if that fails.
  explicit RunFolder(const std::string& path);
  std::string file(const std::string& name) const;
  void write(const std::string& name, const Json& content) const;
  /// Takes away what a run that learned nothing has written, so that the next one is not refused.
  void discard() const;

 private:
  std::string path_;
};

/// Appends a line to history.jsonl after each epoch.
class HistoryFile final : public Callback {
 public:
  explicit HistoryFile(std::string path);
  Action on_epoch(const EpochRecord& record) override;

 private:
  std::string path_;
};

}  // namespace graft::cli
