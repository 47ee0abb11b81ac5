#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/file.h"

namespace graft::graph {

/// A record as the archive's directory describes it.
struct Record {
  /// Without the root folder that all records share: "code/__torch__.py".
  std::string name;
  std::uint64_t header = 0;
  /// Bytes in the file, and bytes once unpacked.
  std::uint64_t stored = 0, size = 0;
  std::uint32_t crc = 0;
  std::uint32_t method = 0, flags = 0, attributes = 0;
};

/// Own reader of a zip archive, stricter than any zip library: what it accepts has one reading only, so that LibTorch's library, which
/// reads the same bytes later, sees the records that were checked here.
class Archive {
 public:
  /// Reads the directory. Throws CheckpointError if the file has none at its end or if it contradicts itself.
  Archive(std::shared_ptr<const Mapping> file, std::string path);

  const std::vector<Record>& records() const { return records_; }
  /// Null if there is none. Capitals make no difference, as they make none to LibTorch.
  const Record* find(const std::string& name) const;
  /// A record's content, unpacked, its checksum compared. Throws CheckpointError if it is damaged or unpacks to far more than it is.
  std::string bytes(const Record& record) const;

  /// Throws CheckpointError unless every record lies in the file alone, under an honest name, stored as LibTorch stores it.
  void require_sound() const;

  const std::string& path() const { return path_; }
  std::size_t file_size() const { return file_->bytes().size(); }
  /// Throws the CheckpointError of a damaged or hostile archive (graft-K014): "a sound archive is wanted, WHAT."
  [[noreturn]] void refuse(const std::string& what) const;

 private:
  void read_directory();
  std::string_view content(const Record& record) const;
  void require_sound(const Record& record) const;
  void require_unpacked(std::uint64_t size, const std::string& what) const;

  std::shared_ptr<const Mapping> file_;
  std::string path_;
  std::string root_;
  std::uint64_t directory_ = 0;
  std::vector<Record> records_;
  std::map<std::string, std::size_t> by_name_;
};

/// The name in small letters.
std::string lower(std::string_view name);

}  // namespace graft::graph
