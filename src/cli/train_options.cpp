#include <cctype>
#include <charconv>

#include "cli/train_settings.h"
#include "graft/optim/regularizer.h"
#include "graft/train/loggers.h"
#include "graft/train/stopping.h"

namespace graft::cli {
namespace {

std::variant<bool, std::int64_t, double, std::string> parse_constant(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  const char* end = text.data() + text.size();
  std::int64_t integer = 0;
  if (const auto [at, error] = std::from_chars(text.data(), end, integer); error == std::errc() && at == end) return integer;
  double number = 0;
  if (const auto [at, error] = std::from_chars(text.data(), end, number); error == std::errc() && at == end) return number;
  return text;
}

/// The number at the start of a text, and what follows it.
std::optional<std::pair<double, std::string>> number_and_rest(const std::string& text) {
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  return std::pair(number, std::string(rest, text.data() + text.size()));
}

std::optional<double> scaled(const std::string& text, std::initializer_list<std::pair<const char*, double>> units) {
  const auto parsed = number_and_rest(text);
  if (!parsed) return std::nullopt;
  for (const auto& [unit, factor] : units) {
    if (parsed->second == unit) return parsed->first * factor;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> bytes_from(const std::string& text) {
  const auto bytes = scaled(text, {{"", 1.0}, {"B", 1.0}, {"KB", 0x1p10}, {"MB", 0x1p20}, {"GB", 0x1p30}});
  return bytes ? std::optional(static_cast<std::int64_t>(*bytes)) : std::nullopt;
}

std::optional<std::int64_t> step_budget_from(const std::string& text) {
  if (text == "off") return 0;
  if (text == "auto") return free_memory;
  const auto bytes = bytes_from(text);
  return bytes && *bytes > 0 ? bytes : std::nullopt;
}

std::optional<double> seconds_from(const std::string& text) { return scaled(text, {{"", 1.0}, {"s", 1.0}, {"m", 60.0}, {"h", 3600.0}}); }

std::optional<std::pair<std::string, double>> target_from(const std::string& text) {
  const std::size_t equals = text.find('=');
  const auto value = equals == std::string::npos ? std::nullopt : scaled(text.substr(equals + 1), {{"", 1.0}});
  if (!value || equals == 0) return std::nullopt;
  return std::pair(text.substr(0, equals), *value);
}

std::optional<head::RejectionOptions> TrainSettings::rejection() const {
  if (reject_label.empty() && reject_recall == 0 && reject_precision == 0) return std::nullopt;
  head::RejectionOptions options{.score = head::rejection_score_from(reject_score), .precision = reject_precision};
  if (!reject_label.empty()) options.label = reject_label;
  if (reject_recall != 0) options.recall = reject_recall;
  return options;
}

TrainerOptions TrainSettings::trainer() const {
  TrainerOptions options{.batch_size = batch,
                         .accumulate = accumulate,
                         .optimizer = optimizer == "sgd"    ? OptimizerKind::Sgd
                                      : optimizer == "lion" ? OptimizerKind::Lion
                                                            : OptimizerKind::AdamW,
                         .lr = lr,
                         .backbone_lr_ratio = backbone_lr == -1 ? std::nullopt : std::optional(backbone_lr),
                         .weight_decay = weight_decay,
                         .nesterov = optimizer == "sgd",
                         .schedule = Schedule(Schedule::kind_from(schedule), warmup),
                         .clip = Clip::parse(clip),
                         .ema = ema,
                         .best_metric = best_metric,
                         .patience = patience,
                         .precision = precision_from(precision),
                         .mixup = mixup,
                         .cutmix = cutmix,
                         .on_error = on_error == "skip" ? OnError::Skip : OnError::Fail,
                         .seed = static_cast<std::uint64_t>(seed),
                         .deterministic = deterministic,
                         .overfit_batch = overfit_batch};
  if (epochs > 0) options.epochs = epochs;
  if (layer_decay != 0) options.layer_decay = layer_decay;
  if (limit_steps != 0) options.limit_steps = limit_steps;
  options.gradient_checkpointing = gradient_checkpointing;
  options.step_budget = step_budget_from(step_budget).value();
  if (l2_sp > 0) options.regularizers.push_back([alpha = l2_sp] { return std::make_unique<L2Sp>(alpha); });
  if (checkpoint_every != "off") {
    const bool steps = std::isdigit(static_cast<unsigned char>(checkpoint_every.back())) != 0;
    const double every = seconds_from(checkpoint_every).value();
    options.checkpoints = {.folder = out + "/checkpoints",
                           .every_steps = steps ? static_cast<std::int64_t>(every) : 0,
                           .every_seconds = steps ? 0 : every,
                           .keep = keep,
                           .resume = resume == "auto"};
  }
  options.store = store == "off"
                      ? FeatureStore::off()
                      : FeatureStore({.budget = bytes_from(store_budget).value(), .folder = store == "auto" ? "" : store, .views = views});
  return options;
}

ModelOptions TrainSettings::model(const Freeze& policy) const {
  return {.freeze = policy, .device = device, .prefix = prefix == "exact" ? PrefixForm::Exact : PrefixForm::Fast};
}

BackboneOptions TrainSettings::backbone_options() const { return {.constants = parse_constants(constant), .trust = trust}; }

std::vector<std::shared_ptr<Callback>> TrainSettings::callbacks() const {
  std::vector<std::shared_ptr<Callback>> all = stops();
  all.insert(all.begin(), std::make_shared<JsonLinesLog>(out + "/history.jsonl"));
  if (!tensorboard.empty()) all.push_back(std::make_shared<TensorBoardLog>(tensorboard));
  return all;
}

std::vector<std::shared_ptr<Callback>> TrainSettings::stops() const {
  std::vector<std::shared_ptr<Callback>> all;
  if (!time_limit.empty()) all.push_back(std::make_shared<TimeLimit>(seconds_from(time_limit).value()));
  if (const auto target = target_from(target_metric)) all.push_back(std::make_shared<TargetMetric>(target->first, target->second));
  return all;
}

std::map<std::string, std::variant<bool, std::int64_t, double, std::string>> parse_constants(const std::vector<std::string>& given) {
  std::map<std::string, std::variant<bool, std::int64_t, double, std::string>> constants;
  std::vector<Problem> problems;
  for (const std::string& text : given) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      problems.push_back(
          {"graft-C104", "[graft] --constant NAME=VALUE is wanted, got \"" + text + "\".", "For instance --constant sr=16000.", ""});
    } else {
      constants[text.substr(0, equals)] = parse_constant(text.substr(equals + 1));
    }
  }
  if (!problems.empty()) throw ConfigError(problems);
  return constants;
}

}  // namespace graft::cli
