#include "train/best.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/warning.h"
#include "graft/train/stopping.h"
#include "train/snapshot.h"

namespace graft::train {

double Best::metric_of(const EpochRecord& record) const {
  if (options_.best_metric != "loss") return value_of(record.metrics, options_.best_metric);
  return record.valid_loss.value_or(std::numeric_limits<double>::quiet_NaN());
}

void Best::offer(const EpochRecord& record) {
  const double value = metric_of(record);
  const bool was_number = std::ranges::any_of(state_.history, [&](const EpochRecord& past) { return std::isfinite(metric_of(past)); });
  const bool by_metric = was_number || std::isfinite(value) || options_.best_metric == "loss";
  const bool is_first = std::ranges::none_of(state_.history, [](const EpochRecord& past) { return past.valid_loss.has_value(); });
  if (!by_metric && is_first) {
    warn({"graft-W015",
          "[Trainer] the metric \"" + options_.best_metric +
              "\" of the validation data is no number; the best epoch is that of the lowest loss.",
          "Choose by another metric, or bring validation data that it can measure: r2 wants answers that differ.", ""});
  }
  if (by_metric && !was_number) state_.best_epoch = 0;  // what the loss has chosen so far
  const double judged = by_metric ? value : *record.valid_loss;
  const bool higher = by_metric && higher_is_better(options_.best_metric);
  const bool better = state_.best_epoch == 0 || (higher ? judged > state_.best_value : judged < state_.best_value);
  if (!std::isfinite(judged) || !better) return;
  state_.best_value = judged;
  state_.best_epoch = record.epoch;
  weights_ = snapshot(model_);
  if (keeper_.is_on()) state_.best_file = keeper_.save_best(state_.step, weights_);
}

}  // namespace graft::train
