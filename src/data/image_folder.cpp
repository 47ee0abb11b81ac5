#include "graft/data/image_folder.h"

#include <filesystem>

#include "core/names.h"
#include "core/warning.h"
#include "data/file_checks.h"
#include "data/picture_folders.h"
#include "data/pictures.h"
#include "data/tally.h"
#include "graft/core/error.h"

namespace graft::data {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& message, const std::string& remedy, const std::string& root) {
  throw DataError({.code = "graft-D056", .message = "[ImageFolder] " + message, .remedy = remedy, .place = root});
}

}  // namespace

Data image_folder(const std::string& root) {
  const std::vector<std::string> classes = folders_in(root);
  if (classes.empty()) {
    refuse("no class folders in \"" + root + "\"; expected " + root + "/<class>/<image>.",
           "Name the folder that holds one folder for each class.", root);
  }
  if (const PartFolders parts = part_folders(root); !parts.train.empty() && !folders_in(parts.train).empty()) {
    refuse("class folders are wanted in \"" + root + "\", which holds parts of a data set: " + quoted_list(classes) + ".",
           "Open it with vision_splits(), or name one of its parts.", root);
  }
  std::vector<Picture> list;
  Tally others, empty;
  for (const std::string& name : classes) {
    const std::size_t before = list.size();
    for (const fs::path& file : files_below(fs::path(root) / name)) {
      if (is_picture(file)) {
        list.push_back({.path = file.string(), .place = file.string(), .label = name});
      } else {
        others.add(file.lexically_relative(root).string(), "");
      }
    }
    if (list.size() == before) empty.add("\"" + name + "\"", "");
  }
  if (list.empty())
    refuse_empty("at least one picture (jpg, png, bmp, ppm, pgm) is wanted in the class folders, there is none", root, "ImageFolder");
  const auto tell = [&](const Tally& what, const std::string& message, const std::string& remedy) {
    if (what.count() == 0) return;
    Problem warning = what.problem("graft-W023", "[ImageFolder] " + std::to_string(what.count()) + " " + message, remedy);
    warning.place = root;
    warn(warning);
  };
  tell(others, "files that are no pictures are passed over", "Move them out, or convert them to JPEG or PNG.");
  tell(empty, "class folders hold no picture, so that there is no such class", "Remove them, or fill them.");
  return pictures(std::move(list));
}

}  // namespace graft::data
