#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graft/backbone/backbone.h"
#include "graft/core/api.h"
#include "graft/core/fields.h"

namespace graft::backbone {

/// A map inside a network of pictures.
struct PyramidLevel {
  /// As Backbone::taps() names it.
  std::string name;
  std::int64_t channels = 0;
  /// Pixels of the picture from one place of the map to the next.
  std::int64_t stride = 0;
};

/// What a detector reads of a network: of each of the three coarsest resolutions, those of 8 pixels and more if there are any, the output
/// of the last and outermost block, finest first. Runs the network on `inputs`, of which one is a picture [N, C, H, W]. Throws ModelError
/// if nothing inside it is a map of a picture.
GRAFT_API std::vector<PyramidLevel> pyramid_levels(const Backbone& backbone, const Fields& inputs);

}  // namespace graft::backbone
