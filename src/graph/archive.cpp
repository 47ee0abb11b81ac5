#include "graph/archive.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "graft/core/error.h"
#include "graph/policy.h"

namespace graft::graph {
namespace {

// The format: APPNOTE.TXT of PKWARE, sections 4.3.7 (local header), 4.3.12 (directory), 4.3.14 and 4.3.15 (zip64), 4.3.16 (end).
constexpr std::uint32_t local_signature = 0x04034b50, entry_signature = 0x02014b50, end_signature = 0x06054b50;
constexpr std::uint32_t end64_signature = 0x06064b50, locator_signature = 0x07064b50;
constexpr std::uint64_t local_size = 30, entry_size = 46, end_size = 22, end64_size = 56, locator_size = 20;
constexpr std::uint32_t stored_method = 0, deflated_method = 8;
// Bit 3: sizes follow the data, as LibTorch writes them. Bit 11: names are UTF-8. All others ask for something that no checkpoint needs.
constexpr std::uint32_t known_flags = 0x0808;
constexpr std::uint32_t folder_attribute = 0x10;

constexpr std::uint64_t max_records = 1 << 20;
// Sources unpack to about 6 times their size, and a network is mostly weights; deflate can do 1000.
constexpr std::uint64_t free_unpacked = 2 << 20, max_ratio = 32, max_unpacked = 32 << 20;

/// Little-endian numbers at places that the caller has checked.
class Numbers {
 public:
  explicit Numbers(std::string_view bytes) : bytes_(bytes) {}
  std::uint32_t u16(std::uint64_t at) const { return read<std::uint16_t>(at); }
  std::uint32_t u32(std::uint64_t at) const { return read<std::uint32_t>(at); }
  std::uint64_t u64(std::uint64_t at) const { return read<std::uint64_t>(at); }

 private:
  template <class T>
  T read(std::uint64_t at) const {
    T value;
    std::memcpy(&value, bytes_.data() + at, sizeof value);
    return value;
  }
  std::string_view bytes_;
};

bool ends_with(std::string_view name, std::string_view end) { return lower(name).ends_with(end); }

/// True if the name stays below its folder and reads the same to everyone.
bool is_honest(const std::string& name) {
  if (name.empty() || name.back() == '/') return false;
  for (std::size_t from = 0; from <= name.size();) {
    const std::size_t to = std::min(name.find('/', from), name.size());
    const std::string part = name.substr(from, to - from);
    if (part.empty() || part == "." || part == "..") return false;
    from = to + 1;
  }
  return std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) < 32 || c == '\\' || c == ':' || c == 127; });
}

}  // namespace

std::string lower(std::string_view name) {
  std::string small(name);
  for (char& c : small) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return small;
}

Archive::Archive(std::shared_ptr<const Mapping> file, std::string path) : file_(std::move(file)), path_(std::move(path)) {
  read_directory();
}

void Archive::refuse(const std::string& what) const {
  throw CheckpointError({.code = "graft-K014",
                         .message = "[Archive] a sound archive is wanted, " + what + ".",
                         .remedy = fetch_again_remedy,
                         .place = path_});
}

void Archive::read_directory() {
  const std::string_view bytes = file_->bytes();
  const Numbers numbers(bytes);
  if (bytes.size() < end_size || numbers.u32(bytes.size() - end_size) != end_signature) {
    throw CheckpointError({.code = "graft-K003",
                           .message = "[Archive] a TorchScript file is wanted, this is no zip archive, or one that was cut short.",
                           .remedy = "Fetch or export the file again and compare its size with that at its source.",
                           .place = path_});
  }
  std::uint64_t tail = bytes.size() - end_size;
  if (numbers.u16(tail + 4) != 0 || numbers.u16(tail + 6) != 0) refuse("this one spans several disks");
  std::uint64_t count = numbers.u16(tail + 10), size = numbers.u32(tail + 12);
  directory_ = numbers.u32(tail + 16);
  if (numbers.u16(tail + 8) != count) refuse("this one counts its records in two ways");
  if (tail >= locator_size && numbers.u32(tail - locator_size) == locator_signature) {
    const std::uint64_t end64 = numbers.u64(tail - locator_size + 8);
    if (tail < locator_size + end64_size || end64 != tail - locator_size - end64_size || numbers.u32(end64) != end64_signature) {
      refuse("the end of its directory is out of place");
    }
    const auto agree = [](std::uint64_t narrow, std::uint64_t wide, std::uint64_t absent) { return narrow == absent || narrow == wide; };
    if (!agree(count, numbers.u64(end64 + 32), 0xffff) || !agree(size, numbers.u64(end64 + 40), 0xffffffff) ||
        !agree(directory_, numbers.u64(end64 + 48), 0xffffffff) || numbers.u64(end64 + 24) != numbers.u64(end64 + 32)) {
      refuse("its two directories contradict each other");
    }
    count = numbers.u64(end64 + 32);
    size = numbers.u64(end64 + 40);
    directory_ = numbers.u64(end64 + 48);
    tail = end64;
  }
  if (size > tail || directory_ != tail - size) refuse("its directory is out of place");
  if (count > max_records) refuse("it has " + std::to_string(count) + " records");

  std::uint64_t at = directory_;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (tail - at < entry_size || numbers.u32(at) != entry_signature) refuse("its directory ends early");
    const std::uint64_t name_size = numbers.u16(at + 28), extra_size = numbers.u16(at + 30), comment_size = numbers.u16(at + 32);
    if (tail - at - entry_size < name_size + extra_size + comment_size) refuse("its directory ends early");
    Record record;
    record.flags = numbers.u16(at + 8);
    record.method = numbers.u16(at + 10);
    record.crc = numbers.u32(at + 16);
    record.stored = numbers.u32(at + 20);
    record.size = numbers.u32(at + 24);
    record.attributes = numbers.u32(at + 38);
    record.header = numbers.u32(at + 42);
    const std::uint64_t extra = at + entry_size + name_size;
    for (std::uint64_t field = extra; field + 4 <= extra + extra_size;) {
      const std::uint64_t end = field + 4 + numbers.u16(field + 2);
      if (end > extra + extra_size) refuse("an entry of its directory is damaged");
      if (numbers.u16(field) == 1) {  // zip64: the numbers that did not fit, in this order
        std::uint64_t next = field + 4;
        for (std::uint64_t* number : {&record.size, &record.stored, &record.header}) {
          if (*number != 0xffffffff || next + 8 > end) continue;
          *number = numbers.u64(next);
          next += 8;
        }
      }
      field = end;
    }
    const std::string name(bytes.substr(at + entry_size, name_size));
    if (i == 0) root_ = name.substr(0, name.find('/') + 1);
    // Outside of the root a name stays absolute: it tells other kinds of archives apart, and is refused of TorchScript.
    record.name = !root_.empty() && name.starts_with(root_) ? name.substr(root_.size()) : "/" + name;
    by_name_.emplace(lower(record.name), records_.size());
    records_.push_back(std::move(record));
    at += entry_size + name_size + extra_size + comment_size;
  }
  if (at != tail) refuse("its directory is longer than its entries");
}

const Record* Archive::find(const std::string& name) const {
  const auto found = by_name_.find(lower(name));
  return found == by_name_.end() ? nullptr : &records_[found->second];
}

/// Where the local header says that the record's bytes lie; require_sound() has compared it with the directory.
std::string_view Archive::content(const Record& record) const {
  const Numbers numbers(file_->bytes());
  const std::uint64_t begin = record.header + local_size + numbers.u16(record.header + 26) + numbers.u16(record.header + 28);
  return file_->bytes().substr(begin, record.stored);
}

std::string Archive::bytes(const Record& record) const {
  require_sound(record);
  std::string text(content(record));
  if (record.method == deflated_method) {
    std::string unpacked(record.size, '\0');
    z_stream stream{};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
    stream.next_in = reinterpret_cast<Bytef*>(text.data());
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(unpacked.data());
    stream.avail_out = static_cast<uInt>(unpacked.size());
    const int result = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    if (result != Z_STREAM_END || stream.avail_in != 0 || stream.avail_out != 0) refuse("\"" + record.name + "\" does not unpack");
    text = std::move(unpacked);
  }
  const uLong sum = crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size());
  if (sum != record.crc) refuse("the checksum of \"" + record.name + "\" is wrong");
  return text;
}

void Archive::require_unpacked(std::uint64_t size, const std::string& what) const {
  if (size > max_unpacked || size > free_unpacked + max_ratio * file_size()) {
    refuse(what + " would unpack to " + std::to_string(size) + " bytes, more than code takes");
  }
}

void Archive::require_sound(const Record& record) const {
  const std::string quoted = "\"" + record.name + "\"";
  const Numbers numbers(file_->bytes());
  if (!is_honest(record.name)) refuse("it has a record of the name " + quoted);
  // LibTorch's library reads nothing of a folder, and leaves the memory that it made for the record as it is.
  if ((record.attributes & folder_attribute) != 0) refuse(quoted + " is a folder");
  if ((record.flags & ~known_flags) != 0) refuse(quoted + " is encrypted or of an unknown kind");
  if (record.method == deflated_method && (ends_with(record.name, ".py") || ends_with(record.name, ".debug_pkl"))) {
    require_unpacked(record.size, quoted);
  } else if (record.method != stored_method || record.stored != record.size) {
    refuse(quoted + " is compressed, which only sources may be");
  }
  const std::uint64_t header = record.header;
  if (header > directory_ || directory_ - header < local_size || numbers.u32(header) != local_signature) {
    refuse(quoted + " lies outside of the file");
  }
  const std::uint64_t before = local_size + numbers.u16(header + 26) + numbers.u16(header + 28);
  if (before > directory_ - header || record.stored > directory_ - header - before) refuse(quoted + " lies outside of the file");
  const std::string_view local_name = file_->bytes().substr(header + local_size, numbers.u16(header + 26));
  const bool sizes_follow = (record.flags & 8) != 0;
  const auto agree = [](std::uint64_t narrow, std::uint64_t wide) { return narrow == 0xffffffff || narrow == wide; };
  if (local_name != root_ + record.name || numbers.u16(header + 6) != record.flags || numbers.u16(header + 8) != record.method ||
      (!sizes_follow && (numbers.u32(header + 14) != record.crc || !agree(numbers.u32(header + 18), record.stored) ||
                         !agree(numbers.u32(header + 22), record.size)))) {
    refuse("the header of " + quoted + " contradicts the directory");
  }
}

void Archive::require_sound() const {
  if (by_name_.size() != records_.size()) refuse("two of its records have the same name");
  std::vector<const Record*> in_order;
  std::uint64_t sources = 0;
  for (const Record& record : records_) {
    require_sound(record);
    in_order.push_back(&record);
    if (ends_with(record.name, ".py")) sources += record.size;
  }
  require_unpacked(sources, "its sources");
  std::ranges::sort(in_order, {}, &Record::header);
  const char* end = nullptr;
  for (const Record* record : in_order) {
    const std::string_view here = content(*record);
    if (end > file_->data() + record->header) refuse("\"" + record->name + "\" overlaps another record");
    end = here.data() + here.size();
  }
}

}  // namespace graft::graph
