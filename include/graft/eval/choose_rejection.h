#pragma once

#include "graft/core/api.h"
#include "graft/eval/evaluator.h"

namespace graft {

/// Gives a head::Classifier that rejects its threshold, by what its options wish, on labelled data that it was not trained on; the
/// threshold. fine_tune() does so at its end. Throws ConfigError if the head rejects nothing, and what head::rejection_threshold() does.
GRAFT_API double choose_rejection(Model& model, const Data& valid, const EvaluatorOptions& options = {});

}  // namespace graft
