#pragma once

#include <cstdint>
#include <functional>

#include "graft/core/api.h"
#include "graft/core/rng.h"
#include "graft/data/sample.h"

namespace graft {

/// The targets of a sample that is made of two: the first's in this share, the second's in the rest.
using MixTargets = std::function<Fields(const Fields& first, const Fields& second, double share_of_first)>;

/// Training on mixtures of two pictures. In a sample pictures are its floating inputs [C, H, W], all of one size; other inputs are the
/// first's.
struct MixOptions {
  /// All of both in one, in shares drawn from Beta(mixup, mixup) (Zhang, Cisse, Dauphin, Lopez-Paz: mixup, 2018); 0 disables. 0.2 is usual.
  double mixup = 0;
  /// A rectangle of the second in the first, of a size drawn from Beta(cutmix, cutmix) (Yun et al.: CutMix, 2019); 0 disables. 1 is usual.
  /// Where both are on, each sample is one of them, by a fair coin.
  double cutmix = 0;
  /// How targets are mixed.
  MixTargets targets = {};

  bool is_on() const { return mixup > 0 || cutmix > 0; }
};

namespace data {

/// In pixels; may be empty.
struct Rectangle {
  std::int64_t top = 0, left = 0, height = 0, width = 0;
};

/// From Beta(alpha, alpha), alpha > 0: two gamma variates by the method of Marsaglia and Tsang (A simple method for generating gamma
/// variables, 2000), the share of the first in their sum.
GRAFT_API double beta_share(double alpha, Rng& rng);
/// The rectangle that covers `share` of a picture before it is cut at the picture's edges, its centre anywhere.
GRAFT_API Rectangle random_rectangle(std::int64_t height, std::int64_t width, double share, Rng& rng);

/// Pictures and targets are first * share + second * (1 - share). These and the next throw ConfigError if the samples have no pictures, or
/// pictures of different sizes; and what mixing the targets throws.
GRAFT_API Sample mixup(const Sample& first, const Sample& second, double share, const MixTargets& targets);
/// The first with a rectangle of the second; targets by what it covers.
GRAFT_API Sample cutmix(const Sample& first, const Sample& second, const Rectangle& place, const MixTargets& targets);
/// One of them, as the options say.
GRAFT_API Sample mixed(const Sample& first, const Sample& second, const MixOptions& options, Rng& rng);

}  // namespace data
}  // namespace graft
