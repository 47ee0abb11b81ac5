#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "graft/backbone/backbone.h"

namespace graft::backbone {

using Shapes = std::map<std::string, std::vector<std::int64_t>>;

/// Inputs that the network runs on, for listings: those of `given` have these shapes, the others are tried by what the network does with
/// them first (pictures, tokens, signals, vectors). Throws ModelError if it runs on none of them.
Fields example_inputs(const Backbone& backbone, const Shapes& given);

/// "x=1x3x224x224", or "1x3x224x224" for the first argument. Throws ConfigError.
Shapes parse_shapes(const Backbone& backbone, const std::vector<std::string>& texts);

}  // namespace graft::backbone
