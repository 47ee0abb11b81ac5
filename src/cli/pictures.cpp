#include "cli/pictures.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "core/json.h"
#include "core/names.h"
#include "graft/image/picture.h"
#include "predict/saved_file.h"

namespace graft::cli {
namespace {

// Objects are small parts of a picture, so more of it is seen than a classifier needs.
constexpr std::int64_t usual_size_to_detect = 416;

/// What a name switches on, in strengths that are usual for fine-tuning.
struct Augmentation {
  std::string name;
  void (*add)(image::AugmentOptions&);
};

const std::vector<Augmentation>& augmentations() {
  static const std::vector<Augmentation> all{
      {"flip", [](image::AugmentOptions& o) { o.horizontal_flip = 0.5; }},
      {"vflip", [](image::AugmentOptions& o) { o.vertical_flip = 0.5; }},
      {"crop", [](image::AugmentOptions& o) { o.crop = 0.35; }},
      {"rotate", [](image::AugmentOptions& o) { o.rotation = 10; }},
      {"colour", [](image::AugmentOptions& o) { o.brightness = o.contrast = o.saturation = 0.2, o.hue = 0.02; }},
      {"rand", [](image::AugmentOptions& o) { o.operations = 2; }},
      {"erase", [](image::AugmentOptions& o) { o.erasing = 0.25; }},
  };
  return all;
}

image::AugmentOptions augment_from(const std::string& names) {
  image::AugmentOptions options;
  const std::vector<std::string> wanted = split_list(names);
  for (const auto& [name, add] : augmentations()) {
    if (std::ranges::find(wanted, name) != wanted.end()) add(options);
  }
  return options;
}

/// A solved head has no use for pictures that vary.
std::string usual_augment(const Task& task, const TrainSettings& settings) {
  const bool steps = task.kind == Task::Kind::Detect || (settings.preset != "auto" && settings.preset != "probe");
  return steps ? "flip" : "none";
}

/// "224", "416x320" (width x height).
std::optional<image::PictureSize> image_size_from(const std::string& text) {
  std::vector<std::int64_t> sides;
  const char *at = text.data(), *end = at + text.size();
  while (at != end && sides.size() < 2) {
    std::int64_t side = 0;
    const auto [next, error] = std::from_chars(at, end, side);
    if (error != std::errc() || side < 1) return std::nullopt;
    sides.push_back(side);
    if (next == end) return image::PictureSize{.height = sides.back(), .width = sides.front()};
    if (*next != 'x') return std::nullopt;
    at = next + 1;
  }
  return std::nullopt;
}

}  // namespace

image::Pictures pictures(const Task& task, const TrainSettings& settings, const Backbone* backbone) {
  image::PicturesOptions options;
  if (backbone != nullptr) {
    const auto inside = backbone->files().find("preprocess.json");
    if (inside != backbone->files().end())
      options = image::Pictures::options_from(parse_json(inside->second, settings.backbone + ":preprocess.json"));
  }
  options.image = task.texts.front();
  options.places = task.kind == Task::Kind::Detect;
  if (options.places) {
    options.fit = image::Fit::Letterbox;
    options.height = options.width = usual_size_to_detect;
  }
  if (settings.fit == "crop") options.fit = image::Fit::Crop;
  if (settings.fit == "letterbox") options.fit = image::Fit::Letterbox;
  if (settings.fit == "stretch") options.fit = image::Fit::Stretch;
  if (const auto size = image_size_from(settings.image_size)) {
    options.height = size->height;
    options.width = size->width;
  }
  options.augment = augment_from(settings.augment == "auto" ? usual_augment(task, settings) : settings.augment);
  return image::Pictures(std::move(options));
}

std::string names_of_augmentations() {
  std::string names;
  for (const Augmentation& each : augmentations()) names += (names.empty() ? "" : ", ") + each.name;
  return names;
}

std::vector<Problem> picture_problems(const TrainSettings& settings) {
  std::vector<Problem> problems;
  const auto refuse = [&](const std::string& message, const std::string& remedy) {
    problems.push_back({"graft-C104", "[graft train] " + message, remedy, ""});
  };
  if (!settings.image_size.empty() && !image_size_from(settings.image_size))
    refuse("an --image-size like 224 or 416x320 is wanted, got \"" + settings.image_size + "\".", "Width x height, in pixels.");
  const std::vector<std::string> fits{"auto", "crop", "letterbox", "stretch"};
  if (std::ranges::find(fits, settings.fit) == fits.end())
    refuse("--fit of " + quoted_list(fits) + " is wanted, got \"" + settings.fit + "\".",
           did_you_mean(settings.fit, fits, "Leave it out for the default."));
  if (settings.augment == "auto" || settings.augment == "none") return problems;
  for (const std::string& name : split_list(settings.augment)) {
    if (std::ranges::find(augmentations(), name, &Augmentation::name) == augmentations().end())
      refuse("an --augment of " + names_of_augmentations() + " is wanted, got \"" + name + "\".", "none switches it off.");
  }
  return problems;
}

}  // namespace graft::cli
