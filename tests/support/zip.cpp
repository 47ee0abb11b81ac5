#include "zip.h"

#include <zlib.h>

#include <cstdint>
#include <stdexcept>

#include "graph/archive.h"

namespace graft::test {
namespace {

template <class... Numbers>
void append(std::string& bytes, Numbers... numbers) {
  (bytes.append(reinterpret_cast<const char*>(&numbers), sizeof numbers), ...);
}

std::string deflated(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  std::string source = bytes;
  stream.next_in = reinterpret_cast<Bytef*>(source.data());
  stream.avail_in = static_cast<uInt>(source.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

}  // namespace

ZipRecords read_zip(const std::string& path) {
  const graph::Archive archive(Mapping::open(path), path);
  ZipRecords records;
  for (const graph::Record& record : archive.records()) records.push_back({record.name, archive.bytes(record), record.method != 0});
  return records;
}

std::string write_zip(const ZipRecords& records, const std::string& root) {
  std::string file, directory;
  for (const ZipRecord& record : records) {
    const std::string name = root + record.name;
    const std::string stored = record.deflated ? deflated(record.bytes) : record.bytes;
    const auto sum = crc32(0, reinterpret_cast<const Bytef*>(record.bytes.data()), static_cast<uInt>(record.bytes.size()));
    const auto offset = static_cast<std::uint32_t>(file.size());
    // The part that the header before the record and the entry of the directory share.
    std::string common;
    append(common, std::uint16_t{20}, std::uint16_t{0}, static_cast<std::uint16_t>(record.deflated ? 8 : 0), std::uint32_t{0},
           static_cast<std::uint32_t>(sum), static_cast<std::uint32_t>(stored.size()), static_cast<std::uint32_t>(record.bytes.size()),
           static_cast<std::uint16_t>(name.size()), std::uint16_t{0});
    append(file, std::uint32_t{0x04034b50});
    file += common + name + stored;
    append(directory, std::uint32_t{0x02014b50}, std::uint16_t{20});
    directory += common;
    append(directory, std::uint16_t{0}, std::uint16_t{0}, std::uint16_t{0}, std::uint32_t{0}, offset);
    directory += name;
  }
  const auto count = static_cast<std::uint16_t>(records.size());
  std::string end;
  append(end, std::uint32_t{0x06054b50}, std::uint16_t{0}, std::uint16_t{0}, count, count, static_cast<std::uint32_t>(directory.size()),
         static_cast<std::uint32_t>(file.size()), std::uint16_t{0});
  return file + directory + end;
}

ZipRecord& record(ZipRecords& records, const std::string& end) {
  for (ZipRecord& one : records) {
    if (one.name.ends_with(end)) return one;
  }
  throw std::invalid_argument("no record " + end);
}

void replace(std::string& bytes, const std::string& from, const std::string& to) {
  const std::size_t at = bytes.find(from);
  if (at == std::string::npos) throw std::invalid_argument("no " + from);
  bytes.replace(at, from.size(), to);
}

}  // namespace graft::test
