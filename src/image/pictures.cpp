#include "graft/image/pictures.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <span>

#include "core/json.h"
#include "core/names.h"
#include "graft/core/error.h"
#include "graft/core/runtime.h"
#include "image/formats.h"
#include "image/kept_pictures.h"

namespace graft::image {
namespace {

namespace fs = std::filesystem;

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

/// The record's own picture as uint8 [H, W, 3].
at::Tensor picture_of(const Record& record, const std::string& field) {
  const at::Tensor& given = record.tensor(field);
  const auto is_colours = [](std::int64_t size) { return size == 1 || size == 3; };
  at::Tensor seen = given;
  if (seen.dim() == 2) seen = seen.unsqueeze(2);
  if (seen.dim() == 3 && !is_colours(seen.size(2)) && is_colours(seen.size(0))) seen = seen.permute({1, 2, 0});
  if (seen.dim() == 3 && seen.scalar_type() == at::kByte && is_colours(seen.size(2)) && seen.numel() > 0 && seen.is_cpu())
    return seen.expand({-1, -1, 3}).contiguous();
  throw DataError({.code = "graft-D050",
                   .message = "[Pictures] uint8 [H, W], [H, W, 1 or 3] or [1 or 3, H, W] is wanted in \"" + field + "\", got " +
                              std::string(given.dtype().name()) + " " + shape_text(given.sizes()) + ".",
                   .remedy = "Values lie in 0 to 255; they are scaled here, by mean and std.",
                   .place = record.place});
}

/// Tells a file from another, and from itself once it is changed.
std::string key_of(const std::string& path, Cut cut) {
  std::error_code ignored;
  const auto size = fs::file_size(path, ignored);
  const auto time = fs::last_write_time(path, ignored).time_since_epoch().count();
  return path + "\n" + std::to_string(size) + "\n" + std::to_string(time) + (cut == Cut::Open ? "\nopen" : "");
}

}  // namespace

Pictures::Pictures(PicturesOptions options) : options_(std::move(options)) {
  runtime();
  if (std::vector<Problem> problems = problems_of(options_); !problems.empty()) throw ConfigError(std::move(problems));
  kept_ = std::make_shared<KeptPictures>(options_.memory);
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t value = 0; value < 256; ++value)
      scaled_[c][value] = static_cast<float>((static_cast<double>(value) / 255 - options_.mean[c]) / options_.std[c]);
  }
}

Pictures Pictures::from_config(const Json& config) {
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
  return Pictures(std::move(options));
}

Json Pictures::config() const {
  return {{"type", "pictures"},
          {"image", options_.image},
          {"height", options_.height},
          {"width", options_.width},
          {"fit", fits[static_cast<std::size_t>(options_.fit)]},
          {"crop_share", options_.crop_share},
          {"interpolation", interpolations[static_cast<std::size_t>(options_.interpolation)]},
          {"mean", options_.mean},
          {"std", options_.std},
          {"augment", config_of(options_.augment)},
          {"places", options_.places}};
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

View Pictures::in_size(const Record& record, Cut cut) const {
  const auto field = record.values.find(options_.image);
  if (field != record.values.end() && std::holds_alternative<at::Tensor>(field->second))
    return fitted(picture_of(record, options_.image), options_, cut);
  const std::string path = record.text(options_.image), key = key_of(path, cut);
  if (auto kept = kept_->find(key)) return *kept;
  View seen = fitted(read_picture(path), options_, cut);
  kept_->count();
  kept_->add(key, seen);
  return seen;
}

View Pictures::view(const Record& record, Rng& rng, Mode mode) const {
  const bool changes = mode == Mode::Train, crops = changes && options_.augment.crop > 0;
  View seen = in_size(record, crops ? Cut::Open : Cut::Done);
  if (crops) random_crop(seen, {options_.height, options_.width}, options_.interpolation, options_.augment, rng);
  if (changes) augment(seen, mean_colour(options_), options_.augment, rng);
  return seen;
}

at::Tensor Pictures::shown(const Record& record, Rng& rng, Mode mode, Affine* geometry) const {
  const View seen = view(record, rng, mode);
  if (geometry != nullptr) *geometry = seen.map;
  return seen.picture.clone();  // what is kept stays as it is
}

std::vector<Sample> Pictures::operator()(const Record& record, Rng& rng, Mode mode) const {
  const View seen = view(record, rng, mode);
  at::Tensor image = at::empty(seen.picture.sizes(), at::kFloat);
  const auto* from = seen.picture.const_data_ptr<unsigned char>();
  auto* to = image.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < seen.picture.numel(); i += 3) {
    for (std::int64_t c = 0; c < 3; ++c) to[i + c] = scaled_[static_cast<std::size_t>(c)][from[i + c]];
  }
  Sample sample;
  sample.inputs.set("image", image.permute({2, 0, 1}));
  if (options_.places) {
    at::Tensor map = at::empty({2, 3}, at::kFloat);
    std::ranges::transform(seen.map.m, map.mutable_data_ptr<float>(), [](double value) { return static_cast<float>(value); });
    sample.inputs.set("geometry", map);
    sample.inputs.set("frame", at::tensor({seen.original.height, seen.original.width, options_.height, options_.width}, at::kLong));
  }
  return {std::move(sample)};
}

Pictures Pictures::with_augment(const AugmentOptions& augment) const {
  PicturesOptions options = options_;
  options.augment = augment;
  Pictures other(std::move(options));
  other.kept_ = kept_;
  return other;
}

Pictures Pictures::with_size(std::int64_t height, std::int64_t width) const {
  PicturesOptions options = options_;
  options.height = height;
  options.width = width;
  return Pictures(std::move(options));
}

std::int64_t Pictures::decoded() const { return kept_->decoded(); }

Record Pictures::example() const { return {{{options_.image, at::full({options_.height, options_.width}, 128, at::kByte)}}, "example"}; }

}  // namespace graft::image
