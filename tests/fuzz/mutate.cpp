#include "mutate.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <functional>

#include "core/file.h"

namespace graft::fuzz {
namespace {

std::size_t below(Random& random, std::size_t limit) { return limit == 0 ? 0 : random() % limit; }
char any(Random& random) { return static_cast<char>(random() & 0xff); }

void flip(std::string& bytes, Random& random) {
  for (std::size_t left = std::size_t{1} << below(random, 6); left > 0; --left) bytes[below(random, bytes.size())] = any(random);
}

/// Changes, takes out, puts in or copies a few bytes.
void edit(std::string& bytes, Random& random) {
  if (bytes.empty()) return;
  const std::size_t at = below(random, bytes.size()), length = 1 + below(random, 16);
  switch (below(random, 4)) {
    case 0:
      return flip(bytes, random);
    case 1:
      bytes.erase(at, length);
      return;
    case 2: {
      std::string noise(length, '\0');
      std::ranges::generate(noise, [&] { return any(random); });
      bytes.insert(at, noise);
      return;
    }
    default: {
      const std::string part = bytes.substr(below(random, bytes.size()), length);
      bytes.replace(at, below(random, 2) == 0 ? 0 : part.size(), part);
    }
  }
}

/// Gives one of a pickle's numbers another value that is hard on whoever believes it: sizes, strides, offsets, places in the memo.
void renumber(std::string& bytes, Random& random) {
  std::vector<std::size_t> places;
  for (std::size_t at = 0; at + 2 < bytes.size(); ++at) {
    if (bytes[at] == 'K' || bytes[at] == 'M' || bytes[at] == 'h') places.push_back(at);
  }
  if (places.empty()) return;
  const std::size_t at = places[below(random, places.size())];
  static const std::array<std::int64_t, 8> values = {0, -1, 1 << 28, (1LL << 31) - 1, 1LL << 40, (1LL << 62) + 1, INT64_MIN, 255};
  const std::int64_t value = values[below(random, values.size())];
  if (bytes[at] == 'h') {
    bytes[at + 1] = any(random);
    return;
  }
  std::string number("\x8a\x08        ", 10);
  std::memcpy(number.data() + 2, &value, 8);
  bytes.replace(at, bytes[at] == 'K' ? 2 : 3, number);
}

/// Exchanges, doubles or drops words of a source, so that what comes out still parses now and then.
void retoken(std::string& code, Random& random) {
  std::vector<std::pair<std::size_t, std::size_t>> words;
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.'; };
  for (std::size_t at = 0; at < code.size();) {
    std::size_t end = at;
    while (end < code.size() && is_word(code[end])) ++end;
    if (end > at) words.emplace_back(at, end - at);
    at = end + 1;
  }
  if (words.empty()) return;
  static const std::array<std::string, 12> known = {"torch.save", "ops.c10d.barrier", "torch.as_strided", "-1",   "9223372036854775807",
                                                    "while",      "torch.empty_like", "annotate",         "None", "torch.set_",
                                                    "self",       "ops.prim.data"};
  const auto [at, length] = words[below(random, words.size())];
  const auto [from, size] = words[below(random, words.size())];
  code.replace(at, length, below(random, 3) == 0 ? known[below(random, known.size())] : code.substr(from, size));
}

std::string change_record(const Original& original, Random& random, const std::function<bool(const std::string&)>& chosen,
                          const std::function<void(std::string&, Random&)>& change) {
  test::ZipRecords records = original.records;
  std::vector<test::ZipRecord*> found;
  for (test::ZipRecord& record : records) {
    if (chosen(record.name) && !record.bytes.empty()) found.push_back(&record);
  }
  if (found.empty()) return {};
  change(found[below(random, found.size())]->bytes, random);
  return test::write_zip(records);
}

std::string change_header(std::string bytes, Random& random, bool digits_only) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  std::string header = bytes.substr(8, length);
  if (digits_only) {
    const std::size_t at = header.find_first_of("0123456789", below(random, header.size()));
    if (at != std::string::npos) header[at] = static_cast<char>('0' + below(random, 10));
  } else {
    edit(header, random);
  }
  const std::uint64_t now = header.size();
  std::string changed(8, '\0');
  std::memcpy(changed.data(), &now, 8);
  return changed + header + bytes.substr(8 + length);
}

/// Changes one or two bytes of the zip directory, in which every byte means something to someone.
std::string change_directory(std::string bytes, Random& random) {
  const std::size_t begin = bytes.find("PK\x01\x02");
  for (std::size_t left = 1 + below(random, 2); left > 0; --left) {
    bytes[begin + below(random, bytes.size() - begin)] = below(random, 2) == 0 ? any(random) : static_cast<char>(1 << below(random, 8));
  }
  return bytes;
}

std::string shift(std::string bytes, Random& random) {
  edit(bytes, random);
  return bytes;
}

}  // namespace

Original read_original(const std::string& path) {
  Original original{path.substr(path.rfind('/') + 1), read_file(path), {}};
  if (original.bytes.starts_with("PK")) original.records = test::read_zip(path);
  return original;
}

std::string mutate(const Original& original, std::string_view kind, Random& random) {
  std::string bytes = original.bytes;
  const auto ends = [](std::string end) { return [end](const std::string& name) { return name.ends_with(end); }; };
  if (kind == "flip") flip(bytes, random);
  if (kind == "cut") bytes.resize(below(random, bytes.size()));
  if (kind == "noise") std::ranges::generate(bytes, [&] { return any(random); });
  if (kind == "shift") return shift(bytes, random);
  if (kind == "directory") return change_directory(bytes, random);
  if (kind == "header" || kind == "digit") return change_header(bytes, random, kind == "digit");
  if (kind == "data.pkl" || kind == "constants.pkl") return change_record(original, random, ends(std::string(kind)), edit);
  if (kind == "number") return change_record(original, random, ends(".pkl"), renumber);
  if (kind == "code") return change_record(original, random, ends(".py"), edit);
  if (kind == "token") return change_record(original, random, ends(".py"), retoken);
  if (kind == "weight")
    return change_record(
        original, random, [](const std::string& name) { return name.starts_with("data/"); }, edit);
  if (kind == "delete" || kind == "exchange") {
    test::ZipRecords records = original.records;
    const std::size_t one = below(random, records.size()), other = below(random, records.size());
    if (kind == "delete") records.erase(records.begin() + static_cast<std::ptrdiff_t>(one));
    if (kind == "exchange") std::swap(records[one].bytes, records[other].bytes);
    return test::write_zip(records);
  }
  return bytes;
}

}  // namespace graft::fuzz
