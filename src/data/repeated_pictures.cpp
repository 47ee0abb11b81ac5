#include "graft/data/repeated_pictures.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "core/file.h"
#include "core/hash.h"
#include "data/tally.h"

namespace graft::data {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 3> part_names{"training", "validation", "test"};

struct Entry {
  std::size_t part;
  std::string path, place;
};

using Group = std::vector<const Entry*>;

/// What of each group has equal keys with another of it.
template <class Key>
std::vector<Group> divided(const std::vector<Group>& groups, Key key) {
  std::vector<Group> parts;
  for (const Group& group : groups) {
    std::map<decltype(key(*group.front())), Group> by_key;
    for (const Entry* entry : group) by_key[key(*entry)].push_back(entry);
    for (auto& [value, part] : by_key) {
      if (part.size() > 1) parts.push_back(std::move(part));
    }
  }
  return parts;
}

/// Those with equal bytes. A file is read whole only where size and end are those of another.
std::vector<Group> equal_files(const std::vector<Entry>& entries) {
  Group there;
  std::map<const Entry*, std::uintmax_t> sizes;
  for (const Entry& entry : entries) {
    std::error_code error;
    if (const auto size = fs::file_size(entry.path, error); !error && size > 0) {
      there.push_back(&entry);
      sizes[&entry] = size;
    }
  }
  if (there.empty()) return {};
  const auto by_size = divided({there}, [&](const Entry& entry) { return sizes.at(&entry); });
  const auto by_end = divided(by_size, [](const Entry& entry) {
    const std::shared_ptr<const Mapping> file = Mapping::open(entry.path);
    const std::string_view bytes = file->bytes();
    return checksum(bytes.substr(bytes.size() - std::min<std::size_t>(bytes.size(), 4096)));
  });
  return divided(by_end, [](const Entry& entry) { return Hash().add(Mapping::open(entry.path)->bytes()).hex(); });
}

}  // namespace

std::vector<Problem> repeated_pictures(const Splits& splits) {
  std::vector<Entry> entries;
  const std::array<const Data*, 3> parts{&splits.train, &splits.valid, &splits.test};
  for (std::size_t part = 0; part < parts.size(); ++part) {
    for (std::size_t i = 0; i < parts[part]->size(); ++i) {
      const Record record = parts[part]->get(i);
      entries.push_back({part, record.text("image"), record.place});
    }
  }
  // Each repeat is told with the first of its picture in each part, in the order of the records.
  std::map<const Entry*, Group> repeats;
  for (const Group& group : equal_files(entries)) {
    std::array<const Entry*, 3> first{};
    for (const Entry* entry : group) {
      for (const Entry* earlier : first) {
        if (earlier != nullptr) repeats[entry].push_back(earlier);
      }
      if (first[entry->part] == nullptr) first[entry->part] = entry;
    }
  }
  std::map<std::pair<std::size_t, std::size_t>, Tally> tallies;
  for (const auto& [entry, earlier] : repeats) {
    for (const Entry* other : earlier) tallies[{other->part, entry->part}].add(entry->path + " = " + other->path, "");
  }
  std::vector<Problem> warnings;
  for (const auto& [pair, tally] : tallies) {
    const auto [a, b] = pair;
    const std::string count = std::to_string(tally.count());
    warnings.push_back(
        a == b ? tally.problem("graft-W021",
                               std::string("[Pictures] ") + count + " pictures of the " + part_names[a] + " data are there before",
                               "Take the copies out, unless they are meant to count twice.")
               : tally.problem(
                     "graft-W021",
                     std::string("[Pictures] ") + count + " pictures of the " + part_names[b] + " data are " + part_names[a] + " data too",
                     "Take them out of one part: what is measured on them says nothing of new pictures."));
  }
  return warnings;
}

}  // namespace graft::data
