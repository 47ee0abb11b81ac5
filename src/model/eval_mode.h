#pragma once

#include "graft/model/model.h"

namespace graft {

/// The model in eval mode, and in its former mode at the end.
class EvalMode {
 public:
  explicit EvalMode(Model& model) : model_(model), training_(model.is_training()) { model_.set_training(false); }
  ~EvalMode() { model_.set_training(training_); }
  EvalMode(const EvalMode&) = delete;
  EvalMode& operator=(const EvalMode&) = delete;

 private:
  Model& model_;
  bool training_;
};

}  // namespace graft
