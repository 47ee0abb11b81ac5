#pragma once

#include <stop_token>

#include "graft/eval/report.h"
#include "model/cut_set.h"

namespace graft {

/// Evaluator::run from what crosses the freeze line: only the part that trains runs. Keeps so many mistakes. A stop leaves samples out.
EvalReport evaluate_cut(Model& model, const Data& data, const CutSet& set, std::size_t mistakes, std::stop_token stop = {});

}  // namespace graft
