#include "train/probe.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <limits>

#include "core/stopwatch.h"
#include "core/table.h"
#include "graft/core/error.h"
#include "graft/core/log.h"
#include "graft/eval/evaluator.h"
#include "graft/optim/linear_solver.h"
#include "train/with_precision.h"

namespace graft::train {
namespace {

// Losses are flat near the optimum: weaker penalties are tried until they have clearly lost.
constexpr double clearly_worse = 1.02;
// Which strength is best shows long before its optimum is reached; the best one is then solved to the end.
constexpr double choosing_tolerance = 1e-4;

std::vector<double> strengths(const FineTuneOptions& options, bool choose) {
  std::vector<double> l2 = options.l2;
  if (l2.empty() || std::ranges::any_of(l2, [](double value) { return !(value >= 0); })) {
    throw ConfigError({.code = "graft-C019",
                       .message = "[Probe] at least one L2 strength, none negative, is wanted.",
                       .remedy = "Leave l2 at its default.",
                       .place = ""});
  }
  std::ranges::sort(l2, std::greater<>());
  if (!choose) l2 = {l2[l2.size() / 2]};
  return l2;
}

FeatureSet set_of(const Model& model, const Data& data, Mode mode, const FineTuneOptions& options, Phases& phases) {
  auto set = FeatureSet::make(model, data,
                              {.mode = mode,
                               .seed = options.trainer.seed,
                               .threads = options.trainer.threads,
                               .progress =
                                   [&](const Progress& p) {
                                     for (const auto& callback : options.callbacks) callback->on_progress(p);
                                   },
                               .stop = options.stop},
                              options.trainer.store.is_on() ? options.trainer.store : FeatureStore());
  if (!set) {
    throw ModelError({.code = "graft-M016",
                      .message = "[Probe] features that stay the same from epoch to epoch are wanted.",
                      .remedy = "Train this model with the preset \"full\", or switch random preprocessing off.",
                      .place = ""});
  }
  add_phase(phases, "tokenize", set->prepare_seconds());
  add_phase(phases, "prefix", set->compute_seconds());
  return std::move(*set);
}

}  // namespace

TrainReport probe(Model& model, const Splits& data, const FineTuneOptions& options) {
  const WithPrecision precision(model, options.trainer.precision);
  TrainReport report;
  report.precision = model.precision();
  const bool choose = !data.valid.empty();
  const std::vector<double> series = strengths(options, choose);
  const FeatureSet train = set_of(model, data.train, Mode::Train, options, report.phases);
  std::optional<FeatureSet> valid;
  if (choose) valid = set_of(model, data.valid, Mode::Eval, options, report.phases);
  if (options.stop.stop_requested()) {
    report.ended = "stopped";
    return report;
  }
  if (!choose) log(LogLevel::Info, "no validation data: the L2 strength is " + std::to_string(series.front()) + " without a choice");

  const Stopwatch solving;
  const LinearLayer layer = model.head().linear().value();
  optim::LinearSolver solver(model.head(), train.features(), train.targets());
  at::Tensor best_weight, best_bias;
  double lowest = std::numeric_limits<double>::infinity(), best_l2 = series.front();
  for (const double l2 : series) {
    const Stopwatch watch;
    const optim::SolverReport solved =
        solver.solve({.l2 = l2, .tolerance = choose ? choosing_tolerance : optim::SolverOptions().tolerance, .stop = options.stop});
    if (options.stop.stop_requested() && best_weight.defined()) break;
    EpochRecord record{.epoch = static_cast<int>(report.history.size()) + 1,
                       .train_loss = solved.loss,
                       .samples = train.size(),
                       .iterations = solved.iterations,
                       .l2 = l2};
    double loss = solved.loss;
    if (valid) {
      const EvalReport found = Evaluator({.mistakes = 0}).run(model, data.valid, *valid);
      loss = found.metric("loss");
      record.valid_loss = loss;
      record.metrics.assign(found.metrics.begin() + 1, found.metrics.end());
    }
    record.seconds = watch.seconds();
    report.history.push_back(record);
    for (const auto& callback : options.callbacks) {
      callback->on_epoch(record);
      callback->on_progress(
          {"solve", record.epoch, static_cast<std::int64_t>(series.size()), "L2 " + std::to_string(l2) + ", loss " + fixed(loss, 4)});
    }
    if (loss < lowest) {
      lowest = loss;
      best_l2 = l2;
      report.best_epoch = record.epoch;
      best_weight = layer.weight.detach().clone();
      best_bias = layer.bias.detach().clone();
    } else if (loss > lowest * clearly_worse) {
      break;
    }
  }
  {
    const c10::NoGradGuard no_grad;
    at::Tensor(layer.weight).copy_(best_weight);
    at::Tensor(layer.bias).copy_(best_bias);
  }
  if (choose && !options.stop.stop_requested()) solver.solve({.l2 = best_l2, .stop = options.stop});
  add_phase(report.phases, "train", solving.seconds());
  report.ended = options.stop.stop_requested() ? "stopped" : "solved";
  return report;
}

}  // namespace graft::train
