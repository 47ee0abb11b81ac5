#include "graft/adapt/freeze.h"

#include <algorithm>
#include <map>

#include "core/names.h"
#include "graft/core/error.h"
#include "graph/network.h"

namespace graft {
namespace {

bool is_below(const std::string& name, const std::string& path) {
  return name == path || (name.starts_with(path) && name[path.size()] == '.');
}

/// A pattern names parameters, or modules and with them all that they hold.
bool matches(const std::string& pattern, const std::string& parameter) {
  for (std::size_t end = parameter.size(); end != std::string::npos; end = end == 0 ? std::string::npos : parameter.rfind('.', end - 1)) {
    if (glob_match(pattern, std::string_view(parameter).substr(0, end))) return true;
  }
  return false;
}

std::vector<std::string> group_names(const Backbone& backbone) {
  std::vector<std::string> names;
  for (const LayerGroup& group : backbone.groups()) names.push_back(group.name);
  return names;
}

/// Every module path and parameter name, for near names.
std::vector<std::string> all_paths(const Backbone& backbone) {
  std::set<std::string> paths;
  for (const LayerGroup& group : backbone.groups()) {
    for (std::string name : group.names) {
      for (;;) {
        paths.insert(name);
        const std::size_t dot = name.rfind('.');
        if (dot == std::string::npos) break;
        name.resize(dot);
      }
    }
  }
  return {paths.begin(), paths.end()};
}

}  // namespace

Freeze Freeze::parse(const std::string& text) {
  if (text == "all") return all();
  if (text == "none") return none();
  constexpr std::string_view prefix = "up_to=";
  if (text.starts_with(prefix) && text.size() > prefix.size()) return up_to(text.substr(prefix.size()));
  std::vector<std::string> patterns = split_list(text);
  if (patterns.empty() || text.starts_with(prefix)) {
    throw ConfigError({.code = "graft-C007",
                       .message = "[Freeze] all, none, up_to=GROUP or patterns are wanted, got \"" + text + "\".",
                       .remedy = "graft inspect FILE lists the groups.",
                       .place = ""});
  }
  return matching(std::move(patterns));
}

std::set<std::string> Freeze::trainable(const Backbone& backbone) const {
  std::set<std::string> trains;
  for (const LayerGroup& group : backbone.groups()) trains.insert(group.names.begin(), group.names.end());
  const auto unmatched = [](const std::string& what, const std::string& name, const std::vector<std::string>& candidates) {
    return ConfigError({.code = "graft-C008",
                        .message = "[Freeze] no " + what + " of the backbone matches \"" + name + "\".",
                        .remedy = did_you_mean(name, candidates, "graft inspect FILE lists the groups: " + quoted_list(candidates) + "."),
                        .place = ""});
  };
  switch (kind_) {
    case Kind::All:
      return {};
    case Kind::None:
      return trains;
    case Kind::UpTo: {
      const auto& groups = backbone.groups();
      const auto last =
          std::find_if(groups.rbegin(), groups.rend(), [&](const LayerGroup& group) { return is_below(group.name, names_.front()); });
      if (last == groups.rend()) throw unmatched("layer group", names_.front(), group_names(backbone));
      for (auto group = groups.begin(); group != last.base(); ++group) {
        for (const std::string& name : group->names) trains.erase(name);
      }
      return trains;
    }
    case Kind::Matching:
      break;
  }
  for (const std::string& pattern : names_) {
    const std::size_t matched = std::erase_if(trains, [&](const std::string& name) { return matches(pattern, name); });
    if (matched > 0) continue;
    // Patterns may overlap: one whose parameters are frozen already has matched.
    const auto paths = all_paths(backbone);
    if (std::ranges::none_of(paths, [&](const std::string& path) { return glob_match(pattern, path); }))
      throw unmatched("parameter or module", pattern, paths);
  }
  return trains;
}

std::string Freeze::text() const {
  switch (kind_) {
    case Kind::All:
      return "all";
    case Kind::None:
      return "none";
    case Kind::UpTo:
      return "up_to=" + names_.front();
    case Kind::Matching:
      break;
  }
  std::string text;
  for (const std::string& name : names_) text += (text.empty() ? "" : ",") + name;
  return text;
}

FreezeTable freeze_table(const Backbone& backbone, const std::set<std::string>& trainable) {
  std::map<std::string, std::int64_t> sizes;
  for (const auto& [name, tensor] : backbone.network().parameters()) sizes[name] = tensor.numel();
  FreezeTable table;
  for (const LayerGroup& group : backbone.groups()) {
    FreezeTable::Row row{group.name, group.parameters, 0};
    for (const std::string& name : group.names) row.trainable += trainable.contains(name) ? sizes[name] : 0;
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::int64_t FreezeTable::parameters() const {
  std::int64_t sum = 0;
  for (const Row& row : rows) sum += row.parameters;
  return sum;
}

std::int64_t FreezeTable::trainable() const {
  std::int64_t sum = 0;
  for (const Row& row : rows) sum += row.trainable;
  return sum;
}

std::string FreezeTable::text() const {
  const auto state = [](const Row& row) { return row.trainable == 0 ? "frozen" : row.trainable == row.parameters ? "trains" : "partly"; };
  std::string text;
  for (std::size_t start = 0; start < rows.size();) {
    std::size_t end = start;
    std::int64_t count = 0;
    while (end < rows.size() && std::string_view(state(rows[end])) == state(rows[start])) count += rows[end++].parameters;
    std::string names = rows[start].group;
    if (end - start > 1) names += " ... " + rows[end - 1].group;
    text += std::string(state(rows[start])) + "  " + names + "  (" + with_commas(count) + " parameters)\n";
    start = end;
  }
  return text;
}

}  // namespace graft
