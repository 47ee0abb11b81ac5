#include "train/probe.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>

#include "core/stopwatch.h"
#include "core/table.h"
#include "graft/core/error.h"
#include "graft/core/log.h"
#include "graft/data/order.h"
#include "graft/eval/evaluator.h"
#include "graft/optim/linear_solver.h"
#include "train/stores.h"
#include "train/with_precision.h"

namespace graft::train {
namespace {

// Losses are flat near the optimum: weaker penalties are tried until they have clearly lost.
constexpr double clearly_worse = 1.02;
// Which strength is best shows long before its optimum is reached; the best one is then solved to the end.
constexpr double choosing_tolerance = 1e-4;

// Without validation data: so many parts of the training data are held out in turn; where there is much of it, one part is enough.
constexpr std::size_t folds = 5, large = 5000;

std::vector<double> strengths(const FineTuneOptions& options) {
  std::vector<double> l2 = options.l2;
  if (l2.empty() || std::ranges::any_of(l2, [](double value) { return !(value >= 0); })) {
    throw ConfigError({.code = "graft-C019",
                       .message = "[Probe] at least one L2 strength, none negative, is wanted.",
                       .remedy = "Leave l2 at its default.",
                       .place = ""});
  }
  std::ranges::sort(l2, std::greater<>());
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
  add_phase(phases, preparing_phase(model), set->prepare_seconds());
  add_phase(phases, "prefix", set->compute_seconds());
  return std::move(*set);
}

/// Mean loss of the head on these rows.
double mean_loss(const Head& head, const Fields& features, const Fields& targets) {
  const c10::NoGradGuard no_grad;
  double mean = 0;
  const std::int64_t rows = features.begin()->second.size(0);
  for (const LossTerm& term : loss_terms(head, head.forward(features), targets, rows))
    mean += term.sum.item<double>() / term.weight.item<double>();
  return mean;
}

/// One run of the series of strengths, from the strongest penalty to the weakest, each from the solution before.
class Series {
 public:
  Series(Model& model, const FineTuneOptions& options) : model_(model), options_(options), layer_(model.head().linear().value()) {
    start_ = {layer_.weight.detach().clone(), layer_.bias.detach().clone()};
  }

  void to_start() { set(start_); }
  std::pair<at::Tensor, at::Tensor> now() const { return {layer_.weight.detach().clone(), layer_.bias.detach().clone()}; }
  void set(const std::pair<at::Tensor, at::Tensor>& values) {
    const c10::NoGradGuard no_grad;
    layer_.weight.copy_(values.first);
    layer_.bias.copy_(values.second);
  }

  /// `measure` gives the loss on what is held out; the series ends where that has clearly risen.
  void run(const Fields& features, const Fields& targets, const std::vector<double>& l2,
           const std::function<double(std::size_t, const optim::SolverReport&, double seconds)>& measure) {
    optim::LinearSolver solver(model_.head(), features, targets);
    double lowest = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < l2.size() && !options_.stop.stop_requested(); ++i) {
      const Stopwatch watch;
      const optim::SolverReport solved = solver.solve({.l2 = l2[i], .tolerance = choosing_tolerance, .stop = options_.stop});
      if (options_.stop.stop_requested()) return;
      const double loss = measure(i, solved, watch.seconds());
      if (loss > lowest * clearly_worse) return;
      lowest = std::min(lowest, loss);
    }
  }

 private:
  Model& model_;
  const FineTuneOptions& options_;
  LinearLayer layer_;
  std::pair<at::Tensor, at::Tensor> start_;
};

/// The losses on parts of the training data that were held out, by strength; infinite where a series ended before it.
std::vector<EpochRecord> cross_validated(Series& series, const Model& model, const FeatureSet& train, const std::vector<double>& l2,
                                         const FineTuneOptions& options) {
  const auto size = static_cast<std::size_t>(train.size());
  const std::vector<std::size_t> order = shuffled_order(size, options.trainer.seed, ~std::uint64_t{0});
  std::vector<EpochRecord> records;
  for (const double strength : l2) records.push_back({.train_loss = 0, .valid_loss = 0, .iterations = 0, .l2 = strength});
  std::vector<std::size_t> measured(l2.size(), 0);
  const std::size_t parts = std::min(size, folds), rounds = size < large ? parts : 1;
  for (std::size_t part = 0; part < rounds; ++part) {
    std::vector<std::int64_t> kept, held;
    for (std::size_t i = 0; i < size; ++i) (i % parts == part ? held : kept).push_back(static_cast<std::int64_t>(order[i]));
    const at::Tensor kept_rows = at::tensor(kept, at::kLong).to(model.device()), held_rows = at::tensor(held, at::kLong).to(model.device());
    const Fields held_features = rows(train.features(), held_rows), held_targets = rows(train.targets(), held_rows);
    series.to_start();
    series.run(rows(train.features(), kept_rows), rows(train.targets(), kept_rows), l2,
               [&](std::size_t i, const optim::SolverReport& solved, double seconds) {
                 const double loss = mean_loss(model.head(), held_features, held_targets);
                 EpochRecord& record = records[i];
                 record.train_loss += solved.loss / static_cast<double>(rounds);
                 *record.valid_loss += loss / static_cast<double>(rounds);
                 *record.iterations += solved.iterations;
                 record.seconds += seconds;
                 record.samples = train.size();
                 ++measured[i];
                 return loss;
               });
  }
  const auto all = [&](const EpochRecord& record) { return measured[static_cast<std::size_t>(&record - records.data())] == rounds; };
  std::vector<EpochRecord> whole;
  std::ranges::copy_if(records, std::back_inserter(whole), all);
  return whole;
}

/// Smaller is better: the loss or, where a classifier is to reject and there are examples of what, its "oscr": the weakest penalties have
/// the lowest loss, and tell the classes from other inputs worse.
struct Criterion {
  double value;
  /// Below this a difference is noise, and the stronger penalty is kept.
  double least_gain;
};

Criterion criterion(const EpochRecord& record) {
  const double open_set = value_of(record.metrics, "oscr");
  return std::isfinite(open_set) ? Criterion{-open_set, 1e-3} : Criterion{*record.valid_loss, 0};
}

}  // namespace

TrainReport probe(Model& model, const Splits& data, const FineTuneOptions& options) {
  const WithPrecision precision(model, options.trainer.precision);
  TrainReport report;
  report.precision = model.precision();
  const std::vector<double> l2 = strengths(options);
  const FeatureSet train = set_of(model, data.train, Mode::Train, options, report.phases);
  std::optional<FeatureSet> valid;
  if (!data.valid.empty()) valid = set_of(model, data.valid, Mode::Eval, options, report.phases);
  report.ended = "stopped";
  if (options.stop.stop_requested()) return report;

  const Stopwatch solving;
  Series series(model, options);
  std::optional<std::pair<at::Tensor, at::Tensor>> best;
  double lowest = std::numeric_limits<double>::infinity(), best_l2 = l2[l2.size() / 2];
  const auto tell = [&](EpochRecord record) {
    record.epoch = static_cast<int>(report.history.size()) + 1;
    if (const Criterion found = criterion(record); found.value < lowest - found.least_gain) {
      lowest = found.value;
      best_l2 = *record.l2;
      report.best_epoch = record.epoch;
      best = series.now();
    }
    report.history.push_back(record);
    for (const auto& callback : options.callbacks) {
      callback->on_epoch(record);
      callback->on_progress({"solve", record.epoch, static_cast<std::int64_t>(l2.size()),
                             "L2 " + std::to_string(*record.l2) + ", loss " + fixed(*record.valid_loss, 4)});
    }
  };
  if (valid) {
    series.run(train.features(), train.targets(), l2, [&](std::size_t i, const optim::SolverReport& solved, double seconds) {
      const EvalReport found = Evaluator({.mistakes = 0}).run(model, data.valid, *valid);
      EpochRecord record{.train_loss = solved.loss, .valid_loss = found.metric("loss")};
      record.metrics.assign(found.metrics.begin() + 1, found.metrics.end());
      record.seconds = seconds;
      record.samples = train.size();
      record.iterations = solved.iterations;
      record.l2 = l2[i];
      tell(record);
      return *record.valid_loss;
    });
  } else if (l2.size() > 1 && train.size() > 1) {
    for (const EpochRecord& record : cross_validated(series, model, train, l2, options)) tell(record);
    if (!options.stop.stop_requested()) {
      series.to_start();
      log(LogLevel::Info, "no validation data: the L2 strength " + std::to_string(best_l2) + " was chosen on held-out training data");
    }
  }
  if (best) series.set(*best);
  if (!options.stop.stop_requested()) {
    const optim::SolverReport solved =
        optim::LinearSolver(model.head(), train.features(), train.targets()).solve({.l2 = best_l2, .stop = options.stop});
    if (report.history.empty()) {
      report.best_epoch = 1;
      report.history.push_back(
          {.epoch = 1, .train_loss = solved.loss, .samples = train.size(), .iterations = solved.iterations, .l2 = best_l2});
      for (const auto& callback : options.callbacks) callback->on_epoch(report.history.back());
    }
  }
  add_phase(report.phases, "train", solving.seconds());
  report.ended = options.stop.stop_requested() ? "stopped" : "solved";
  return report;
}

}  // namespace graft::train
