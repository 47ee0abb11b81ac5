#include "graft/data/voc.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <pugixml.hpp>
#include <unordered_map>

#include "core/file.h"
#include "core/table.h"
#include "data/ascii.h"
#include "data/file_checks.h"
#include "data/picture_folders.h"
#include "data/pictures.h"
#include "graft/core/error.h"

namespace graft::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_problems = 100;

/// The folders, and what they hold.
class Reader {
 public:
  Reader(const std::string& root, const VocOptions& options) : root_(root), options_(options) {
    require_folder(root);
    annotations_ = fs::path(root) / "Annotations";
    if (!fs::is_directory(annotations_)) annotations_ = root_;
    images_ = options.images.empty() ? annotations_.parent_path() / "JPEGImages" : fs::path(options.images);
    if (options.images.empty() && !fs::is_directory(images_)) images_ = annotations_;
  }

  std::vector<Picture> read() {
    if (options_.split.empty()) {
      std::vector<fs::path> files;
      for (const auto& entry : fs::directory_iterator(annotations_)) {
        if (entry.path().extension() == ".xml") files.push_back(entry.path());
      }
      std::ranges::sort(files);
      if (files.empty()) refuse_empty("at least one annotation (.xml) is wanted, there is none", annotations_.string(), "Voc");
      for (const fs::path& file : files) read_annotation(file.string());
    } else {
      read_list();
    }
    if (!problems_.empty()) throw DataError(problems_);
    return std::move(list_);
  }

 private:
  void read_list() {
    const std::string path = (root_ / "ImageSets" / "Main" / (options_.split + ".txt")).string();
    const std::shared_ptr<const Mapping> file = Mapping::open(path);
    const std::string_view text = file->bytes();
    std::unordered_map<std::string, std::size_t> lines;
    for (std::size_t offset = 0, number = 1; offset < text.size(); ++number) {
      const std::string_view line = text.substr(offset, std::min(text.find('\n', offset), text.size()) - offset);
      offset += line.size() + 1;
      const std::string_view words = trimmed(line);
      const std::string name(words.substr(0, words.find_first_of(" \t")));
      if (name.empty()) continue;
      const std::string place = path + ":" + std::to_string(number);
      const auto [first, is_new] = lines.emplace(name, number);
      if (!is_new) {
        tell("graft-D060", "\"" + name + "\" is wanted once, line " + std::to_string(first->second) + " has it too.",
             "Take one of them out.", place);
      } else if (const std::string annotation = (annotations_ / (name + ".xml")).string(); fs::is_regular_file(annotation)) {
        read_annotation(annotation);
      } else {
        tell("graft-D059", "an annotation \"" + annotation + "\" is wanted, there is none.", "Bring the file, or take the line out.",
             place);
      }
    }
    if (lines.empty()) refuse_empty("at least one name is wanted, there is none", path, "Voc");
  }

  void read_annotation(const std::string& path) {
    const std::string text = read_file(path);
    const auto place_of = [&](std::ptrdiff_t offset) {
      const auto end = text.begin() + std::min(offset, static_cast<std::ptrdiff_t>(text.size()));
      return path + ":" + std::to_string(1 + std::count(text.begin(), end, '\n'));
    };
    pugi::xml_document document;
    const pugi::xml_parse_result parsed = document.load_buffer(text.data(), text.size());
    if (!parsed) {
      return tell("graft-D058", std::string("XML is wanted, got something else: ") + parsed.description() + ".",
                  "Mend the file, or write it anew with the tool that made it.", place_of(parsed.offset));
    }
    try {
      if (parsed.encoding == pugi::encoding_utf8) require_clean_utf8(text, path, "Voc");
    } catch (const DataError& error) {
      return problems_.push_back(error.problems().front());
    }
    const pugi::xml_node root = document.child("annotation");
    if (!root) {
      return tell("graft-D058", std::string("<annotation> is wanted, got <") + document.first_child().name() + ">.",
                  "Give the annotations of Pascal VOC.", path + ":1");
    }
    Picture picture{.path = picture_of(path, root), .place = path, .boxes = std::vector<GivenBox>()};
    const auto whole = [&](const char* name) { return static_cast<std::int64_t>(root.child("size").child(name).text().as_llong()); };
    picture.width = whole("width");
    picture.height = whole("height");
    for (const pugi::xml_node object : root.children("object")) read_object(object, place_of(object.offset_debug()), *picture.boxes);
    list_.push_back(std::move(picture));
  }

  void read_object(const pugi::xml_node& object, const std::string& place, std::vector<GivenBox>& boxes) {
    GivenBox box;
    box.label = trimmed(object.child("name").text().get());
    if (box.label.empty())
      tell("graft-D058", "a class is wanted in the object's <name>, there is none.", "Name it, or take it out.", place);
    const pugi::xml_node corners = object.child("bndbox");
    const auto number = [&](const char* name) {
      const std::string_view text = trimmed(corners.child(name).text().get());
      double value = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
        tell("graft-D061",
             std::string("a number is wanted in <") + name + "> of an object's <bndbox>, got \"" + shortened(std::string(text), 40) + "\".",
             "Write the coordinate, in pixels, or take the object out.", place);
      }
      return value;
    };
    box.x1 = number("xmin");
    box.y1 = number("ymin");
    box.x2 = number("xmax");
    box.y2 = number("ymax");
    box.ignored = trimmed(object.child("difficult").text().get()) == "1";
    box.object_area = box.area();
    boxes.push_back(std::move(box));
  }

  std::string picture_of(const std::string& path, const pugi::xml_node& root) const {
    const fs::path named = images_ / std::string(trimmed(root.child("filename").text().get()));
    if (fs::is_regular_file(named)) return named.string();
    for (const char* ending : {".jpg", ".jpeg", ".png", ".bmp", ".JPG", ".JPEG", ".PNG"}) {
      if (const fs::path alike = images_ / (fs::path(path).stem().string() + ending); fs::is_regular_file(alike)) return alike.string();
    }
    return (named.has_filename() ? named : images_ / (fs::path(path).stem().string() + ".jpg")).string();
  }

  void tell(const std::string& code, const std::string& message, const std::string& remedy, const std::string& place) {
    if (problems_.size() < most_problems) problems_.push_back({code, "[Voc] " + message, remedy, place});
  }

  fs::path root_;
  const VocOptions& options_;
  fs::path annotations_, images_;
  std::vector<Picture> list_;
  std::vector<Problem> problems_;
};

}  // namespace

Data voc(const std::string& root, const VocOptions& options) { return pictures(Reader(root, options).read()); }

}  // namespace graft::data
