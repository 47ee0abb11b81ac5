#include "cli/train_report.h"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/names.h"
#include "core/table.h"

namespace graft::cli {
namespace {

double peak_memory_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

double samples_per_second(const TrainReport& training) {
  double seconds = 0;
  for (const auto& [name, spent] : training.phases) seconds += name == "evaluate" || name == "load" || name == "save" ? 0 : spent;
  // Each solve of a linear head sees the same samples; an epoch of steps is a pass of its own.
  std::int64_t samples = 0;
  for (const EpochRecord& epoch : training.history) samples = epoch.iterations ? epoch.samples : samples + epoch.samples;
  return static_cast<double>(samples) / std::max(seconds, 1e-9);
}

const EpochRecord& best_of(const TrainReport& training) {
  return training.best_epoch > 0 ? training.history[static_cast<std::size_t>(training.best_epoch - 1)] : training.history.back();
}

/// True if parts of the training data that were held out in turn have chosen: validation data gives metrics beside the loss.
bool chosen_by_parts(const EpochRecord& best) { return best.l2 && best.valid_loss && best.metrics.empty(); }

/// Why the run ended, which epoch's weights the model has, and what an earlier process had done of it.
std::string end_text(const TrainReport& training) {
  std::string text;
  if (training.resumed_at > 0) text += "went on from step " + with_commas(training.resumed_at) + "; ";
  text += "ended: " + training.ended;
  const EpochRecord& best = best_of(training);
  if (best.iterations) return text + "\n";
  return text + " after " + std::to_string(training.history.size()) + (training.history.size() == 1 ? " epoch" : " epochs") +
         "; the weights are those of epoch " + std::to_string(best.epoch) + "\n";
}

void add_common(Json& result, const FineTuneReport& report, const std::string& model) {
  result["phases"] = Json::object();
  for (const auto& [name, seconds] : report.training.phases) result["phases"][name] = seconds;
  result["plan"] = report.plan;
  result["ended"] = report.training.ended;
  result["best_epoch"] = best_of(report.training).epoch;
  if (report.training.resumed_at > 0) result["resumed_from_step"] = report.training.resumed_at;
  result["precision"] = precision_name(report.training.precision);
  if (const Skipped& skipped = report.training.skipped; skipped.count > 0) {
    result["skipped"] = {{"count", skipped.count}, {"examples", Json::array()}};
    for (const Problem& example : skipped.examples)
      result["skipped"]["examples"].push_back({{"place", example.place}, {"message", example.message}});
  }
  if (report.training.memory) result["step_memory"] = report.training.memory->json();
  result["warnings"] = Json::array();
  for (const Problem& warning : report.warnings) {
    result["warnings"].push_back(
        {{"code", warning.code}, {"message", warning.message}, {"remedy", warning.remedy}, {"place", warning.place}});
  }
  if (!report.training.frozen_samples.empty()) result["frozen_samples"] = report.training.frozen_samples;
  result["samples_per_second"] = samples_per_second(report.training);
  result["peak_memory_mb"] = peak_memory_mb();
  result["model"] = model;
}

}  // namespace

Json finished_json(const FineTuneReport& report, const EvalReport& evaluation, const std::string& metrics_on, const std::string& model) {
  Json result = evaluation.json();
  result["metrics_on"] = metrics_on;
  add_common(result, report, model);
  return result;
}

Json interrupted_json(const FineTuneReport& report, const std::string& model) {
  const EpochRecord& best = best_of(report.training);
  Json result{{"interrupted", true},
              {"metrics", Json::object()},
              {"metrics_on", chosen_by_parts(best) ? "folds"
                             : best.valid_loss     ? "valid"
                                                   : "train"}};
  result["metrics"]["loss"] = best.valid_loss.value_or(best.train_loss);
  for (const auto& [name, value] : best.metrics) result["metrics"][name] = value;
  result["epochs"] = std::ranges::count(report.training.history, true, &EpochRecord::finished);
  add_common(result, report, model);
  return result;
}

std::string text_of(const FineTuneReport& report, const Model& model) {
  std::string text = report.plan + "\n" + model.freeze_table().text();
  if (report.training.precision == Precision::BFloat16 && (!model.backbone_trains() || model.is_split()))
    text += "the frozen part computed in bf16, all that is measured below in fp32\n";
  if (const EpochRecord& best = best_of(report.training); best.l2) {
    text += "L2 strength " + Json(*best.l2).dump();
    if (best.valid_loss)
      text += " chosen of " + std::to_string(report.training.history.size()) +
              (chosen_by_parts(best) ? " on parts of the training data held out in turn" : " on validation data");
    text += "\n";
  }
  text += end_text(report.training);
  if (report.training.skipped.count > 0)
    text +=
        with_commas(static_cast<long long>(report.training.skipped.count)) + " training records could not be prepared and were left out\n";
  if (report.training.memory) text += report.training.memory->text() + "\n";
  for (const auto& [name, seconds] : report.training.phases)
    text += "  " + name + std::string(10 - std::min<std::size_t>(9, name.size()), ' ') + fixed(seconds, 1) + " s\n";
  return text;
}

std::string profile_text(const TrainReport& training) {
  double all = 0;
  for (const auto& [name, seconds] : training.step_phases) all += seconds;
  if (all == 0) return "";
  Table table;
  for (const auto& [name, seconds] : training.step_phases)
    table.add({name, fixed(1e3 * seconds / static_cast<double>(std::max<std::int64_t>(1, training.steps - training.resumed_at)), 2) + " ms",
               fixed(100 * seconds / all, 1) + " %"});
  std::int64_t samples = 0;
  for (const EpochRecord& epoch : training.history) samples += epoch.samples;
  std::string text = "a step, " + std::to_string(training.steps) + " in all\n" + table.text();
  if (training.resumed_at == 0) text += with_commas(std::llround(static_cast<double>(samples) / all)) + " samples a second in steps\n";
  if (training.frozen_samples.empty()) return text;
  const auto first = training.frozen_samples.front();
  const auto later = std::accumulate(training.frozen_samples.begin() + 1, training.frozen_samples.end(), std::int64_t{0});
  return text + "the frozen part computed " + with_commas(first) + " samples in the first epoch, " + with_commas(later) +
         " in all others\n";
}

std::string best_so_far(const TrainReport& training) {
  const EpochRecord& best = best_of(training);
  std::string text =
      (best.l2 ? "solve " : "epoch ") + std::to_string(best.epoch) +
      (best.finished ? ", best of " + std::to_string(std::ranges::count(training.history, true, &EpochRecord::finished)) + " finished"
                     : ", not finished") +
      ": train loss " + fixed(best.train_loss, 4);
  if (best.valid_loss) text += ", valid loss " + fixed(*best.valid_loss, 4);
  for (const auto& [name, value] : best.metrics) text += ", " + name + " " + fixed(value, 4);
  return text;
}

}  // namespace graft::cli
