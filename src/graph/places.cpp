#include "graph/places.h"

#include <algorithm>

#include "core/names.h"

namespace graft::graph {
namespace {
constexpr std::size_t shown = 3;
}

void Places::add(const std::string& path) {
  ++count_;
  if (path.empty() || std::ranges::find(first_, path) != first_.end()) return;
  if (first_.size() < shown) {
    first_.push_back(path);
  } else {
    ++others_;
  }
}

std::string Places::text() const {
  std::string text;
  for (const std::string& path : first_) text += (text.empty() ? "" : ", ") + path;
  return others_ > 0 ? text + " and " + std::to_string(others_) + " more" : text;
}

std::string counted(std::size_t count, const std::string& name) {
  // "norm with running statistics" has its plural in front.
  const std::size_t end = std::min(name.find(" with "), name.size());
  return with_commas(static_cast<long long>(count)) + " " + name.substr(0, end) + (count == 1 ? "" : "s") + name.substr(end);
}

std::string counted_are(std::size_t count, const std::string& name) { return counted(count, name) + (count == 1 ? " is" : " are"); }

}  // namespace graft::graph
