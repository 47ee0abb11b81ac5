#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/train_settings.h"
#include "graft/backbone/backbone.h"
#include "graft/data/dataset.h"
#include "graft/data/preprocess.h"
#include "graft/head/head.h"

namespace graft::cli {

/// What a run learns, from which columns.
struct Task {
  enum class Kind { Classify, MultiLabel, Regress, Answers, Tokens, Detect };
  Kind kind = Kind::Classify;
  /// Two texts are compared: one class or number a pair.
  bool pairs = false;
  /// What is read are pictures; their column stands in `texts`.
  bool pictures = false;
  /// Why, for a person: "column \"price\" holds numbers with a fraction".
  std::string why = {};
  std::vector<std::string> texts = {}, targets = {};

  std::vector<std::string> columns() const;
  /// The column whose values keep their shares in a split; empty if there is none.
  std::string stratify() const { return kind == Kind::Classify ? targets.front() : std::string(); }
};

bool answers_by_token(const Task& task);
/// True if a question of the data has no answer.
bool has_unanswerable(const Data& data);

/// As --task names it: "classify", "multilabel", "regress", "pairs", "qa", "tokens", "detect".
const std::vector<std::string>& task_names();
std::string name_of(const Task& task);
/// "one class a record"
std::string what_it_learns(const Task& task);

/// The task and the columns that the settings name or, where they do not, the data's names and values tell. Throws DataError for columns
/// that are not there.
Task choose_task(const TrainSettings& settings, const Data& train);

/// What a head is made for; null: to check the data only.
struct Reads {
  const Preprocess* preprocess = nullptr;
  const Backbone* backbone = nullptr;
};

/// A head for the task; its labels, or its means and scales, are those of the training data. Throws DataError if there is nothing to tell
/// apart.
std::unique_ptr<Head> make_head(const Task& task, const TrainSettings& settings, const Data& train, const Reads& reads);

}  // namespace graft::cli
