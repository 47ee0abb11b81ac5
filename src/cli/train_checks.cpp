#include <algorithm>
#include <cctype>
#include <cmath>
#include <iterator>

#include "cli/pictures.h"
#include "cli/task.h"
#include "cli/train_settings.h"
#include "core/names.h"

namespace graft::cli {

std::vector<Problem> TrainSettings::problems() const {
  std::vector<Problem> problems;
  const auto require = [&](bool holds, const std::string& message, const std::string& remedy) {
    if (!holds) problems.push_back({"graft-C104", "[graft train] " + message, remedy, ""});
  };
  const auto one_of = [&](const std::string& flag, const std::string& value, const std::vector<std::string>& known) {
    require(std::ranges::find(known, value) != known.end(),
            "--" + flag + " of " + quoted_list(known) + " is wanted, got \"" + value + "\".",
            did_you_mean(value, known, "Leave it out for the default."));
  };
  one_of("task", task, task_names());
  require(folds == 0 || folds >= 2, "--folds of at least 2 is wanted, got " + std::to_string(folds) + ".", "5 and 10 are usual.");
  require(folds == 0 || valid.empty(), "--folds makes validation parts of the training data, --valid names another.",
          "Leave one of them out.");
  require(!backbone.empty(), "a backbone is wanted.", "Name one with --backbone FILE; graft import makes one from a published model.");
  require(!train.empty(), "training data is wanted.", "Name it with --train FILE.csv.");
  require(!valid.empty() || split == -1 || (split >= 0 && split < 1), "a --split in [0, 1) is wanted, got " + std::to_string(split) + ".",
          "0.1 is a good share.");
  require(!store.empty(), "--store auto, off or a folder is wanted.", "auto is the default.");
  std::ranges::move(picture_problems(*this), std::back_inserter(problems));
  require(views >= 0, "no negative --views are wanted.", "4 is the default.");
  require(bytes_from(store_budget).has_value(), "a --store-budget like 500MB or 2GB is wanted, got \"" + store_budget + "\".",
          "2GB is the default.");
  require(step_budget_from(step_budget).has_value(), "--step-budget off, auto or like 4GB is wanted, got \"" + step_budget + "\".",
          "off is the default.");
  require(prefix == "fast" || prefix == "exact", "--prefix fast or exact is wanted, got \"" + prefix + "\".", "fast is the default.");
  one_of("precision", precision, {"auto", "fp32", "bf16", "fp16"});
  one_of("optimizer", optimizer, {"adamw", "sgd", "lion"});
  one_of("schedule", schedule, Schedule::kinds());
  one_of("class-weights", class_weights, {"none", "balanced"});
  one_of("sampler", sampler, {"none", "balanced"});
  one_of("reject-score", reject_score, head::rejection_score_names());
  require(reject_score == TrainSettings().reject_score || rejection(), "--reject-score says how, not that answers are rejected.",
          "Name the label of what belongs to no class with --reject-label, or leave it out.");
  require(reject_recall == 0 || reject_precision == 0,
          "--reject-recall or --reject-precision is wanted, not both: each sets the threshold.", "Leave one of them out.");
  one_of("on-error", on_error, {"fail", "skip"});
  one_of("resume", resume, {"off", "auto"});
  try {
    Clip::parse(clip);
  } catch (const ConfigError& error) {
    require(false, "--clip norm:LIMIT, values:LIMIT, adaptive:SHARE or none is wanted, got \"" + clip + "\".", error.remedy());
  }
  require(target_metric.empty() || target_from(target_metric), "--target-metric NAME=VALUE is wanted, got \"" + target_metric + "\".",
          "For instance --target-metric accuracy=0.93.");
  require(time_limit.empty() || seconds_from(time_limit), "--time-limit 90s, 10m or 2h is wanted, got \"" + time_limit + "\".",
          "Leave it out for none.");
  require(checkpoint_every == "off" || seconds_from(checkpoint_every),
          "--checkpoint-every STEPS, 90s, 10m, 2h or off is wanted, got \"" + checkpoint_every + "\".", "10m is the default.");
  const auto share = target_from(target_metric);
  require(!share || share->first != "accuracy" || share->second <= 1,
          "--target-metric accuracy=VALUE with a value in (0, 1] is wanted, got \"" + target_metric + "\".",
          "93 percent are accuracy=0.93.");
  const double every = seconds_from(checkpoint_every).value_or(1);
  require(every > 0, "--checkpoint-every of more than nothing is wanted, got \"" + checkpoint_every + "\".", "off writes none.");
  require(std::isdigit(static_cast<unsigned char>(checkpoint_every.back())) == 0 || every == std::floor(every),
          "--checkpoint-every of whole steps is wanted, got \"" + checkpoint_every + "\".", "A time has a unit: 90s, 10m, 2h.");
  require(l2_sp >= 0 && std::isfinite(l2_sp), "an --l2-sp of at least 0 is wanted.", "0 switches it off.");
  require(threads >= 0, "--threads of at least 0 is wanted, got " + std::to_string(threads) + ".", "0 takes what the machine has.");
  require(!(force && resume == "auto"), "--force overwrites a run, --resume auto continues it.", "Leave one of them out.");
  require(!(prefix == "exact" && precision == "bf16"), "--prefix exact is float32, --precision bf16 is not.", "Leave one of them out.");
  require(epochs >= 0, "--epochs of at least 0 is wanted, got " + std::to_string(epochs) + ".", "0 leaves the number to the preset.");
  require(!out.empty(), "a run folder is wanted.", "Name it with --out.");
  require(seed >= 0, "a --seed of at least 0 is wanted.", "Leave it out for 0.");
  const bool frozen = freeze == "all" || preset == "probe";
  require(!(preset == "probe" && !freeze.empty() && freeze != "all"),
          "the preset probe freezes everything, --freeze " + freeze + " does not.", "Take --preset full with this --freeze.");
  require(!(preset == "full" && freeze == "all"), "the preset full trains the backbone, --freeze all does not.",
          "Take --preset probe, or leave one of them out.");
  require(!(frozen && hidden == 0 && dropout == 0 && epochs > 0),
          "--epochs does not apply: a linear head on a frozen backbone is solved, not stepped.",
          "Leave --epochs out, or take --preset full.");
  return problems;
}

}  // namespace graft::cli
