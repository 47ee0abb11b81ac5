#pragma once

#include <span>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/core/fields.h"
#include "graft/data/decoded.h"
#include "graft/data/sample.h"

namespace graft::head {

/// Answers of a head that finds objects: of the outputs "boxes" [N, K, 4] (pixels of what the network sees), "scores" [N, K] (best first;
/// from the first that is 0 on there is nothing more) and "classes" [N, K], places among `labels`. Boxes of answers are in pixels of the
/// pictures as they were, where the batch says how they were turned into what the network sees (image::Pictures with `places`).
GRAFT_API std::vector<Decoded> decode_boxes(const Fields& outputs, const Batch& batch, std::span<const std::string> labels);

}  // namespace graft::head
