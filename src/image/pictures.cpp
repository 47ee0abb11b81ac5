#include "graft/image/pictures.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/json.h"
#include "data/pictures.h"
#include "graft/core/error.h"
#include "graft/core/runtime.h"
#include "image/formats.h"
#include "image/kept_pictures.h"
#include "image/pictures_options.h"

namespace graft::image {
namespace {

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

Pictures Pictures::from_config(const Json& config) { return Pictures(options_of(config)); }

Json Pictures::config() const { return config_of(options_); }

View Pictures::in_size(const Record& record, Cut cut) const {
  const auto field = record.values.find(options_.image);
  if (field != record.values.end() && std::holds_alternative<at::Tensor>(field->second))
    return fitted(picture_of(record, options_.image), options_, cut);
  const std::string path = record.text(options_.image), key = data::file_key(path) + (cut == Cut::Open ? " open" : "");
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
