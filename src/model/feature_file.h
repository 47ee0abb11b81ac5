#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graft/core/fields.h"

namespace graft {

/// Features on disk, by the key of their record: a file that only grows, one frame a record, each with a checksum. A frame that was being
/// written when the process ended is cut off at the next opening; a damaged one counts as missing. One process writes at a time.
class FeatureFile {
 public:
  /// The file of one kind of features in a folder, made if it is not there. Null, with the reason in the log, if another process has it or
  /// it cannot be written: features are then computed without it.
  static std::unique_ptr<FeatureFile> open(const std::string& folder, const std::string& fingerprint);
  ~FeatureFile();
  FeatureFile(const FeatureFile&) = delete;
  FeatureFile& operator=(const FeatureFile&) = delete;

  /// The samples of a record; nothing if they are not there or damaged.
  std::optional<std::vector<Fields>> read(const std::string& key);
  /// Later frames of a key replace earlier ones. A full disk ends the writing, and is said once.
  void write(const std::string& key, const std::vector<Fields>& samples);
  /// To the disk.
  void flush();

 private:
  struct Frame {
    std::uint64_t start = 0, size = 0, checksum = 0;
  };
  FeatureFile(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  bool scan();

  std::string path_;
  int lock_ = -1;
  std::fstream file_;
  std::map<std::string, Frame> frames_;
  std::uint64_t end_ = 0;
  bool writes_ = true;
};

}  // namespace graft
