#pragma once

#include "graft/data/dataset.h"
#include "graft/eval/evaluator.h"
#include "graft/model/model.h"

namespace graft::train {

/// Where a head answers questions of which some have no answer: chooses by how much an answer must beat none, for the best F1 on validation
/// data that has both kinds. Does nothing for other heads, and leaves the threshold as it is without such data.
void choose_answer_threshold(Model& model, const Data& valid, const EvaluatorOptions& how);

}  // namespace graft::train
