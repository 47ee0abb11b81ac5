#pragma once

#include <string>

#include "cli/train_data.h"
#include "core/json.h"
#include "graft/train/fine_tune.h"

namespace graft::cli {

/// What report.json holds of a finished run, and --json prints: metrics, metrics_on, phases, plan, warnings, samples_per_second,
/// peak_memory_mb, model. `evaluation` is what was measured on the saved file.
Json finished_json(const FineTuneReport& report, const EvalReport& evaluation, const std::string& metrics_on, const std::string& model);

/// The same of an interrupted run: the metrics are those of the best epoch on validation data; "interrupted" is true.
Json interrupted_json(const FineTuneReport& report, const std::string& model);

/// For people: plan, what trains, the strength of the penalty, seconds by phase.
std::string text_of(const FineTuneReport& report, const Model& model);

/// One line on the best epoch so far: "epoch 3 of 4: train loss 0.51, valid loss 0.62, accuracy 0.84".
/// Where the time of the steps went.
std::string profile_text(const TrainReport& training);

std::string best_so_far(const TrainReport& training);

}  // namespace graft::cli
