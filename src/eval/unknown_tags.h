#pragma once

#include <vector>

#include "graft/core/error.h"
#include "graft/data/dataset.h"
#include "graft/model/model.h"

namespace graft::eval {

/// Tags of words, or kinds of entities, that stand in the data and are not among those of the model's head: they cannot be learned or
/// answered (graft-W026, one for each part of the data). Nothing for heads of another kind.
std::vector<Problem> unknown_tags(const Model& model, const Splits& data);
/// Those of data that is measured on.
std::vector<Problem> unknown_tags(const Model& model, const Data& data);

}  // namespace graft::eval
