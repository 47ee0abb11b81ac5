#include "graft/eval/evaluator.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <functional>

#include "core/stopwatch.h"
#include "eval/collector.h"
#include "eval/evaluate_cut.h"
#include "graft/core/error.h"
#include "graft/data/loader.h"
#include "model/eval_mode.h"
#include "predict/mirror.h"

namespace graft {
namespace {

void require_records(const Data& data) {
  if (!data.empty()) return;
  throw DataError({.code = "graft-D018",
                   .message = "[Evaluator] at least one record is wanted, there is none.",
                   .remedy = "Check the file or the split.",
                   .place = ""});
}

/// Rows whose features take a few megabytes: maps of pictures are large, and a head makes more of them.
std::int64_t rows_within(const Fields& features) {
  constexpr std::int64_t most_rows = 1024, few_megabytes = std::int64_t{16} << 20;
  std::int64_t bytes = 1;
  for (const auto& [name, tensor] : features)
    bytes += static_cast<std::int64_t>(tensor.nbytes()) / std::max<std::int64_t>(1, tensor.size(0));
  return std::clamp<std::int64_t>(few_megabytes / bytes, 1, most_rows);
}

/// From what the store holds, or now keeps; nothing where nothing can be kept.
std::optional<EvalReport> run_stored(Model& model, const Data& data, const EvaluatorOptions& options, std::stop_token stop) {
  if (!options.store.is_on()) return std::nullopt;
  const Stopwatch watch;
  const FeatureSetOptions how{.batch_positions = options.batch_positions,
                              .threads = options.threads,
                              .progress =
                                  [&](const Progress& progress) {
                                    if (options.progress) options.progress({"evaluate", progress.done, progress.total, progress.note});
                                  },
                              .stop = stop};
  std::optional<EvalReport> report;
  if (model.keeps_rows()) {
    if (const auto set = FeatureSet::make(model, data, how, options.store)) report = Evaluator(options).run(model, data, *set);
  } else if (const auto set = CutSet::make(model, data, how, options.store)) {
    report = evaluate_cut(model, data, *set, options, stop);
  }
  if (report) report->seconds = watch.seconds();
  return report;
}

}  // namespace

EvalReport Evaluator::run(Model& model, const Data& data, std::stop_token stop) const {
  require_records(data);
  const c10::NoGradGuard no_grad;
  const EvalMode mode(model);
  if (!options_.mirrored) {
    if (auto stored = run_stored(model, data, options_, stop)) return std::move(*stored);
  }
  const Stopwatch watch;
  Loader loader(data, model.preprocess(), target_function(model),
                {.batch_positions = options_.batch_positions, .order = Order::ByLength, .threads = options_.threads});
  eval::Collector collector(model, data, loader.num_samples(), options_);
  std::int64_t done = 0;
  while (!stop.stop_requested()) {
    auto batch = loader.next();
    if (!batch) break;
    batch->targets = to(batch->targets, model.device());
    collector.add(options_.mirrored ? predict::with_mirror(model.head(), batch->inputs, std::ref(model)) : model(batch->inputs), *batch);
    done += batch->size();
    if (options_.progress) options_.progress({"evaluate", done, static_cast<std::int64_t>(loader.num_samples()), ""});
  }
  return collector.report(watch.seconds());
}

EvalReport Evaluator::run(Model& model, const Data& data, const FeatureSet& set) const {
  require_records(data);
  if (options_.mirrored) {
    throw ConfigError({.code = "graft-C116",
                       .message = "[Evaluator] pictures are wanted to mirror, got features.",
                       .remedy = "Give the data alone.",
                       .place = ""});
  }
  const c10::NoGradGuard no_grad;
  const EvalMode mode(model);
  const Stopwatch watch;
  eval::Collector collector(model, data, static_cast<std::size_t>(set.size()), options_);
  const std::int64_t rows_at_once = rows_within(set.features());
  for (std::int64_t start = 0; start < set.size(); start += rows_at_once) {
    const std::int64_t count = std::min(rows_at_once, set.size() - start);
    const auto first = set.records().begin() + start;
    const Batch batch{rows(set.features(), start, count), rows(set.targets(), start, count), {first, first + count}};
    collector.add(model.head().forward(batch.inputs), batch);
  }
  return collector.report(watch.seconds());
}

EvalReport evaluate_cut(Model& model, const Data& data, const CutSet& set, const EvaluatorOptions& options, std::stop_token stop) {
  require_records(data);
  const c10::NoGradGuard no_grad;
  const EvalMode mode(model);
  const Stopwatch watch;
  eval::Collector collector(model, data, static_cast<std::size_t>(set.size()), options);
  constexpr std::size_t rows_at_once = 64;
  const std::vector<std::size_t> order = set.by_length();
  for (std::size_t start = 0; start < order.size() && !stop.stop_requested(); start += rows_at_once) {
    Batch batch = set.batch(std::span(order).subspan(start, std::min(rows_at_once, order.size() - start)));
    batch.targets = to(batch.targets, model.device());
    collector.add(model.head().forward(model.features_of_kept(batch.inputs)), batch);
  }
  return collector.report(watch.seconds());
}

}  // namespace graft
