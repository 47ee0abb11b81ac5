#include "head/box_targets.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace graft::head {
namespace {

constexpr float radius = 1.5F, nearest = 4.0F, farthest = 8.0F;  // in strides

/// Cells [first, last) whose middles lie strictly between two coordinates.
std::pair<std::int64_t, std::int64_t> between(float low, float high, std::int64_t stride, std::int64_t cells) {
  const float step = static_cast<float>(stride);
  const auto first = static_cast<std::int64_t>(std::floor(low / step - 0.5F)) + 1;
  const auto last = static_cast<std::int64_t>(std::ceil(high / step - 0.5F));
  return {std::max<std::int64_t>(first, 0), std::min(last, cells)};
}

}  // namespace

BoxTargets assign(std::span<const Grid> grids, std::span<const Target> objects) {
  std::int64_t places = 0;
  for (const Grid& grid : grids) places += grid.height * grid.width;
  BoxTargets targets{at::full({places}, nothing, at::kLong), at::ones({places, 4})};
  auto* labels = targets.labels.mutable_data_ptr<std::int64_t>();
  auto* sides = targets.sides.mutable_data_ptr<float>();
  std::vector<float> smallest(static_cast<std::size_t>(places), std::numeric_limits<float>::infinity());
  std::int64_t offset = 0;
  for (std::size_t level = 0; level < grids.size(); ++level) {
    const Grid& grid = grids[level];
    const float step = static_cast<float>(grid.stride);
    const float least = level == 0 ? 0 : nearest * step;
    const float most = level + 1 == grids.size() ? std::numeric_limits<float>::infinity() : farthest * step;
    for (const Target& object : objects) {
      const float area = (object.x2 - object.x1) * (object.y2 - object.y1);
      const float x = (object.x1 + object.x2) / 2, y = (object.y1 + object.y2) / 2;
      const float reach = object.ignored ? std::numeric_limits<float>::infinity() : radius * step;  // of what is ignored, all
      const auto columns = between(std::max(object.x1, x - reach), std::min(object.x2, x + reach), grid.stride, grid.width);
      const auto rows = between(std::max(object.y1, y - reach), std::min(object.y2, y + reach), grid.stride, grid.height);
      for (std::int64_t row = rows.first; row < rows.second; ++row) {
        for (std::int64_t column = columns.first; column < columns.second; ++column) {
          const std::int64_t place = offset + row * grid.width + column;
          const float px = (static_cast<float>(column) + 0.5F) * step, py = (static_cast<float>(row) + 0.5F) * step;
          const float side[4] = {px - object.x1, py - object.y1, object.x2 - px, object.y2 - py};
          const float longest = *std::max_element(side, side + 4);
          if (object.ignored) {
            if (labels[place] == nothing) labels[place] = unknown;
            continue;
          }
          if (longest <= least || longest >= most || area >= smallest[static_cast<std::size_t>(place)]) continue;
          smallest[static_cast<std::size_t>(place)] = area;
          labels[place] = object.label;
          for (int i = 0; i < 4; ++i) sides[4 * place + i] = side[i] / step;
        }
      }
    }
    offset += grid.height * grid.width;
  }
  return targets;
}

}  // namespace graft::head
