#include "graft/data/mixing.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "core/names.h"
#include "graft/core/error.h"

namespace graft::data {
namespace {

/// In (0, 1], so that it has a logarithm.
double positive(Rng& rng) { return 1 - rng.uniform(); }

/// Box and Muller, 1958.
double normal(Rng& rng) {
  const double radius = std::sqrt(-2 * std::log(positive(rng)));
  return radius * std::cos(2 * std::numbers::pi * rng.uniform());
}

/// The logarithm of a gamma variate: of a small alpha the variate itself may be too small for a number.
double log_gamma(double alpha, Rng& rng) {
  if (alpha < 1) return log_gamma(alpha + 1, rng) + std::log(positive(rng)) / alpha;
  const double d = alpha - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = normal(rng), root = 1 + c * x, v = root * root * root;
    if (root > 0 && std::log(positive(rng)) < 0.5 * x * x + d - d * v + d * std::log(v)) return std::log(d * v);
  }
}

bool is_picture(const at::Tensor& input) { return input.dim() == 3 && input.is_floating_point(); }

[[noreturn]] void refuse(const std::string& wanted, const Sample& sample) {
  std::vector<std::string> given;
  for (const auto& [name, tensor] : sample.inputs) given.push_back(name + " " + shape_text(tensor.sizes()));
  throw ConfigError({.code = "graft-C114",
                     .message = "[Mixing] " + wanted + ", got " + quoted_list(given) + ".",
                     .remedy = "Leave mixup and cutmix at 0.",
                     .place = ""});
}

/// The names of the pictures in a sample, at least one.
std::vector<std::string> pictures_of(const Sample& first, const Sample& second) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : first.inputs) {
    if (!is_picture(tensor)) continue;
    const at::Tensor* other = second.inputs.find(name);
    const bool fits = other != nullptr && other->sizes() == tensor.sizes() && other->scalar_type() == tensor.scalar_type() &&
                      tensor.sizes().slice(1) == first.inputs[names.empty() ? name : names.front()].sizes().slice(1);
    if (!fits) refuse("pictures of one size are wanted to mix", second);
    names.push_back(name);
  }
  if (names.empty()) refuse("pictures, floating inputs [C, H, W], are wanted to mix", first);
  return names;
}

Sample with_targets(const Sample& first, const Sample& second, double share, const MixTargets& targets) {
  return {first.inputs, targets(first.targets, second.targets, share), first.record};
}

}  // namespace

double beta_share(double alpha, Rng& rng) {
  const double first = log_gamma(alpha, rng), second = log_gamma(alpha, rng);
  return 1 / (1 + std::exp(second - first));
}

Rectangle random_rectangle(std::int64_t height, std::int64_t width, double share, Rng& rng) {
  const double side = std::sqrt(share);
  // Half a side to each side of a centre.
  const auto cut = [&](std::int64_t length) {
    const std::int64_t wanted = std::llround(static_cast<double>(length) * side);
    const std::int64_t begin = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(length))) - wanted / 2;
    const std::int64_t from = std::clamp<std::int64_t>(begin, 0, length), to = std::clamp<std::int64_t>(begin + wanted, 0, length);
    return std::pair(from, to - from);
  };
  const auto [top, rows] = cut(height);
  const auto [left, columns] = cut(width);
  return {.top = top, .left = left, .height = rows, .width = columns};
}

Sample mixup(const Sample& first, const Sample& second, double share, const MixTargets& targets) {
  Sample mixture = with_targets(first, second, share, targets);
  for (const std::string& name : pictures_of(first, second))
    mixture.inputs.set(name, at::lerp(second.inputs[name], first.inputs[name], share));
  return mixture;
}

Sample cutmix(const Sample& first, const Sample& second, const Rectangle& place, const MixTargets& targets) {
  const std::vector<std::string> pictures = pictures_of(first, second);
  const at::Tensor& one = first.inputs[pictures.front()];
  const double covered = static_cast<double>(place.height * place.width) / static_cast<double>(one.size(1) * one.size(2));
  Sample mixture = with_targets(first, second, 1 - covered, targets);
  for (const std::string& name : pictures) {
    const auto part = [&](const at::Tensor& picture) {
      return picture.narrow(1, place.top, place.height).narrow(2, place.left, place.width);
    };
    at::Tensor picture = first.inputs[name].clone();
    part(picture).copy_(part(second.inputs[name]));
    mixture.inputs.set(name, picture);
  }
  return mixture;
}

Sample mixed(const Sample& first, const Sample& second, const MixOptions& options, Rng& rng) {
  const bool cuts = options.cutmix > 0 && (options.mixup == 0 || rng.uniform() < 0.5);
  const double share = beta_share(cuts ? options.cutmix : options.mixup, rng);
  if (!cuts) return mixup(first, second, share, options.targets);
  const at::Tensor& one = first.inputs[pictures_of(first, second).front()];
  return cutmix(first, second, random_rectangle(one.size(1), one.size(2), 1 - share, rng), options.targets);
}

}  // namespace graft::data
