#include "core/memory.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

#include "core/table.h"

namespace graft {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t unknown = std::numeric_limits<std::int64_t>::max();

/// The number after a name in lines of "NAME NUMBER", such as "MemAvailable:  12 kB".
std::optional<std::int64_t> number_of(const fs::path& file, const std::string& wanted) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    std::istringstream words(line);
    std::string name;
    std::int64_t number = 0;
    if (words >> name >> number && name == wanted) return number;
  }
  return std::nullopt;
}

/// A file that holds one number; "max" is none.
std::optional<std::int64_t> number_in(const fs::path& file) {
  std::ifstream stream(file);
  std::int64_t number = 0;
  if (stream >> number) return number;
  return std::nullopt;
}

/// How a version of control groups calls its files.
struct GroupFiles {
  const char *limit, *usage, *reclaimed;
};
constexpr GroupFiles second{"memory.max", "memory.current", "inactive_file"};
constexpr GroupFiles first{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};

/// What a group and those above it leave. Pages of files that nobody uses are given up for the asking.
std::int64_t left_by(const fs::path& top, fs::path group, const GroupFiles& files) {
  std::int64_t left = unknown;
  for (; group.string().size() >= top.string().size(); group = group.parent_path()) {
    const auto limit = number_in(group / files.limit), usage = number_in(group / files.usage);
    if (!limit || !usage) continue;
    const std::int64_t cached = number_of(group / "memory.stat", files.reclaimed).value_or(0);
    left = std::min(left, std::max<std::int64_t>(0, *limit - *usage + cached));
  }
  return left;
}

/// In a container the group's own folder may not be there under its name; what is there is the container's then.
std::int64_t left_by_groups(const fs::path& root) {
  std::int64_t left = unknown;
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // "NUMBER:CONTROLLERS:/PATH"
    const std::size_t name = line.find(':') + 1, path = line.find(':', name) + 1;
    if (name == 0 || path == 0) continue;
    const std::string controllers = line.substr(name, path - 1 - name);
    const fs::path below = fs::path(line.substr(path)).relative_path();
    if (controllers.empty()) left = std::min(left, left_by(root / "sys/fs/cgroup", root / "sys/fs/cgroup" / below, second));
    if (controllers == "memory") {
      const fs::path top = root / "sys/fs/cgroup/memory";
      left = std::min(left, left_by(top, top / below, first));
    }
  }
  return left;
}

}  // namespace

std::int64_t available_memory(const std::string& root) {
  const auto machine = number_of(fs::path(root) / "proc/meminfo", "MemAvailable:");
  return std::min(machine ? *machine * 1024 : unknown, left_by_groups(root));
}

std::string bytes_text(std::int64_t bytes) {
  constexpr std::array<const char*, 5> units{"bytes", "KB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
  return fixed(value, unit == 0 || value >= 100 ? 0 : 1) + " " + units[unit];
}

}  // namespace graft
