#include "backbone/groups.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

namespace graft::backbone {
namespace {

/// The tree of modules that hold parameters, from the parameters' dotted names.
struct Node {
  std::vector<std::string> order;  // children, as first met
  std::map<std::string, Node> children;
  bool has_parameters = false;

  Node& child(const std::string& name) {
    if (!children.contains(name)) order.push_back(name);
    return children[name];
  }
};

Node tree_of(const std::vector<std::string>& parameters) {
  Node root;
  for (const std::string& parameter : parameters) {
    Node* node = &root;
    std::size_t start = 0;
    for (std::size_t dot = parameter.find('.'); dot != std::string::npos; start = dot + 1, dot = parameter.find('.', start)) {
      node = &node->child(parameter.substr(start, dot - start));
    }
    node->has_parameters = true;
  }
  return root;
}

std::string stem(const std::string& name) {
  const auto digits = std::find_if_not(name.rbegin(), name.rend(), [](unsigned char c) { return std::isdigit(c) != 0; });
  return name.substr(0, static_cast<std::size_t>(name.rend() - digits));
}

bool is_list(const Node& node) {
  if (node.has_parameters || node.children.size() < 2) return false;
  return std::ranges::all_of(node.order, [&](const std::string& name) {
    return stem(name) == stem(node.order.front()) && stem(name).size() < name.size() && !node.children.at(name).children.empty();
  });
}

void collect(const Node& node, const std::string& path, bool expand, std::vector<std::string>& groups) {
  const bool wrapper = !node.has_parameters && node.children.size() == 1;
  if (!(expand || wrapper || is_list(node)) || node.children.empty()) {
    groups.push_back(path);
    return;
  }
  if (node.has_parameters) groups.push_back(path);  // its own parameters; those of children go to the longer name
  // A wrapper around the whole network counts as the network.
  for (const std::string& name : node.order)
    collect(node.children.at(name), path.empty() ? name : path + "." + name, expand && wrapper, groups);
}

bool is_within(const std::string& name, const std::string& group) {
  return group.empty() || (name.starts_with(group) && name[group.size()] == '.');
}

}  // namespace

std::vector<LayerGroup> layer_groups(const graph::Network& network) {
  const std::vector<std::string> order = network.execution_order();
  std::vector<std::string> paths;
  collect(tree_of(order), "", true, paths);

  std::map<std::string, std::int64_t> sizes;
  for (const auto& [name, tensor] : network.parameters()) sizes[name] = tensor.numel();
  std::vector<LayerGroup> groups;
  for (const std::string& name : order) {
    const std::string* owner = nullptr;
    for (const std::string& path : paths) {
      if (is_within(name, path) && (owner == nullptr || path.size() > owner->size())) owner = &path;
    }
    const std::string group = owner == nullptr || owner->empty() ? name : *owner;  // a parameter of the root is a group of its own
    auto found = std::ranges::find(groups, group, &LayerGroup::name);
    if (found == groups.end()) found = groups.insert(groups.end(), LayerGroup{group, 0, {}});
    found->parameters += sizes[name];
    found->names.push_back(name);
  }
  return groups;
}

}  // namespace graft::backbone
