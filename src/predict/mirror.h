#pragma once

#include <functional>

#include "graft/core/fields.h"
#include "graft/head/head.h"

namespace graft::predict {

/// What a network gives for a batch and for the batch with its pictures, floating inputs [N, C, H, W], mirrored: floating outputs averaged,
/// others of the batch as it is. Throws ConfigError if there are no pictures, or the head answers with places in them.
Fields with_mirror(const Head& head, const Fields& inputs, const std::function<Fields(const Fields&)>& network);

}  // namespace graft::predict
