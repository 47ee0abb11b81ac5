#include "data/yolo_yaml.h"

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <map>

#include "core/file.h"
#include "data/file_checks.h"
#include "graft/core/error.h"

namespace graft::data {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& message, const std::string& place) {
  throw DataError({.code = "graft-D065",
                   .message = "[Yolo] " + message + ".",
                   .remedy = "Write names: [cat, dog], and train: images/train, as YOLO's tools do.",
                   .place = place});
}

/// A list, or numbers with names.
std::vector<std::string> names_in(const YAML::Node& node, const std::string& path) {
  std::vector<std::string> names;
  if (node.IsSequence()) return node.as<std::vector<std::string>>();
  if (!node.IsMap()) refuse("names of the classes are wanted in \"names\", a list or a name for each number", path);
  for (const auto& [number, name] : node.as<std::map<std::size_t, std::string>>()) {
    if (number != names.size()) refuse("a name for each class from 0 on is wanted, " + std::to_string(names.size()) + " has none", path);
    names.push_back(name);
  }
  return names;
}

/// Some tools write "../train/images" for a folder beside the file.
std::string found(const fs::path& root, const std::string& entry) {
  const fs::path straight = root / entry;
  if (!fs::exists(straight) && entry.starts_with("../") && fs::exists(root / entry.substr(3))) return (root / entry.substr(3)).string();
  return straight.lexically_normal().string();
}

}  // namespace

YoloYaml read_yolo_yaml(const std::string& path, const std::string& split) {
  const std::string text = read_file(path);
  require_clean_utf8(text, path, "Yolo");
  try {
    const YAML::Node file = YAML::Load(text);
    if (!file.IsMap() || !file["names"]) refuse("\"names\" are wanted in the file, there are none", path);
    YoloYaml read{names_in(file["names"], path), {}};
    fs::path root = fs::path(path).parent_path();
    if (file["path"] && fs::is_directory(root / file["path"].as<std::string>())) root /= file["path"].as<std::string>();
    if (const YAML::Node part = file[split]; part && part.IsSequence()) {
      for (const auto& entry : part.as<std::vector<std::string>>()) read.pictures.push_back(found(root, entry));
    } else if (part && !part.IsNull()) {
      read.pictures.push_back(found(root, part.as<std::string>()));
    }
    return read;
  } catch (const YAML::Exception& error) {
    refuse("YAML with names and folders is wanted: " + error.msg,
           path + (error.mark.is_null() ? "" : ":" + std::to_string(error.mark.line + 1)));
  }
}

}  // namespace graft::data
