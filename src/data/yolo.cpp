#include "graft/data/yolo.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <span>
#include <sstream>

#include "core/file.h"
#include "core/table.h"
#include "core/warning.h"
#include "data/file_checks.h"
#include "data/picture_folders.h"
#include "data/pictures.h"
#include "data/tally.h"
#include "data/yolo_yaml.h"
#include "graft/core/error.h"

namespace graft::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_problems = 100;

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  const std::string bytes = read_file(path);
  require_clean_utf8(bytes, path, "Yolo");
  std::istringstream text(bytes);
  for (std::string line; std::getline(text, line);) {
    line.erase(line.find_last_not_of(" \t\r") + 1);
    lines.push_back(line);
  }
  return lines;
}

/// In shares of the picture.
struct Shape {
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0, area = 0;
};

/// Of a line "class x y width height".
Shape by_middle(std::span<const double> line) {
  const double x = line[1], y = line[2], width = line[3], height = line[4];
  return {x - width / 2, y - height / 2, x + width / 2, y + height / 2, width * height};
}

/// Of an outline x1 y1 x2 y2 ...: the box around it, and the area inside (the shoelace formula).
Shape around(std::span<const double> points) {
  Shape shape{points[0], points[1], points[0], points[1]};
  double twice = 0;
  for (std::size_t i = 0; i < points.size(); i += 2) {
    const double x = points[i], y = points[i + 1];
    const double next_x = points[(i + 2) % points.size()], next_y = points[(i + 3) % points.size()];
    shape.x1 = std::min(shape.x1, x), shape.x2 = std::max(shape.x2, x);
    shape.y1 = std::min(shape.y1, y), shape.y2 = std::max(shape.y2, y);
    twice += x * next_y - next_x * y;
  }
  shape.area = std::abs(twice) / 2;
  return shape;
}

class Reader {
 public:
  explicit Reader(const YoloOptions& options) : options_(options), names_(options.names) {
    if (options.size_of) return;
    throw DataError(
        {.code = "graft-D069",
         .message = "[Yolo] a function that reads the sizes of pictures is wanted, since boxes are shares of them; there is none.",
         .remedy = "Give .size_of.",
         .place = ""});
  }

  std::vector<Picture> read(const std::string& path) {
    const std::string ending = fs::path(path).extension().string();
    if (fs::is_directory(path) || ending == ".txt") {
      add_pictures(path);
    } else {
      const YoloYaml yaml = read_yolo_yaml(path, options_.split);
      if (names_.empty()) names_ = yaml.names;
      if (yaml.pictures.empty())
        refuse_empty("pictures are wanted in \"" + options_.split + "\", which the file does not name", path, "Yolo");
      for (const std::string& part : yaml.pictures) add_pictures(part);
    }
    if (paths_.empty()) refuse_empty("at least one picture is wanted, there is none", path, "Yolo");
    if (const auto missing = missing_files(paths_, places_, "Yolo")) throw DataError(*missing);
    if (names_.empty()) find_names();
    for (const std::string& picture : paths_) read_picture(picture);
    if (!problems_.empty()) throw DataError(problems_);
    if (outlines_.count() > 0) {
      warn(outlines_.problem(
          "graft-W025", "[Yolo] " + std::to_string(outlines_.count()) + " objects are outlines, of which the boxes around them are taken",
          "Nothing: outlines themselves are not learned."));
    }
    return std::move(list_);
  }

 private:
  void add(const std::string& path, const std::string& place) {
    paths_.push_back(path);
    places_.push_back(place);
  }

  /// Those of a folder, or of a list.
  void add_pictures(const std::string& path) {
    if (fs::path(path).extension() == ".txt") {
      std::size_t number = 0;
      for (const std::string& line : lines_of(path)) {
        ++number;
        if (!line.empty()) add((fs::path(path).parent_path() / line).lexically_normal().string(), path + ":" + std::to_string(number));
      }
      return;
    }
    require_folder(path);
    for (const fs::path& file : files_below(path)) {
      if (is_picture(file)) add(file.string(), file.string());
    }
  }

  /// …/images/sub/a.jpg: …/labels/sub/a.txt
  static fs::path labels_of(const fs::path& picture) {
    std::string path = "/" + fs::path(picture).replace_extension(".txt").string();  // so that a path may begin with the folder
    if (const std::size_t at = path.rfind("/images/"); at != std::string::npos) path.replace(at, 8, "/labels/");
    return path.substr(1);
  }

  void find_names() {
    fs::path folder = labels_of(paths_.front()).parent_path();
    for (int up = 0; up < 3 && !folder.empty(); ++up, folder = folder.parent_path()) {
      if (!fs::is_regular_file(folder / "classes.txt")) continue;
      names_ = lines_of((folder / "classes.txt").string());
      std::erase(names_, "");
      return;
    }
    refuse_empty("names of the classes are wanted, in data.yaml, in classes.txt or in .names; there are none", paths_.front(), "Yolo");
  }

  void read_picture(const std::string& path) {
    Picture picture{.path = path, .place = path, .boxes = std::vector<GivenBox>()};
    try {
      std::tie(picture.height, picture.width) = options_.size_of(path);
    } catch (const Error& unreadable) {
      problems_.insert(problems_.end(), unreadable.problems().begin(), unreadable.problems().end());
      return;
    }
    std::string labels = labels_of(path).string();
    if (!fs::is_regular_file(labels)) labels = fs::path(path).replace_extension(".txt").string();
    if (fs::is_regular_file(labels)) {
      std::size_t number = 0;
      for (const std::string& line : lines_of(labels)) {
        ++number;
        if (!line.empty()) read_line(line, labels + ":" + std::to_string(number), picture);
      }
    }
    list_.push_back(std::move(picture));
  }

  void read_line(const std::string& line, const std::string& place, Picture& picture) {
    std::vector<double> values;
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      double value = 0;
      const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
      values.push_back(error == std::errc() && end == word.data() + word.size() ? value : std::nan(""));
    }
    const auto is_share = [](double value) { return value >= 0 && value <= 1; };
    const bool is_outline = values.size() >= 7 && values.size() % 2 == 1;
    if (!(is_outline || values.size() == 5) || !std::all_of(values.begin() + 1, values.end(), is_share)) {
      return tell("a class and four shares of the picture in [0, 1], or an outline, are wanted, got \"" + shortened(line, 60) + "\".",
                  "Write class x y width height, or class x1 y1 x2 y2 x3 y3 ..., each divided by the picture's side.", place);
    }
    if (!(values[0] >= 0 && values[0] < static_cast<double>(names_.size()) && values[0] == std::floor(values[0]))) {
      return tell("a class from 0 to " + std::to_string(names_.size() - 1) + " is wanted, got \"" +
                      line.substr(0, line.find_first_of(" \t")) + "\".",
                  "Name all classes, or mend the line.", place);
    }
    const auto width = static_cast<double>(picture.width), height = static_cast<double>(picture.height);
    const Shape shape = is_outline ? around(std::span(values).subspan(1)) : by_middle(values);
    GivenBox box{{shape.x1 * width, shape.y1 * height, shape.x2 * width, shape.y2 * height, names_[static_cast<std::size_t>(values[0])]}};
    box.object_area = is_outline ? shape.area * width * height : box.area();
    if (is_outline) outlines_.add(shortened(line, 40), place);
    picture.boxes->push_back(std::move(box));
  }

  void tell(const std::string& message, const std::string& remedy, const std::string& place) {
    if (problems_.size() < most_problems) problems_.push_back({"graft-D064", "[Yolo] " + message, remedy, place});
  }

  const YoloOptions& options_;
  std::vector<std::string> names_, paths_, places_;
  std::vector<Picture> list_;
  Tally outlines_;
  std::vector<Problem> problems_;
};

}  // namespace

Data yolo(const std::string& path, const YoloOptions& options) { return pictures(Reader(options).read(path)); }

}  // namespace graft::data
