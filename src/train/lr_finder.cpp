#include "graft/train/lr_finder.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "core/json.h"
#include "core/stopwatch.h"
#include "core/table.h"
#include "graft/core/error.h"
#include "graft/train/trainer.h"
#include "train/deterministic.h"
#include "train/fit_memory.h"
#include "train/in_parts.h"
#include "train/lr_curve.h"
#include "train/lr_picture.h"
#include "train/mixtures.h"
#include "train/preflight.h"
#include "train/readable.h"
#include "train/stepper.h"
#include "train/stores.h"
#include "train/untouched.h"
#include "train/usual_batch.h"
#include "train/with_precision.h"

namespace graft {
namespace {

void check(const LrFinderOptions& finder) {
  std::vector<Problem> problems;
  const auto require = [&](bool holds, const std::string& message) {
    if (!holds) problems.push_back({"graft-C041", "[LrFinder] " + message, "Correct the option, or leave it at its default.", ""});
  };
  const auto number = [](double value) { return Json(value).dump(); };
  require(finder.lowest > 0 && finder.lowest < finder.highest && std::isfinite(finder.highest),
          "a lowest rate above 0 and below the highest is wanted, got " + number(finder.lowest) + " and " + number(finder.highest) + ".");
  require(finder.steps >= 10, "at least 10 steps are wanted, got " + std::to_string(finder.steps) + ".");
  require(finder.smoothing >= 0 && finder.smoothing < 1, "a smoothing in [0, 1) is wanted, got " + number(finder.smoothing) + ".");
  require(finder.diverges > 1, "a divergence above 1 is wanted, got " + number(finder.diverges) + ".");
  if (!problems.empty()) throw ConfigError(problems);
}

/// Training data without end: epoch after epoch.
class Windows {
 public:
  explicit Windows(train::Stream& stream) : stream_(stream) { stream_.begin(epoch_, 0); }
  const train::Window& next() {
    const train::Window* window = stream_.next();
    if (window == nullptr) {
      stream_.begin(++epoch_, 0);
      window = stream_.next();
    }
    if (window != nullptr) return *window;
    throw DataError({.code = "graft-D019",
                     .message = "[LrFinder] at least one training record is wanted that can be prepared, there is none.",
                     .remedy = "Look at the records that were left out.",
                     .place = ""});
  }

 private:
  train::Stream& stream_;
  int epoch_ = 1;
};

void take_steps(LrFinderReport& report, train::Stepper& stepper, train::Stream& stream, double lr, const LrFinderOptions& finder) {
  Windows windows(stream);
  train::Smoothing smooth(std::pow(finder.smoothing, 100.0 / finder.steps));
  Stopwatch said;
  double lowest = std::numeric_limits<double>::infinity();
  for (int step = 0; step < finder.steps && !finder.stop.stop_requested(); ++step) {
    const double rate = finder.lowest * std::pow(finder.highest / finder.lowest, static_cast<double>(step) / (finder.steps - 1));
    StepRecord record;
    try {
      record = stepper(stream, windows.next(), step, rate / lr);
    } catch (const NumericsError&) {
      if (step == 0) throw;  // no rate's doing
      report.diverged = true;
      return;
    }
    report.rates.push_back(rate);
    report.losses.push_back(record.loss);
    report.smoothed.push_back(smooth(record.loss));
    const double now = report.smoothed.back();
    if (finder.progress && (said.seconds() >= 0.05 || step + 1 == finder.steps)) {
      finder.progress({"rates", step + 1, finder.steps, "lr " + train::rate_text(rate) + ", loss " + fixed(record.loss, 4)});
      said = Stopwatch();
    }
    if (step < finder.steps / 10) continue;  // few values are averaged yet
    lowest = std::min(lowest, now);
    if (now > lowest + (finder.diverges - 1) * std::abs(lowest)) {
      report.diverged = true;
      return;
    }
  }
}

}  // namespace

LrFinderReport find_lr(Model& model, const Splits& data, const TrainerOptions& options, const LrFinderOptions& finder) {
  check(finder);
  const Trainer checked(options);
  TrainerOptions fixed_policy = train::with_batch_size(options, model, data.train.size());
  fixed_policy.unfreeze.clear();
  const Data readable = train::readable(model, data.train, options).data;
  train::preflight(model, {readable, data.valid, data.test});
  train::require_mixable(model, readable, options);
  const train::WithPrecision precision(model, options.precision);
  const train::Deterministic deterministic(options.deterministic);
  const train::Untouched untouched(model);
  model.set_gradient_checkpointing(options.gradient_checkpointing);
  at::Generator(at::globalContext().defaultGenerator(model.device())).set_current_seed(options.seed);

  LrFinderReport report;
  Phases phases;
  const train::Stores stores = train::fill_stores(
      model, readable,
      {.mode = Mode::Train, .seed = options.seed, .threads = options.threads, .progress = finder.progress, .stop = finder.stop},
      train::training_store(options), phases);
  if (finder.stop.stop_requested()) return report;
  const std::vector<std::shared_ptr<Callback>> none;
  const std::int64_t most = options.step_budget != 0 && model.backbone_trains()
                                ? train::fit_memory(model, readable, fixed_policy, !stores.cuts.empty(), false).records
                                : 0;
  const std::unique_ptr<train::Stream> stream = train::in_parts(train::make_stream(model, readable, stores, fixed_policy), most);
  train::Stepper stepper(model, fixed_policy, none);
  model.set_training(true);
  take_steps(report, stepper, *stream, options.lr, finder);
  if (finder.stop.stop_requested()) return report;
  if (const auto fall = train::find_fall(report.losses, report.smoothed)) {
    report.steepest = report.rates[fall->steepest];
    report.suggestion = report.rates[fall->halfway];
  }
  return report;
}

std::string LrFinderReport::text() const { return train::lr_bars(*this); }

std::string LrFinderReport::svg() const { return train::lr_svg(*this); }

Json LrFinderReport::json() const {
  const auto rate = [](const std::optional<double>& value) { return value ? Json(*value) : Json(); };
  return {{"suggestion", rate(suggestion)},
          {"steepest", rate(steepest)},
          {"diverged", diverged},
          {"rates", rates},
          {"losses", losses},
          {"smoothed", smoothed}};
}

}  // namespace graft
