#include "graft/data/repeated_pictures.h"

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

/// Of the files' bytes, those that are equal.
std::map<std::string, std::vector<const Entry*>> by_content(const std::vector<Entry>& entries) {
  std::map<std::uintmax_t, std::vector<const Entry*>> by_size;
  for (const Entry& entry : entries) {
    std::error_code error;
    if (const auto size = fs::file_size(entry.path, error); !error && size > 0) by_size[size].push_back(&entry);
  }
  std::map<std::string, std::vector<const Entry*>> groups;
  for (const auto& [size, alike] : by_size) {
    if (alike.size() < 2) continue;
    for (const Entry* entry : alike) groups[Hash().add(Mapping::open(entry->path)->bytes()).hex()].push_back(entry);
  }
  std::erase_if(groups, [](const auto& group) { return group.second.size() < 2; });
  return groups;
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
  std::map<const Entry*, std::vector<const Entry*>> repeats;
  for (const auto& [digest, group] : by_content(entries)) {
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
