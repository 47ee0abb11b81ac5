#include "image/pictures_options.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/names.h"
#include "graft/core/error.h"
#include "graft/image/pictures.h"

namespace graft::image {
namespace {

const std::array<std::string, 3> fits{"stretch", "crop", "letterbox"};
const std::array<std::string, 2> interpolations{"bilinear", "bicubic"};

template <class Enum>
Enum named(const std::string& name, std::span<const std::string> names, const std::string& what) {
  const auto found = std::ranges::find(names, name);
  if (found != names.end()) return static_cast<Enum>(found - names.begin());
  throw ConfigError({.code = "graft-C111",
                     .message = "[Pictures] " + what + " of " + quoted_list(names) + " is wanted, got \"" + name + "\".",
                     .remedy = did_you_mean(name, names, "Name one of them."),
                     .place = ""});
}

std::string written(double number) { return Json(number).dump(); }

Json config_of(const AugmentOptions& augment) {
  return {{"crop", augment.crop},
          {"crop_ratio", augment.crop_ratio},
          {"horizontal_flip", augment.horizontal_flip},
          {"vertical_flip", augment.vertical_flip},
          {"rotation", augment.rotation},
          {"operations", augment.operations},
          {"strength", augment.strength},
          {"brightness", augment.brightness},
          {"contrast", augment.contrast},
          {"saturation", augment.saturation},
          {"hue", augment.hue},
          {"erasing", augment.erasing}};
}

AugmentOptions augment_of(const Json& config) {
  AugmentOptions augment;
  const auto read = [&](const char* name, auto& into) { into = config.at(name); };
  read("crop", augment.crop);
  read("crop_ratio", augment.crop_ratio);
  read("horizontal_flip", augment.horizontal_flip);
  read("vertical_flip", augment.vertical_flip);
  read("rotation", augment.rotation);
  read("operations", augment.operations);
  read("strength", augment.strength);
  read("brightness", augment.brightness);
  read("contrast", augment.contrast);
  read("saturation", augment.saturation);
  read("hue", augment.hue);
  read("erasing", augment.erasing);
  return augment;
}

}  // namespace

std::vector<Problem> problems_of(const PicturesOptions& options) {
  std::vector<Problem> problems;
  const auto want = [&](bool holds, const std::string& wanted, const std::string& got) {
    if (!holds) problems.push_back({"graft-C110", "[Pictures] " + wanted + ", got " + got + ".", "See PicturesOptions."});
  };
  const auto is_above_0 = [](double value) { return value > 0; };
  constexpr std::int64_t most = 1 << 14;
  want(options.height >= 1 && options.width >= 1 && options.height <= most && options.width <= most,
       "height and width must lie in 1 to " + std::to_string(most),
       std::to_string(options.height) + " and " + std::to_string(options.width));
  want(options.crop_share > 0 && options.crop_share <= 1, "crop_share must lie in (0, 1]", written(options.crop_share));
  want(options.mean.size() == 3, "mean must have a value for each of red, green and blue", std::to_string(options.mean.size()));
  want(options.std.size() == 3 && std::ranges::all_of(options.std, is_above_0), "std must have three values above 0",
       options.std.size() == 3 ? "one that is not" : std::to_string(options.std.size()));
  const AugmentOptions& augment = options.augment;
  const auto want_number = [&](const std::string& name, double value, double low, double high) {
    want(value >= low && value <= high, name + " must lie in " + written(low) + " to " + written(high), written(value));
  };
  want_number("augment.crop", augment.crop, 0, 1);
  want_number("augment.crop_ratio", augment.crop_ratio, 1, 10);
  want_number("augment.horizontal_flip", augment.horizontal_flip, 0, 1);
  want_number("augment.vertical_flip", augment.vertical_flip, 0, 1);
  want_number("augment.rotation", augment.rotation, 0, 180);
  want_number("augment.operations", augment.operations, 0, 14);
  want_number("augment.strength", augment.strength, 0, 30);
  want_number("augment.brightness", augment.brightness, 0, 1);
  want_number("augment.contrast", augment.contrast, 0, 1);
  want_number("augment.saturation", augment.saturation, 0, 1);
  want_number("augment.hue", augment.hue, 0, 0.5);
  want_number("augment.erasing", augment.erasing, 0, 1);
  want(options.memory >= 0, "memory must be 0 or more", std::to_string(options.memory));
  return problems;
}

PicturesOptions options_of(const Json& config) {
  PicturesOptions options;
  options.image = config.at("image");
  options.height = config.at("height");
  options.width = config.at("width");
  options.fit = named<Fit>(config.at("fit"), fits, "a fit");
  options.crop_share = config.at("crop_share");
  options.interpolation = named<Interpolation>(config.at("interpolation"), interpolations, "an interpolation");
  options.mean = config.at("mean").get<std::vector<double>>();
  options.std = config.at("std").get<std::vector<double>>();
  options.augment = augment_of(config.at("augment"));
  options.places = config.at("places");
  return options;
}

Json config_of(const PicturesOptions& options) {
  return {{"type", "pictures"},
          {"image", options.image},
          {"height", options.height},
          {"width", options.width},
          {"fit", fits[static_cast<std::size_t>(options.fit)]},
          {"crop_share", options.crop_share},
          {"interpolation", interpolations[static_cast<std::size_t>(options.interpolation)]},
          {"mean", options.mean},
          {"std", options.std},
          {"augment", config_of(options.augment)},
          {"places", options.places}};
}

PicturesOptions Pictures::options_from(const Json& preprocess) try {
  PicturesOptions options;
  named<int>(preprocess.value("type", "image"), std::array<std::string, 1>{"image"}, "preprocessing");
  named<int>(preprocess.value("channels", "RGB"), std::array<std::string, 1>{"RGB"}, "channels");
  options.height = options.width = preprocess.at("size");
  options.interpolation = named<Interpolation>(preprocess.at("interpolation"), interpolations, "an interpolation");
  options.mean = preprocess.at("mean").get<std::vector<double>>();
  options.std = preprocess.at("std").get<std::vector<double>>();
  options.crop_share = preprocess.value("crop_share", options.crop_share);
  return options;
} catch (const Json::exception& error) {
  throw ConfigError({.code = "graft-C111",
                     .message = "[Pictures] preprocess.json with size, interpolation, mean and std is wanted, got another.",
                     .remedy = "Import the backbone again, or fill in PicturesOptions by hand.",
                     .place = ""},
                    error.what());
}

}  // namespace graft::image
