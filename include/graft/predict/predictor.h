#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "graft/backbone/prefix_form.h"
#include "graft/core/api.h"
#include "graft/core/progress.h"
#include "graft/data/dataset.h"
#include "graft/data/preprocess.h"
#include "graft/head/head.h"

namespace graft {

/// Builds a user's head from its config() again.
using HeadFactory = std::function<std::unique_ptr<Head>(const nlohmann::json&)>;

/// Builds a user's preprocessing from its config() and files() again.
using PreprocessFactory =
    std::function<std::shared_ptr<const Preprocess>(const nlohmann::json& config, const std::map<std::string, std::string>& files)>;

/// How a saved model comes back, to answer or to be trained on.
struct LoadOptions {
  /// As choose_device() reads it.
  std::string device = "auto";
  /// How a Model computes its frozen part.
  PrefixForm prefix = PrefixForm::Fast;
  /// Builds a user's own head. A Predictor gives the outputs as they are without it; a Model needs it.
  HeadFactory head = {};
  /// Builds a user's own preprocessing; null: it is one of graft's.
  PreprocessFactory preprocess = {};
  /// Runs whatever code the file brings, as if it were a program; else only code that computes, and touches no files, sockets or processes.
  bool trust = false;
  /// How many of the best answers Decoded::top lists.
  std::int64_t top = 5;
};

struct PredictOptions {
  ProgressFunction progress = {};
  /// Ends the work early; answers that were not reached have an empty label.
  std::stop_token stop = {};
  /// Each picture's mirror image is asked too, and the outputs averaged before they are read as answers. ConfigError if the model reads no
  /// pictures, or answers with places in them.
  bool mirrored = false;
};

/// A saved model that answers. Runs the file as it is, the one that Python loads. Copies are handles on one model. Thread-safe: any number
/// of threads may ask one predictor; a network that keeps state from call to call starts from the saved state in each.
class GRAFT_API Predictor {
 public:
  /// Throws CheckpointError if the file is no model saved by graft.
  static Predictor load(const std::string& path, const LoadOptions& options = {});

  /// The answer for one text. Throws ModelError if the model does not read exactly one text.
  Decoded operator()(const std::string& text) const;
  /// For one record with the fields that the model reads.
  Decoded operator()(const Record& record) const;
  /// For one sample's inputs, without a batch dimension, as the network reads them: {{"input_ids", [L]}}.
  Decoded operator()(const Fields& inputs) const;
  /// Answers in the order of the texts; short ones run together.
  std::vector<Decoded> batch(std::span<const std::string> texts, const PredictOptions& options = {}) const;
  /// Answers in the order of the records.
  std::vector<Decoded> batch(const Data& data, const PredictOptions& options = {}) const;
  /// Answers for inputs [N, ...] that are one batch already.
  std::vector<Decoded> batch(const Fields& inputs, const PredictOptions& options = {}) const;

  /// The fields of a record that it reads.
  std::vector<std::string> fields() const;
  /// True if it reads the files of pictures: then the one field of its records is a path.
  bool reads_pictures() const;
  /// What the network reads, in order; those without a value in a batch count as absent.
  const std::vector<std::string>& inputs() const;
  /// The classes it chooses from, where its head has classes; else empty.
  std::vector<std::string> labels() const;

 private:
  Predictor() = default;
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace graft
