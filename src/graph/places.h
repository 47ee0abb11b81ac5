#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace graft::graph {

/// Counts where something was found, and names the first places.
class Places {
 public:
  void add(const std::string& path);
  /// A layer whose code names the same thing in several branches counts once.
  void add_once(const std::string& path) {
    if (path.empty() || seen_.insert(path).second) add(path);
  }
  std::size_t count() const { return count_; }
  /// "layer1.0, layer1.1, layer2.0 and 5 more"; empty if all are in the network's own forward.
  std::string text() const;

 private:
  std::size_t count_ = 0, others_ = 0;
  std::vector<std::string> first_;
  std::set<std::string> seen_;
};

/// "1 dropout", "3 dropouts".
std::string counted(std::size_t count, const std::string& name);
/// "1 dropout is", "3 dropouts are".
std::string counted_are(std::size_t count, const std::string& name);

}  // namespace graft::graph
