#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/json.h"
#include "graft/core/error.h"
#include "graft/head/rejection.h"
#include "graft/train/fine_tune.h"

namespace graft::cli {

/// Everything that graft train can be told; each is a flag and a key of CONFIG.json. An empty text or a zero stands for "decide by the
/// data".
struct TrainSettings {
  std::string task = "auto";
  std::string backbone, tokenizer;
  std::vector<std::string> constant;
  std::string train, valid, test;
  double split = -1;
  std::string text, label;
  std::string label_separator = ";", class_map;
  std::string token_column, tag_column;
  bool strict_tags = false;
  int max_length = 0, stride = 0;
  std::string image_size, fit = "auto", augment = "auto";
  double mixup = 0, cutmix = 0;
  int views = 4;
  std::string preset = "auto", freeze;
  std::string store = "auto", store_budget = "2GB", step_budget = "off", prefix = "fast", precision = "auto";
  int epochs = 0;
  int batch = 0, accumulate = 1;
  double lr = 1e-3, backbone_lr = -1, layer_decay = 0, weight_decay = 0.01;
  std::string optimizer = "adamw", schedule = "linear", clip = "norm:1";
  double warmup = 0.1, ema = 0, l2_sp = 0;
  bool gradient_checkpointing = false;
  int hidden = 0;
  double dropout = 0, label_smoothing = 0, focal = 0;
  std::string class_weights = "none", sampler = "none";
  std::string reject_label, reject_score = "energy";
  double reject_recall = 0, reject_precision = 0;
  int patience = 0;
  std::string best_metric = "loss", target_metric, time_limit;
  int folds = 0;
  int seed = 0;
  bool deterministic = false;
  std::string on_error = "fail";
  int limit_steps = 0;
  bool overfit_batch = false, preview_schedule = false, profile = false;
  std::string checkpoint_every = "10m", resume = "off", tensorboard;
  int keep = 2;
  std::string device = "auto";
  int threads = 0;
  std::string out = "run";
  bool force = false;
  bool check_only = false;
  bool trust = false;
  /// No flag: whether what reads these settings writes a run folder.
  bool makes_run = true;

  /// Adds a flag for each.
  void add_flags(CLI::App& command);
  /// Takes the keys of a config file for which no flag was given. Throws ConfigError that lists unknown keys and wrong types.
  void read(const std::string& path, const CLI::App& command);
  Json json() const;
  /// Everything missing or contradictory; train_checks.cpp.
  std::vector<Problem> problems() const;
  /// What the flags come to; train_options.cpp. `sampler` draws where one is wanted.
  TrainerOptions trainer() const;
  /// What may end the run early.
  std::vector<std::shared_ptr<Callback>> stops() const;
  /// These, and logs, which a folder is made for.
  std::vector<std::shared_ptr<Callback>> callbacks() const;
  /// How answers are rejected, where a flag asks for it.
  std::optional<head::RejectionOptions> rejection() const;
  ModelOptions model(const Freeze& policy) const;
  BackboneOptions backbone_options() const;
};

/// "2GB", "500MB", "100000"; powers of 1024.
std::optional<std::int64_t> bytes_from(const std::string& text);
/// "off", "auto", "4GB", as TrainerOptions::step_budget.
std::optional<std::int64_t> step_budget_from(const std::string& text);
/// "90", "90s", "10m", "2h".
std::optional<double> seconds_from(const std::string& text);
/// "accuracy=0.93".
std::optional<std::pair<std::string, double>> target_from(const std::string& text);

/// "sr=16000" as a constant of a network's forward. Throws ConfigError.
std::map<std::string, std::variant<bool, std::int64_t, double, std::string>> parse_constants(const std::vector<std::string>& given);

}  // namespace graft::cli
