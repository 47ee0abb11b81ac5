#include "head/dense_step.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace graft::head {

std::unique_ptr<DenseStep> DenseStep::make(const Head& head, bool summed) {
  const auto* dense = dynamic_cast<const DenseHead*>(&head);
  if (dense == nullptr || !dense->has_plain_layers()) return nullptr;
  std::unique_ptr<ScoreLoss> loss = dense->score_loss(summed);
  if (loss == nullptr) return nullptr;
  return std::unique_ptr<DenseStep>(new DenseStep(head, std::move(loss)));
}

DenseStep::DenseStep(const Head& head, std::unique_ptr<ScoreLoss> loss) : loss_(std::move(loss)) {
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> values;
  for (const auto& [name, parameter] : head.parameters()) values.push_back(parameter.detach().reshape(-1));
  flat_ = at::cat(values);
  const at::Tensor gradient = at::zeros_like(flat_);
  flat_.mutable_grad() = gradient;
  std::int64_t start = 0;
  for (const auto& [name, parameter] : head.parameters()) {
    parameters_.push_back(parameter);
    const at::Tensor own = flat_.narrow(0, start, parameter.numel()).view_as(parameter);
    const at::Tensor derivative = gradient.narrow(0, start, parameter.numel()).view_as(parameter);
    start += parameter.numel();
    parameters_.back().set_data(own);
    parameters_.back().mutable_grad() = derivative;
    if (name == "weight") weight_ = own, d_weight_ = derivative;
    if (name == "bias") bias_ = own, d_bias_ = derivative;
    if (name == "hidden_weight") hidden_weight_ = own, d_hidden_weight_ = derivative;
    if (name == "hidden_bias") hidden_bias_ = own, d_hidden_bias_ = derivative;
  }
  weight_turned_ = weight_.t();
  if (hidden_weight_.defined()) hidden_weight_turned_ = hidden_weight_.t();
}

DenseStep::~DenseStep() {
  const c10::NoGradGuard no_grad;
  for (at::Tensor& parameter : parameters_) {
    parameter.mutable_grad().reset();
    parameter.set_data(parameter.detach().clone());
  }
}

DenseStep::Workspace& DenseStep::workspace(std::int64_t rows, const at::TensorOptions& options) {
  Workspace& space = workspaces_[rows];
  if (space.scores.defined()) return space;
  space.scores = at::empty({rows, weight_.size(0)}, options);
  space.d_scores = at::empty_like(space.scores);
  space.d_scores_turned = space.d_scores.t();
  if (hidden_weight_.defined()) {
    space.before = at::empty({rows, hidden_weight_.size(0)}, options);
    space.hidden = at::empty_like(space.before);
    space.d_hidden = at::empty_like(space.before);
    space.d_before_turned = space.before.t();
  }
  return space;
}

const at::Tensor& DenseStep::operator()(const Fields& features, const Fields& targets) {
  const c10::NoGradGuard no_grad;
  const at::Tensor& x = features["pooled"];
  Workspace& space = workspace(x.size(0), x.options());
  const bool deep = hidden_weight_.defined();
  const at::Tensor& below = deep ? space.hidden : x;
  if (deep) {
    at::addmm_out(space.before, hidden_bias_, x, hidden_weight_turned_);
    at::gelu_out(space.hidden, space.before);
  }
  at::addmm_out(space.scores, bias_, below, weight_turned_);
  const at::Tensor& loss = (*loss_)(space.scores, targets, space.d_scores);
  at::mm_out(d_weight_, space.d_scores_turned, below);
  at::sum_out(d_bias_, space.d_scores, {0});
  if (!deep) return loss;
  at::mm_out(space.d_hidden, space.d_scores, weight_);
  // The derivative takes the place of what it is a derivative by.
  at::gelu_backward_out(space.before, space.d_hidden, space.before);
  at::mm_out(d_hidden_weight_, space.d_before_turned, x);
  at::sum_out(d_hidden_bias_, space.before, {0});
  return loss;
}

}  // namespace graft::head
