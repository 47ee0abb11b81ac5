#pragma once

#include <span>

#include "graft/core/api.h"
#include "graft/data/sample.h"

namespace graft {

/// Stacks samples. Fields of equal shapes [..] become [N, ..]; fields named in `padding` may differ in dimension 0 and are filled up at its
/// end, and the batch gets the mask then. Targets that are as long as their inputs are filled up with them: whole numbers with -100, which
/// losses of LibTorch pass over, others with 0. Throws DataError that names the field and both shapes where other fields differ.
GRAFT_API Batch collate(std::span<const Sample> samples, const Padding& padding);

/// True if samples can stand in one batch without padding.
GRAFT_API bool same_shapes(const Sample& a, const Sample& b);

}  // namespace graft
