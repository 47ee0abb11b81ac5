#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graft/core/progress.h"
#include "graft/data/dataset.h"
#include "graft/head/head.h"

namespace graft {

/// Builds a user's head from its config() again.
using HeadFactory = std::function<std::unique_ptr<Head>(const nlohmann::json&)>;

/// How a saved model comes back, to answer or to be trained on.
struct LoadOptions {
  /// As choose_device() reads it.
  std::string device = "auto";
  /// Builds a user's own head. A Predictor gives the outputs as they are without it; a Model needs it.
  HeadFactory head = {};
};

/// A saved model that answers. Runs the file as it is, the one that Python loads. Thread-safe.
class Predictor {
 public:
  /// Throws CheckpointError if the file is no model saved by graft.
  static Predictor load(const std::string& path, const LoadOptions& options = {});

  /// The answer for one text. Throws ModelError if the model does not read exactly one text.
  Decoded operator()(const std::string& text) const;
  /// Answers in the order of the texts; short ones run together.
  std::vector<Decoded> batch(std::span<const std::string> texts, const ProgressFunction& progress = {}) const;
  /// Answers in the order of the records.
  std::vector<Decoded> batch(const Data& data, const ProgressFunction& progress = {}) const;

 private:
  Predictor() = default;
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace graft
