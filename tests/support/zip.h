#pragma once

#include <string>
#include <vector>

namespace graft::test {

/// A record of an archive, to be changed and written again.
struct ZipRecord {
  /// Without the root folder.
  std::string name;
  std::string bytes;
  bool deflated = false;
};
using ZipRecords = std::vector<ZipRecord>;

/// The records of a sound archive, in its order.
ZipRecords read_zip(const std::string& path);

/// An archive of these records below one folder, with sizes and checksums that are right whatever the records hold.
std::string write_zip(const ZipRecords& records, const std::string& root = "archive/");

/// The record whose name ends so; throws std::invalid_argument if there is none.
ZipRecord& record(ZipRecords& records, const std::string& end);

/// Replaces the first place of `from`; throws std::invalid_argument if there is none, since a test of nothing would pass.
void replace(std::string& bytes, const std::string& from, const std::string& to);

}  // namespace graft::test
