#include "graft/data/coco.h"

#include <filesystem>
#include <unordered_map>
#include <unordered_set>

#include "core/file.h"
#include "core/json.h"
#include "core/table.h"
#include "data/coco_json.h"
#include "data/file_checks.h"
#include "data/pictures.h"
#include "data/tally.h"
#include "graft/core/error.h"

namespace graft::data {
namespace {

namespace fs = std::filesystem;

/// Where a file's pictures lie, by the first of them: beside it, or, as COCO is unpacked, beside its folder: of
/// annotations/instances_val.json in val, images/val, images or there.
fs::path folder_of(const fs::path& file, const std::string& first) {
  const fs::path beside = file.parent_path(), above = beside.parent_path();
  const std::string name = file.stem().string(), part = name.substr(name.find('_') + 1);
  for (const fs::path& folder : {beside, above / part, above / "images" / part, above / "images", above}) {
    std::error_code error;
    if (fs::is_regular_file(folder / first, error)) return folder;
  }
  return beside;
}

class Reader {
 public:
  Reader(const std::string& path, const CocoOptions& options) : path_(path), images_(options.images) {}

  std::vector<Picture> read(const Json& file) {
    for (const Json& category : array_of(file, "categories")) read_category(category);
    for (const Json& image : array_of(file, "images")) read_image(image);
    for (const Json& annotation : array_of(file, "annotations")) read_annotation(annotation);
    std::vector<Problem> problems;
    const auto tell = [&](const Tally& tally, const std::string& code, const std::string& message, const std::string& remedy) {
      if (tally.count() > 0)
        problems.push_back(tally.problem(code, "[Coco] " + message + ", got " + std::to_string(tally.count()) + " others", remedy));
      if (tally.count() > 0) problems.back().place = path_;
    };
    tell(shapeless_, "graft-D062",
         "images with an id and a file_name, categories with an id and a name, annotations with image_id, category_id and a bbox of four "
         "numbers are wanted",
         "Bring the file into the form of COCO's detection task.");
    tell(twice_, "graft-D060", "ids and names of categories are wanted once", "Give each its own.");
    tell(unknown_images_, "graft-D063", "annotations of the file's images are wanted",
         "Bring the images' entries, or take these annotations out.");
    tell(unknown_categories_, "graft-D063", "annotations of the file's categories are wanted",
         "Bring the categories' entries, or take these annotations out.");
    if (!problems.empty()) throw DataError(problems);
    return std::move(list_);
  }

 private:
  const Json& array_of(const Json& file, const char* name) const {
    if (file.is_object() && file.contains(name) && file[name].is_array()) return file[name];
    throw DataError(
        {.code = "graft-D062",
         .message = std::string("[Coco] an array named \"") + name + "\" is wanted, got " + shortened(file.dump().substr(0, 200), 60) + ".",
         .remedy = "Give a file of COCO's detection task (instances_….json), with images, annotations and categories.",
         .place = path_});
  }

  void read_category(const Json& json) {
    if (!has_whole(json, "id") || !has_text(json, "name")) return shapeless_.add(excerpt(json), "");
    const auto name = json["name"].get<std::string>();
    const bool is_new = categories_.emplace(json["id"].get<std::int64_t>(), name).second;
    if (!is_new) twice_.add("category " + json["id"].dump(), "");
    if (!names_.insert(name).second) twice_.add("category \"" + name + "\"", "");
  }

  void read_image(const Json& json) {
    if (!has_whole(json, "id") || !has_text(json, "file_name")) return shapeless_.add(excerpt(json), "");
    if (!by_id_.emplace(json["id"].get<std::int64_t>(), list_.size()).second) return twice_.add("image " + json["id"].dump(), "");
    const auto name = json["file_name"].get<std::string>();
    if (images_.empty()) images_ = folder_of(path_, name);
    const auto whole = [&](const char* field) { return has_whole(json, field) ? json[field].get<std::int64_t>() : 0; };
    list_.push_back({.path = (images_ / name).string(),
                     .place = path_ + ":image " + json["id"].dump() + " (" + name + ")",
                     .width = whole("width"),
                     .height = whole("height"),
                     .boxes = std::vector<GivenBox>()});
  }

  void read_annotation(const Json& json) {
    if (!has_whole(json, "image_id") || !has_whole(json, "category_id") || !has_box(json)) return shapeless_.add(excerpt(json), "");
    const std::string name = json.contains("id") ? "annotation " + json["id"].dump() : excerpt(json);
    if (has_whole(json, "id") && !ids_.insert(json["id"].get<std::int64_t>()).second) twice_.add(name, "");
    const auto image = by_id_.find(json["image_id"].get<std::int64_t>());
    const auto category = categories_.find(json["category_id"].get<std::int64_t>());
    if (image == by_id_.end()) unknown_images_.add(name + " of image " + json["image_id"].dump(), "");
    if (category == categories_.end()) unknown_categories_.add(name + " of category " + json["category_id"].dump(), "");
    if (image == by_id_.end() || category == categories_.end()) return;
    const auto side = [&](std::size_t i) { return json["bbox"][i].get<double>(); };
    GivenBox box{{side(0), side(1), side(0) + side(2), side(1) + side(3), category->second}};
    box.ignored = json.contains("iscrowd") && json["iscrowd"] == 1;
    box.object_area = json.contains("area") && json["area"].is_number() ? json["area"].get<double>() : side(2) * side(3);
    list_[image->second].boxes->push_back(std::move(box));
  }

  static bool has_whole(const Json& json, const char* name) {
    return json.is_object() && json.contains(name) && json[name].is_number_integer();
  }
  static bool has_text(const Json& json, const char* name) {
    return json.is_object() && json.contains(name) && json[name].is_string() && json[name] != "";
  }
  static bool has_box(const Json& json) {
    if (!json.contains("bbox") || !json["bbox"].is_array() || json["bbox"].size() != 4) return false;
    for (const Json& number : json["bbox"]) {
      if (!number.is_number()) return false;
    }
    return true;
  }
  static std::string excerpt(const Json& json) { return shortened(json.dump().substr(0, 400), 80); }

  std::string path_;
  fs::path images_;
  std::vector<Picture> list_;
  std::unordered_map<std::int64_t, std::size_t> by_id_;
  std::unordered_map<std::int64_t, std::string> categories_;
  std::unordered_set<std::string> names_;
  std::unordered_set<std::int64_t> ids_;
  Tally shapeless_, twice_, unknown_images_, unknown_categories_;
};

}  // namespace

Data coco(const std::string& path, const CocoOptions& options) {
  const std::shared_ptr<const Mapping> file = Mapping::open(path);
  require_clean_utf8(file->bytes(), path, "Coco");
  std::vector<Picture> list = Reader(path, options).read(parse_coco(file->bytes(), path));
  if (list.empty()) refuse_empty("at least one image is wanted, there is none", path, "Coco");
  return pictures(std::move(list));
}

}  // namespace graft::data
