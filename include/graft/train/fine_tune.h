#pragma once

#include <iosfwd>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/core/error.h"
#include "graft/eval/report.h"
#include "graft/train/trainer.h"

namespace graft {

/// What trains, and how.
enum class Preset {
  /// Chosen by the model's policy, where it leaves some of the backbone to train, and else by the number of training records; says why.
  Auto,
  /// Backbone frozen; a linear head is solved to its optimum on stored features, the strength of its L2 penalty chosen on validation data;
  /// other heads are stepped.
  Probe,
  /// Probe, and from there on everything trains, lower layers at smaller rates: what was learned before is not thrown over by a head that
  /// knows nothing yet (Kumar et al., Fine-Tuning can Distort Pretrained Features, 2022).
  Finetune,
  /// Everything trains from the start, by steps; a policy of the model's that leaves some frozen is kept.
  Full,
  /// The head first, then layer group by layer group from the top (Howard and Ruder, Universal Language Model Fine-tuning, 2018).
  Gradual,
};
/// "auto", "probe", "finetune", "full", "gradual", in the order of Preset.
GRAFT_API const std::vector<std::string>& preset_names();
/// Throws ConfigError that lists the names.
GRAFT_API Preset preset_from(const std::string& name);

struct FineTuneOptions {
  Preset preset = Preset::Auto;
  /// For what is trained by steps.
  TrainerOptions trainer = {};
  /// Strengths of the L2 penalty to choose from, for features of unit variance.
  std::vector<double> l2 = {1.0, 3e-1, 1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4};
  /// Look for what is suspicious in the data (see check_data) and log it. False leaves that to the caller.
  bool check = true;
  /// Measure at the end: on test data, or on validation data where there is none. False leaves that to the caller.
  bool evaluate = true;
  std::vector<std::shared_ptr<Callback>> callbacks = {};
  std::stop_token stop = {};
};

struct GRAFT_API FineTuneReport {
  /// What was done, and why: "probe: ...".
  std::string plan;
  /// What looks wrong with the data and does not end a run; see check_data().
  std::vector<Problem> warnings;
  TrainReport training;
  /// "test", "valid" or "train": what `evaluation` was measured on; empty if nothing was.
  std::string measured_on;
  EvalReport evaluation;

  std::string text() const;
};
GRAFT_API std::ostream& operator<<(std::ostream& out, const FineTuneReport& report);

/// Fine-tunes with good defaults: trains on data.train, chooses on data.valid, reports on data.test. Leaves the model in eval mode with the
/// best weights. Throws what Trainer::fit does.
GRAFT_API FineTuneReport fine_tune(Model& model, const Splits& data, const FineTuneOptions& options = {});

}  // namespace graft
