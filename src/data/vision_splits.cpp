#include "graft/data/vision_splits.h"

#include <algorithm>
#include <filesystem>

#include "core/file.h"
#include "data/picture_folders.h"
#include "data/yolo_yaml.h"
#include "graft/core/error.h"
#include "graft/data/coco.h"
#include "graft/data/image_folder.h"
#include "graft/data/voc.h"
#include "graft/data/yolo.h"

namespace graft::data {
namespace {

namespace fs = std::filesystem;

bool is_voc(const fs::path& folder) { return fs::is_directory(folder / "Annotations"); }

Data part(const std::string& folder) {
  if (folder.empty()) return {};
  return is_voc(folder) ? voc(folder) : image_folder(folder);
}

Splits voc_splits(const std::string& root) {
  const auto list = [&](const char* name) {
    return fs::is_regular_file(fs::path(root) / "ImageSets" / "Main" / (std::string(name) + ".txt")) ? voc(root, {.split = name}) : Data();
  };
  Splits splits{list("train"), list("val"), list("test")};
  if (splits.train.empty()) splits.train = list("trainval");
  if (splits.train.empty() && splits.valid.empty() && splits.test.empty()) splits.train = voc(root);
  return splits;
}

/// Files of COCO's detection task in a folder, sorted.
std::vector<std::string> coco_files(const fs::path& root) {
  std::vector<std::string> files;
  if (!fs::is_directory(root / "annotations")) return files;
  for (const auto& entry : fs::directory_iterator(root / "annotations")) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("instances_") && name.ends_with(".json")) files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  return files;
}

Splits coco_splits(const std::vector<std::string>& files, const std::string& root) {
  const auto part = [&](const std::string& name) -> Data {
    std::string found;
    for (const std::string& file : files) {
      if (!fs::path(file).filename().string().starts_with("instances_" + name)) continue;
      if (!found.empty()) {
        throw DataError({.code = "graft-D076",
                         .message = "[Pictures] one file of \"" + name + "\" data is wanted, got \"" + found + "\" and \"" + file + "\".",
                         .remedy = "Name the files that are meant: --train FILE --valid FILE.",
                         .place = root});
      }
      found = file;
    }
    return found.empty() ? Data() : coco(found);
  };
  Splits splits{part("train"), part("val"), part("test")};
  if (splits.train.empty() && splits.valid.empty() && splits.test.empty() && files.size() == 1) splits.train = coco(files.front());
  return splits;
}

Splits yolo_splits(const std::string& path, const SizeOf& size_of) {
  const auto part = [&](const char* name) {
    return read_yolo_yaml(path, name).pictures.empty() ? Data() : yolo(path, {.size_of = size_of, .split = name, .names = {}});
  };
  return {part("train"), part("val"), part("test")};
}

}  // namespace

Splits vision_splits(const std::string& path, const VisionSplitsOptions& options) {
  if (fs::is_directory(path)) {
    if (const auto files = coco_files(path); !files.empty()) return coco_splits(files, path);
    if (is_voc(path)) return voc_splits(path);
    const PartFolders parts = part_folders(path);
    if (!parts.train.empty()) return {part(parts.train), part(parts.valid), part(parts.test)};
    return {image_folder(path), {}, {}};
  }
  require_file(path);
  const std::string ending = fs::path(path).extension().string();
  if (ending == ".json") return {coco(path), {}, {}};
  if (ending == ".yaml" || ending == ".yml") return yolo_splits(path, options.size_of);
  throw DataError(
      {.code = "graft-D067",
       .message =
           "[Pictures] a folder of class folders, one with train, val and test, one in the form of Pascal VOC or COCO, a .json file of "
           "COCO or a data.yaml of YOLO is wanted, got another file.",
       .remedy = "Name the folder or the file of annotations; a list of pictures is read by image_list().",
       .place = path});
}

}  // namespace graft::data
