#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "core/json.h"
#include "graft/core/error.h"
#include "graft/train/fine_tune.h"

namespace graft::cli {

/// Everything that graft train can be told; each is a flag and a key of CONFIG.json. An empty text or a zero stands for "decide by the
/// data".
struct TrainSettings {
  std::string task = "auto";
  std::string backbone, tokenizer;
  std::vector<std::string> constant;
  std::string train, valid, test;
  double split = 0.1;
  std::string text, label;
  std::string label_separator = ";";
  int max_length = 256;
  std::string preset = "auto", freeze;
  std::string store = "auto", store_budget = "2GB", prefix = "fast", precision = "auto";
  int epochs = 0;
  int batch = 32;
  double lr = 1e-3;
  int hidden = 0;
  double dropout = 0;
  int patience = 0;
  int folds = 0;
  int seed = 0;
  std::string device = "auto";
  int threads = 0;
  std::string out = "run";
  bool force = false;
  bool check_only = false;
  bool trust = false;

  /// Adds a flag for each.
  void add_flags(CLI::App& command);
  /// Takes the keys of a config file for which no flag was given. Throws ConfigError that lists unknown keys and wrong types.
  void read(const std::string& path, const CLI::App& command);
  Json json() const;
  /// Everything missing or contradictory.
  std::vector<Problem> problems() const;
  TrainerOptions trainer() const;
  ModelOptions model(const Freeze& policy) const;
  BackboneOptions backbone_options() const;
};

/// "sr=16000" as a constant of a network's forward. Throws ConfigError.
std::map<std::string, std::variant<bool, std::int64_t, double, std::string>> parse_constants(const std::vector<std::string>& given);

}  // namespace graft::cli
