#pragma once

#include <vector>

#include "graft/core/error.h"
#include "graft/data/dataset.h"
#include "graft/model/model.h"

namespace graft::train {

/// What looks wrong with how a model reads its data and does not end a run: scores of a published classifier in the place of features
/// (graft-W007), pictures of bytes (W009), texts longer than the network's tables have rows for (W011), another tokenizer than the
/// network's file holds (W016).
std::vector<Problem> check_reading(const Model& model, const Data& train);

}  // namespace graft::train
