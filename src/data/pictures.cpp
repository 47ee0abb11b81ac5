#include "data/pictures.h"

#include <algorithm>
#include <array>

#include "core/hash.h"
#include "data/ascii.h"
#include "data/tally.h"
#include "graft/core/runtime.h"

namespace graft::data {
namespace {

namespace fs = std::filesystem;

class Pictures final : public Dataset {
 public:
  explicit Pictures(std::vector<Picture> list) : list_(std::move(list)) { runtime(); }

  std::size_t size() const override { return list_.size(); }

  Record get(std::size_t index) const override {
    const Picture& picture = list_.at(index);
    Record record{{{"image", picture.path}}, picture.place};
    if (picture.label) record.values["label"] = *picture.label;
    if (picture.width > 0) record.values["width"] = picture.width;
    if (picture.height > 0) record.values["height"] = picture.height;
    if (picture.boxes) set_boxes(record, *picture.boxes);
    return record;
  }

  std::string key(std::size_t index) const override { return file_key(list_.at(index).path); }

 private:
  std::vector<Picture> list_;
};

}  // namespace

Data pictures(std::vector<Picture> list) { return Data(std::make_shared<Pictures>(std::move(list))); }

bool is_picture(const fs::path& path) {
  static constexpr std::array<std::string_view, 6> endings{".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm"};
  return std::ranges::find(endings, lower_ascii(path.extension().string())) != endings.end();
}

std::string file_key(const std::string& path) {
  std::error_code error;
  Hash hash;
  hash.add(fs::absolute(path, error).lexically_normal().string());
  const auto size = fs::file_size(path, error);
  hash.add(error ? std::int64_t{-1} : static_cast<std::int64_t>(size));
  const auto time = fs::last_write_time(path, error);
  hash.add(error ? std::int64_t{0} : static_cast<std::int64_t>(time.time_since_epoch().count()));
  return hash.hex();
}

std::optional<Problem> missing_files(std::span<const std::string> paths, std::span<const std::string> places, const std::string& who) {
  Tally missing;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    std::error_code error;
    if (!fs::is_regular_file(paths[i], error)) missing.add("\"" + paths[i] + "\"", places[i]);
  }
  if (missing.count() == 0) return std::nullopt;
  return missing.problem("graft-D053",
                         "[" + who + "] a file is wanted for each of " + std::to_string(paths.size()) + " pictures, " +
                             std::to_string(missing.count()) + " are not there",
                         "Bring the files, name the folder that holds them, or take the pictures out of the list.");
}

}  // namespace graft::data
