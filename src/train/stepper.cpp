#include "train/stepper.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <map>

#include "core/in_float.h"
#include "core/stopwatch.h"
#include "graft/core/error.h"
#include "train/autocast.h"
#include "train/numerics.h"
#include "train/parameter_groups.h"

namespace graft::train {
namespace {

Optimizer make_optimizer(const Model& model, const TrainerOptions& options) {
  std::vector<ParameterGroup> groups = parameter_groups(model, options);
  switch (options.optimizer) {
    case OptimizerKind::Sgd:
      return Optimizer::sgd(std::move(groups), {.momentum = options.momentum, .nesterov = options.nesterov});
    case OptimizerKind::Lion:
      return Optimizer::lion(std::move(groups));
    case OptimizerKind::AdamW:
      break;
  }
  return Optimizer::adamw(std::move(groups));
}

/// What each term of the loss is a sum over in the whole window, so that it does not matter how the window is cut into pieces.
class WindowWeights {
 public:
  WindowWeights(const Head& head, const Window& window) : rows_(static_cast<double>(window.rows())) {
    if (window.pieces.size() == 1) return;  // loss_terms() knows
    for (const Piece& piece : window.pieces) {
      for (const auto& [name, weight] : head.weights(piece.targets)) {
        at::Tensor& sum = sums_[name];
        sum = sum.defined() ? sum + weight : weight;
      }
    }
  }

  at::Tensor mean(const LossTerm& term, const Window& window) const {
    if (window.pieces.size() == 1) return term.sum / term.weight;
    const auto sum = sums_.find(term.name);
    return sum == sums_.end() ? term.sum / rows_ : term.sum / sum->second;
  }

 private:
  double rows_;
  std::map<std::string, at::Tensor> sums_;
};

}  // namespace

Stepper::Stepper(const Model& model, const TrainerOptions& options, const std::vector<std::shared_ptr<Callback>>& callbacks)
    : model_(model), options_(options), callbacks_(callbacks), optimizer_(make_optimizer(model, options)) {
  if (options.precision == Precision::Float16) scaler_.emplace();
  for (const auto& make : options.regularizers) regularizers_.push_back(make());
  rebind();
}

void Stepper::rebind() {
  formula_.reset();
  if (!model_.backbone_trains()) formula_ = head::DenseStep::make(model_.head());
  const auto trainable = model_.trainable();
  optimizer_.bind(trainable);
  watch_.restart();
  parameters_.clear();
  for (const auto& [name, tensor] : trainable) parameters_.push_back(tensor);
  for (const auto& regularizer : regularizers_) regularizer->begin(trainable);
}

StepRecord Stepper::operator()(const Stream& stream, const Window& window, std::int64_t step, double factor) {
  StepRecord record{.step = step, .lr = options_.lr * factor, .samples = window.rows()};
  record.loss = formula_ ? by_formula(stream, window) : by_autograd(stream, window);
  if (!std::isfinite(record.loss)) throw not_finite(model_, stream, window, record, options_.precision);
  if (scaler_ && !scaler_->unscale(parameters_)) {  // the scale was too large for this batch, which teaches nothing
    scaler_->update();
    return record;
  }
  if (!formula_) watch_(model_);
  for (const auto& regularizer : regularizers_) regularizer->add_gradient();
  for (const auto& callback : callbacks_) callback->on_backward(model_, step + 1);
  Stopwatch watch;
  record.grad_norm = clip();
  if (!std::isfinite(record.grad_norm)) throw not_finite(model_, stream, window, record, options_.precision);
  times_.clip += watch.lap();
  optimizer_.step(factor);
  if (scaler_) scaler_->update();
  times_.update += watch.lap();
  return record;
}

double Stepper::by_formula(const Stream& stream, const Window& window) {
  Stopwatch watch;
  const Piece& piece = window.pieces.front();
  const double loss = (*formula_)(stream.features(piece), piece.targets).item<double>();
  times_.forward += watch.lap();  // with the gradients
  return loss;
}

double Stepper::by_autograd(const Stream& stream, const Window& window) {
  optimizer_.zero_grad();
  const WindowWeights weights(model_.head(), window);
  at::Tensor total;
  Stopwatch watch;
  for (const Piece& piece : window.pieces) {
    at::Tensor loss;
    {
      const Autocast autocast(model_.device(), options_.precision);
      const Fields outputs = model_.head().forward(stream.features(piece));
      for (const LossTerm& term : loss_terms(model_.head(), in_float(outputs), piece.targets, piece.rows)) {
        const at::Tensor mean = weights.mean(term, window);
        loss = loss.defined() ? loss + mean : mean;
      }
    }
    times_.forward += watch.lap();
    const at::Tensor value = loss.detach();
    total = total.defined() ? total + value : value;
    if (loss.requires_grad()) (scaler_ ? scaler_->scale(loss) : loss).backward();
    times_.backward += watch.lap();
  }
  for (const at::Tensor& parameter : parameters_) {
    if (parameter.grad().defined() && parameter.grad().is_sparse()) parameter.mutable_grad() = parameter.grad().coalesce();
  }
  return total.item<double>();
}

double Stepper::clip() {
  if (!formula_ || options_.clip.kind == Clip::Kind::Values || options_.clip.kind == Clip::Kind::Adaptive)
    return clip_gradients(parameters_, options_.clip).item<double>();
  // All gradients lie in one tensor.
  at::Tensor gradient = formula_->parameters().grad();
  if (!square_.defined()) square_ = at::empty({}, gradient.options());
  at::dot_out(square_, gradient, gradient);
  const double norm = std::sqrt(square_.item<double>());
  if (options_.clip.kind == Clip::Kind::Norm && norm > options_.clip.limit) gradient.mul_(options_.clip.limit / (norm + 1e-6));
  return norm;
}

void Stepper::finish() {
  watch_.finish(model_);
  formula_.reset();
  optimizer_.zero_grad();
}

}  // namespace graft::train
