#include "cli/class_map.h"

#include <vector>

#include "cli/data.h"
#include "core/file.h"
#include "core/names.h"
#include "graft/core/error.h"

namespace graft::cli {
namespace {

constexpr const char* form = "Write --class-map 'old=new,unwanted=', or name a .json file such as {\"old\": \"new\", \"unwanted\": \"\"}.";

[[noreturn]] void refuse(const std::string& code, const std::string& message, const std::string& remedy, const std::string& place) {
  throw ConfigError({.code = code, .message = "[Classes] " + message, .remedy = remedy, .place = place});
}

std::map<std::string, std::string> names_from_file(const std::string& path) {
  const Json json = parse_json(read_file(path), path);
  if (!json.is_object()) refuse("graft-C122", "an object of names is wanted, got another JSON.", form, path);
  std::map<std::string, std::string> names;
  for (const auto& [name, now] : json.items()) {
    if (!now.is_string()) refuse("graft-C122", "a text is wanted for \"" + name + "\", got " + now.dump() + ".", form, path);
    names[name] = now.get<std::string>();
  }
  return names;
}

std::map<std::string, std::string> names_from(const std::string& given) {
  if (given.ends_with(".json")) return names_from_file(given);
  std::map<std::string, std::string> names;
  for (const std::string& pair : split_list(given)) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) refuse("graft-C122", "old=new is wanted, got \"" + pair + "\".", form, "");
    if (!names.emplace(pair.substr(0, equals), pair.substr(equals + 1)).second)
      refuse("graft-C122", "one new name for \"" + pair.substr(0, equals) + "\" is wanted, got two.", form, "");
  }
  return names;
}

[[noreturn]] void refuse_task(const std::string& learned) {
  refuse("graft-C123", "--class-map is for classes in one column; this model learns " + learned + ".", "Leave it out.", "");
}

}  // namespace

data::ClassMap class_map(const std::string& given, const Task& task, const std::string& label_separator) {
  data::ClassMap map{.names = names_from(given), .field = task.targets.front()};
  if (task.kind == Task::Kind::Regress || task.kind == Task::Kind::Answers) refuse_task(what_it_learns(task));
  if (task.targets.size() > 1) refuse_task("from " + quoted_list(task.targets));
  if (task.kind == Task::Kind::MultiLabel) map.separator = label_separator;
  return map;
}

data::ClassMap class_map(const std::string& given, const Json& head_config) {
  const std::vector<std::string> columns = target_columns(head_config);
  const std::string type = head_config.value("type", std::string());
  const bool has_classes = type == "classifier" || type == "multilabel" || type == "detector" || type == "token_classifier";
  if (!has_classes || columns.size() != 1) refuse_task(columns.empty() ? "none" : "from " + quoted_list(columns));
  return {.names = names_from(given),
          .field = columns.front(),
          .separator = head_config.value("separator", std::string()),
          .unknown = data::ClassMap::Unknown::Warn};
}

}  // namespace graft::cli
