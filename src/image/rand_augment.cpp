#include <ATen/ATen.h>

#include <array>
#include <cmath>

#include "graft/image/augment.h"
#include "graft/image/colour.h"

namespace graft::image {
namespace {

/// What an operation has to go by: how strong it is, in [0, 1], and to which side, -1 or 1.
struct Force {
  double strength, side;
};

using Operation = void (*)(View&, const Force&, const Colour& fill);

void move(View& view, const Affine& map, const Colour& fill) {
  view.picture = warped(view.picture, map, fill);
  view.map = view.map.then(map);
}

Point centre_of(const View& view) { return {static_cast<double>(view.picture.size(1)) / 2, static_cast<double>(view.picture.size(0)) / 2}; }

template <at::Tensor (*change)(const at::Tensor&, double)>
void enhance(View& view, const Force& force, const Colour&) {
  view.picture = change(view.picture, 1 + force.side * 0.9 * force.strength);
}

// The paper's list, with torchvision's ranges. Translations reach 150 of 331 pixels.
constexpr double farthest = 150.0 / 331;
struct Entry {
  Operation apply;
  /// Goes to either side.
  bool has_sides;
};
const std::array<Entry, 14> operations{{
    {[](View&, const Force&, const Colour&) {}, false},
    {[](View& v, const Force& f, const Colour& fill) { move(v, Affine::sheared_x(f.side * 0.3 * f.strength, centre_of(v)), fill); }, true},
    {[](View& v, const Force& f, const Colour& fill) { move(v, Affine::sheared_y(f.side * 0.3 * f.strength, centre_of(v)), fill); }, true},
    {[](View& v, const Force& f, const Colour& fill) {
       move(v, Affine::shifted(f.side * f.strength * farthest * static_cast<double>(v.picture.size(1)), 0), fill);
     },
     true},
    {[](View& v, const Force& f, const Colour& fill) {
       move(v, Affine::shifted(0, f.side * f.strength * farthest * static_cast<double>(v.picture.size(0))), fill);
     },
     true},
    {[](View& v, const Force& f, const Colour& fill) { move(v, Affine::rotated(f.side * 30 * f.strength, centre_of(v)), fill); }, true},
    {enhance<with_brightness>, true},
    {enhance<with_saturation>, true},
    {enhance<with_contrast>, true},
    {enhance<with_sharpness>, true},
    {[](View& v, const Force& f, const Colour&) {
       v.picture = posterized(v.picture, 8 - static_cast<int>(std::nearbyint(4 * f.strength)));
     },
     false},
    {[](View& v, const Force& f, const Colour&) { v.picture = solarized(v.picture, 255 * (1 - f.strength)); }, false},
    {[](View& v, const Force&, const Colour&) { v.picture = stretched_colours(v.picture); }, false},
    {[](View& v, const Force&, const Colour&) { v.picture = equalized(v.picture); }, false},
}};

}  // namespace

void rand_augment(View& view, const Colour& fill, const AugmentOptions& options, Rng& rng) {
  for (int i = 0; i < options.operations; ++i) {
    const Entry& operation = operations[rng.below(operations.size())];
    const double side = operation.has_sides && rng.below(2) == 1 ? -1 : 1;
    operation.apply(view, {options.strength / 30, side}, fill);
  }
}

}  // namespace graft::image
