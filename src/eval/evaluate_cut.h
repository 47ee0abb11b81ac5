#pragma once

#include <stop_token>

#include "graft/eval/evaluator.h"
#include "graft/eval/report.h"
#include "model/cut_set.h"

namespace graft {

/// Evaluator::run from what crosses the freeze line: only the part that trains runs. A stop leaves samples out.
EvalReport evaluate_cut(Model& model, const Data& data, const CutSet& set, const EvaluatorOptions& options, std::stop_token stop = {});

}  // namespace graft
