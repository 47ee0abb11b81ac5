#pragma once

#include <memory>

#include "graft/optim/optimizer.h"
#include "graft/train/trainer.h"
#include "head/dense_step.h"
#include "train/stream.h"

namespace graft::train {

/// Takes the steps of a run: loss, gradients, clipping, update.
class Stepper {
 public:
  /// A head of plain layers steps by formula where nothing else trains, everything else by autograd. Both are kept by reference.
  Stepper(const Model& model, const TrainerOptions& options);
  /// Throws NumericsError if the loss is not finite; nothing has moved then.
  StepRecord operator()(const StepInput& input, std::int64_t step, std::int64_t total_steps);
  /// Gives up the gradients.
  void finish();

 private:
  double clip();

  const Model& model_;
  const TrainerOptions& options_;
  std::unique_ptr<head::DenseStep> by_formula_;
  Optimizer optimizer_;
  std::vector<at::Tensor> parameters_;  // all that the optimizer steps
  at::Tensor square_;                   // of the norm of all gradients
};

}  // namespace graft::train
