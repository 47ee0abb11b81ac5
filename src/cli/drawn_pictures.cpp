#include "cli/drawn_pictures.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "cli/answers.h"
#include "core/file.h"
#include "core/table.h"
#include "graft/core/error.h"
#include "graft/image/draw.h"
#include "graft/image/picture.h"

namespace graft::cli {
namespace {

namespace fs = std::filesystem;

constexpr image::Colour white{255, 255, 255};

/// Empty where the answer is a list of objects.
std::string caption_of(const Decoded& answer) {
  if (answer.rejected) return answer.label.empty() ? "none of these" : answer.label;
  if (!answer.label.empty()) return answer.label + " " + fixed(answer.score, 2);
  return answer.values.empty() ? "" : text_of(answer, "");
}

/// Whole pixels become blocks, so that a picture of 28 pixels has room for a line below.
at::Tensor with_caption(const at::Tensor& picture, const std::string& caption) {
  constexpr std::int64_t least_side = 224;
  const std::int64_t side = std::min(picture.size(0), picture.size(1)), times = (least_side + side - 1) / side;
  const std::array<at::Tensor, 1> pictures{picture.repeat_interleave(times, 0).repeat_interleave(times, 1)};
  const std::array<std::string, 1> captions{caption};
  return image::contact_sheet(pictures, 1, captions);
}

}  // namespace

DrawnPictures::DrawnPictures(std::string folder, std::span<const std::string> files, std::vector<std::string> labels)
    : folder_(std::move(folder)), labels_(std::move(labels)) {
  std::error_code error;
  fs::create_directories(folder_, error);
  require_writable_folder(folder_);
  for (const std::string& file : files) {
    const fs::path parent = fs::path(file).parent_path();
    if (!fs::equivalent(parent.empty() ? "." : parent, folder_, error)) continue;
    throw ConfigError({.code = "graft-C120",
                       .message = "[graft] copies of pictures go to a folder of their own; \"" + file + "\" lies in --out.",
                       .remedy = "Name another folder with --out.",
                       .place = folder_});
  }
}

std::string DrawnPictures::add(const std::string& file, const Decoded& answer, std::span<const GivenBox> truth, const std::string& prefix) {
  at::Tensor picture = image::read_picture(file);
  for (auto box = answer.boxes.rbegin(); box != answer.boxes.rend(); ++box) {  // the surest last, above the others
    const auto index = std::ranges::find(labels_, box->label) - labels_.begin();
    image::draw_box(picture, *box, image::class_colour(index), box->label + " " + fixed(box->score, 2));
  }
  for (const GivenBox& box : truth) image::draw_outline(picture, box, white);
  const std::string caption = answer.boxes.empty() ? caption_of(answer) : "";
  if (!caption.empty()) picture = with_caption(picture, caption);
  const std::string path = (fs::path(folder_) / free_name(prefix + fs::path(file).stem().string())).string();
  image::write_jpeg(path, picture);
  return path;
}

std::string DrawnPictures::free_name(const std::string& stem) {
  std::string name = stem;
  for (int again = 1; !names_.insert(name).second; ++again) name = std::to_string(again) + "_" + stem;
  return name + ".jpg";
}

}  // namespace graft::cli
