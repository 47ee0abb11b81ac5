#pragma once

#include <vector>

#include "graft/core/api.h"
#include "graft/core/error.h"
#include "graft/data/dataset.h"
#include "graft/model/model.h"

namespace graft {

/// What looks wrong with the data, and with how the model reads it, and does not end a run, each with a count and examples: inputs that
/// stand in the training data and in what chooses or is reported on (graft-W001), classes with few records (W002), texts that are cut
/// (W003), inputs that stand in the training data with different answers (W004), classes of a classifier without a training record (W005),
/// a head on the scores of a published classifier (W007), pictures of bytes, 0 to 255 (W009), longer texts than the network's tables have
/// rows for (W011), another tokenizer than the network's file holds (W016), tags that the model does not know (W026). fine_tune() calls it
/// and logs what it finds.
GRAFT_API std::vector<Problem> check_data(const Model& model, const Splits& data);

}  // namespace graft
