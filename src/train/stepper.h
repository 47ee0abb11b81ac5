#pragma once

#include <memory>
#include <optional>

#include "graft/optim/loss_scaler.h"
#include "graft/optim/optimizer.h"
#include "graft/train/callback.h"
#include "head/dense_step.h"
#include "train/audit.h"
#include "train/stream.h"

namespace graft::train {

/// Takes the steps of a run: loss, gradients, clipping, update.
class Stepper {
 public:
  /// A head of plain layers steps by formula where nothing else trains, everything else by autograd. All are kept by reference.
  Stepper(const Model& model, const TrainerOptions& options, const std::vector<std::shared_ptr<Callback>>& callbacks);
  /// `factor` is the schedule's. Throws NumericsError if the loss is not finite; nothing has moved then.
  StepRecord operator()(const Stream& stream, const Window& window, std::int64_t step, double factor);
  /// After the model's policy changed.
  void rebind();
  /// Gives up the gradients.
  void finish();

  Optimizer& optimizer() { return optimizer_; }
  /// Seconds so far.
  struct Times {
    double forward = 0, backward = 0, clip = 0, update = 0;
  };
  const Times& times() const { return times_; }
  /// Where the run is in float16.
  std::optional<LossScaler>& scaler() { return scaler_; }
  const std::vector<std::unique_ptr<Regularizer>>& regularizers() const { return regularizers_; }

 private:
  double by_formula(const Stream& stream, const Window& window);
  /// Forward and backward, piece by piece; the mean loss.
  double by_autograd(const Stream& stream, const Window& window);
  double clip();

  const Model& model_;
  const TrainerOptions& options_;
  const std::vector<std::shared_ptr<Callback>>& callbacks_;
  std::unique_ptr<head::DenseStep> formula_;
  Optimizer optimizer_;
  std::optional<LossScaler> scaler_;
  std::vector<std::unique_ptr<Regularizer>> regularizers_;
  GradientWatch watch_;
  std::vector<at::Tensor> parameters_;  // all that have gradients now
  Times times_;
  at::Tensor square_;  // of the norm of all gradients
};

}  // namespace graft::train
