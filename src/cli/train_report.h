#pragma once

#include <string>

#include "cli/train_data.h"
#include "core/json.h"
#include "graft/train/fine_tune.h"

namespace graft::cli {

/// What report.json holds of a finished run, and --json prints: metrics, metrics_on, phases, plan, ended, best_epoch (or the number of the
/// best solve), resumed_from_step of a run that was gone on with, warnings, samples_per_second, peak_memory_mb, model. `evaluation` is what
/// was measured on the saved file.
Json finished_json(const FineTuneReport& report, const EvalReport& evaluation, const std::string& metrics_on, const std::string& model);

/// The same of an interrupted run: the metrics are those of the best epoch on what chose it; "interrupted" is true, "epochs" are those that
/// were finished.
Json interrupted_json(const FineTuneReport& report, const std::string& model);

/// For people: plan, what trains, the strength of the penalty, why the run ended, seconds by phase.
std::string text_of(const FineTuneReport& report, const Model& model);

/// Where the time of the steps went.
std::string profile_text(const TrainReport& training);

/// One line: "epoch 3, best of 4 finished: train loss 0.51, valid loss 0.62, accuracy 0.84".
std::string best_so_far(const TrainReport& training);

}  // namespace graft::cli
