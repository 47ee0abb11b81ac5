#include "train/stepper.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "graft/core/error.h"

namespace graft::train {
namespace {

Optimizer make_optimizer(const Model& model, const TrainerOptions& options, const head::DenseStep* by_formula) {
  ParameterGroup backbone{{}, options.lr * options.backbone_lr_ratio, options.weight_decay}, head{{}, options.lr, options.weight_decay};
  if (by_formula != nullptr) {
    head.parameters.push_back(by_formula->parameters());
  } else {
    for (const auto& [name, tensor] : model.trainable()) (name.starts_with("backbone.") ? backbone : head).parameters.push_back(tensor);
  }
  std::vector<ParameterGroup> groups{head};
  if (!backbone.parameters.empty()) groups.push_back(backbone);
  if (options.optimizer == OptimizerKind::Sgd) return Optimizer::sgd(groups, {.momentum = options.momentum, .nesterov = options.nesterov});
  return Optimizer::adamw(groups);
}

/// Sum over terms of (sum of the term) / (what it is a sum over).
at::Tensor step_loss(const Head& head, const StepInput& input) {
  at::Tensor loss;
  for (const LossTerm& term : loss_terms(head, head.forward(input.features), input.targets, input.rows)) {
    const at::Tensor mean = term.sum / term.weight;
    loss = loss.defined() ? loss + mean : mean;
  }
  return loss;
}

}  // namespace

Stepper::Stepper(const Model& model, const TrainerOptions& options)
    : model_(model),
      options_(options),
      by_formula_(model.backbone_trains() ? nullptr : head::DenseStep::make(model.head())),
      optimizer_(make_optimizer(model, options, by_formula_.get())) {
  for (const ParameterGroup& group : optimizer_.groups())
    parameters_.insert(parameters_.end(), group.parameters.begin(), group.parameters.end());
}

StepRecord Stepper::operator()(const StepInput& input, std::int64_t step, std::int64_t total_steps) {
  const double factor = options_.schedule.factor(step, total_steps);
  StepRecord record{.step = step, .lr = options_.lr * factor};
  at::Tensor loss;
  if (by_formula_) {
    record.loss = (*by_formula_)(input.features, input.targets).item<double>();
  } else {
    optimizer_.zero_grad();
    loss = step_loss(model_.head(), input);
    record.loss = loss.item<double>();
  }
  if (!std::isfinite(record.loss)) {
    throw NumericsError(
        {.code = "graft-N001",
         .message = "[Trainer] the loss is not finite at step " + std::to_string(step) + " (lr " + std::to_string(record.lr) + ").",
         .remedy = "Lower the learning rate, set max_grad_norm, and check the inputs for values that are not finite.",
         .place = ""});
  }
  if (loss.defined()) loss.backward();
  record.grad_norm = clip();
  optimizer_.step(factor);
  return record;
}

double Stepper::clip() {
  if (!by_formula_) return clip_grad_norm(parameters_, options_.max_grad_norm).item<double>();
  at::Tensor gradient = by_formula_->parameters().grad();
  if (!square_.defined()) square_ = at::empty({}, gradient.options());
  at::dot_out(square_, gradient, gradient);
  const double norm = std::sqrt(square_.item<double>());
  if (options_.max_grad_norm > 0 && norm > options_.max_grad_norm) gradient.mul_(options_.max_grad_norm / (norm + 1e-6));
  return norm;
}

void Stepper::finish() { optimizer_.zero_grad(); }

}  // namespace graft::train
