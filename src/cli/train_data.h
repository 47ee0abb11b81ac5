#pragma once

#include <functional>

#include "cli/task.h"
#include "graft/model/model.h"

namespace graft::cli {

/// Everything that a run starts from.
struct TrainInputs {
  /// With --folds all data is in `train`.
  Splits data;
  Task task;
  /// The network's own classifier was taken off: a new head reads what it read.
  bool classifier_left_out = false;
  /// A new model, each time it is called. Throws ModelError if the head does not fit the backbone.
  std::function<Model()> make_model;
};

/// Opens and checks all files that the settings name; what is wrong with them is told together. A backbone that is a saved model brings its
/// head and preprocessing along: training goes on from them, with classes that are new added. Throws Error with all mistakes; fills the
/// columns of `settings` in.
TrainInputs load_inputs(TrainSettings& settings);

/// The data with its classes as --class-map names them, and its boxes and pictures looked over.
Splits with_classes(const TrainSettings& settings, const Task& task, const Splits& data);

}  // namespace graft::cli
