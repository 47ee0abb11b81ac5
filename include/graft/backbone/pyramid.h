#pragma once

#include <string>
#include <vector>

#include "graft/backbone/backbone.h"
#include "graft/core/api.h"
#include "graft/data/preprocess.h"

namespace graft::backbone {

/// What a detector reads of a network of pictures, by the names of Backbone::taps(): of each of the three coarsest resolutions, those of 8
/// pixels and more if there are any, the output of the last and outermost block, finest first. Runs the network on the preprocessing's
/// example. Throws ModelError if nothing inside it is a map [N, C, h, w] of a picture.
GRAFT_API std::vector<std::string> pyramid_levels(const Backbone& backbone, const Preprocess& preprocess);

}  // namespace graft::backbone
