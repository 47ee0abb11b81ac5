#pragma once

#include <stop_token>

#include "graft/eval/report.h"
#include "model/cut_set.h"

namespace graft {

/// Evaluator::run without mistakes to show, from what crosses the freeze line: only the part that trains runs. A stop leaves samples out.
EvalReport evaluate_cut(Model& model, const Data& data, const CutSet& set, std::stop_token stop = {});

}  // namespace graft
