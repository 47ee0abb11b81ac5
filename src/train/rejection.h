#pragma once

#include <optional>

#include "graft/core/error.h"
#include "graft/data/dataset.h"
#include "graft/eval/evaluator.h"
#include "graft/model/model.h"

/// What a run does for a classifier that rejects; nothing for other heads.
namespace graft::train {

/// Leaves out the training records that belong to no class by their label. Says so (graft-W017) if there are any.
std::optional<Problem> leave_out_of_scope(const Head& head, Data& train);

/// Throws ConfigError if a threshold could not be chosen on this validation data, whatever is learned.
void require_choice(const Head& head, const Data& valid);

/// Until the run has chosen it anew there is no threshold.
void forget_threshold(Head& head);

/// Chooses the threshold on the model's weights as they are; by recall where the precision wished for cannot be had, which it then says.
std::optional<Problem> choose_threshold(Model& model, const Data& valid, const EvaluatorOptions& options);

}  // namespace graft::train
