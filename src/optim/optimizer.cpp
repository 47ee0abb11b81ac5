#include "graft/optim/optimizer.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <array>
#include <unordered_map>

#include "graft/core/error.h"

namespace graft {
namespace {

void require(bool holds, const std::string& message) {
  if (holds) return;
  throw ConfigError({.code = "graft-C015",
                     .message = "[Optimizer] " + message,
                     .remedy = "Correct the option; the header gives its range.",
                     .place = ""});
}

void check(const std::vector<ParameterGroup>& groups) {
  for (const ParameterGroup& group : groups) {
    require(group.lr >= 0, "a learning rate of at least 0 is wanted, got " + std::to_string(group.lr) + ".");
    require(group.weight_decay >= 0, "a weight decay of at least 0 is wanted, got " + std::to_string(group.weight_decay) + ".");
    for (const at::Tensor& parameter : group.parameters) {
      require(parameter.is_leaf() && parameter.scalar_type() == group.parameters.front().scalar_type() &&
                  parameter.device() == group.parameters.front().device(),
              "leaf tensors of one type and device in a group are wanted.");
    }
  }
}

}  // namespace

class Optimizer::Rule {
 public:
  virtual ~Rule() = default;
  virtual void update(std::size_t group, at::TensorList parameters, at::TensorList gradients, double lr, double weight_decay) = 0;
};

class Optimizer::AdamW final : public Rule {
 public:
  explicit AdamW(const AdamWOptions& options) : options_(options) {
    for (const double beta : {options.beta1, options.beta2})
      require(beta >= 0 && beta < 1, "betas in [0, 1) are wanted, got " + std::to_string(beta) + ".");
  }

  void update(std::size_t group, at::TensorList parameters, at::TensorList gradients, double lr, double weight_decay) override {
    auto& [first, second, steps] = lists_[group];
    first.clear(), second.clear(), steps.clear();  // their memory stays
    for (const at::Tensor& parameter : parameters) {
      State& state = states_[parameter.unsafeGetTensorImpl()];
      if (!state.first.defined()) {
        state = {at::zeros_like(parameter), at::zeros_like(parameter), at::zeros({}, parameter.options().dtype(at::kFloat))};
      }
      first.push_back(state.first);
      second.push_back(state.second);
      steps.push_back(state.steps);
    }
    for (const at::Tensor& step : steps) {
      // A scalar on the CPU is counted up without a call.
      if (step.is_cpu()) {
        *step.mutable_data_ptr<float>() += 1;
      } else {
        step.add_(1);
      }
    }
    at::_fused_adamw_(parameters, gradients, first, second, /*max_exp_avg_sqs=*/{}, steps, lr, options_.beta1, options_.beta2, weight_decay,
                      options_.epsilon, /*amsgrad=*/false, /*maximize=*/false);
  }

 private:
  struct State {
    at::Tensor first, second, steps;
  };
  AdamWOptions options_;
  std::unordered_map<std::size_t, std::array<std::vector<at::Tensor>, 3>> lists_;
  std::unordered_map<const c10::TensorImpl*, State> states_;
};

class Optimizer::Sgd final : public Rule {
 public:
  explicit Sgd(const SgdOptions& options) : options_(options) {
    require(options.momentum >= 0 && options.momentum < 1, "momentum in [0, 1) is wanted, got " + std::to_string(options.momentum) + ".");
    require(!options.nesterov || options.momentum > 0, "Nesterov's rule needs momentum.");
  }

  void update(std::size_t group, at::TensorList parameters, at::TensorList gradients, double lr, double weight_decay) override {
    std::vector<at::Tensor>& buffers = lists_[group];
    buffers.clear();
    if (options_.momentum > 0) {
      for (const at::Tensor& parameter : parameters) {
        at::Tensor& buffer = buffers_[parameter.unsafeGetTensorImpl()];
        // A buffer of zeros makes the first step what PyTorch makes it with dampening 0: the gradient itself.
        if (!buffer.defined()) buffer = at::zeros_like(parameter);
        buffers.push_back(buffer);
      }
    }
    at::_fused_sgd_(parameters, gradients, buffers, weight_decay, options_.momentum, lr, /*dampening=*/0, options_.nesterov,
                    /*maximize=*/false,
                    /*is_first_step=*/false);
  }

 private:
  SgdOptions options_;
  std::unordered_map<std::size_t, std::vector<at::Tensor>> lists_;
  std::unordered_map<const c10::TensorImpl*, at::Tensor> buffers_;
};

Optimizer::Optimizer(std::vector<ParameterGroup> groups, std::unique_ptr<Rule> rule)
    : groups_(std::move(groups)), moving_(groups_.size()), rule_(std::move(rule)) {
  check(groups_);
}
Optimizer::~Optimizer() = default;
Optimizer::Optimizer(Optimizer&&) noexcept = default;
Optimizer& Optimizer::operator=(Optimizer&&) noexcept = default;

Optimizer Optimizer::adamw(std::vector<ParameterGroup> groups, const AdamWOptions& options) {
  return Optimizer(std::move(groups), std::make_unique<AdamW>(options));
}

Optimizer Optimizer::sgd(std::vector<ParameterGroup> groups, const SgdOptions& options) {
  return Optimizer(std::move(groups), std::make_unique<Sgd>(options));
}

void Optimizer::step(double factor) {
  const c10::NoGradGuard no_grad;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const ParameterGroup& group = groups_[i];
    Moving& moving = moving_[i];
    if (!moving.holds(group)) moving.take(group);
    if (!moving.parameters.empty()) rule_->update(i, moving.parameters, moving.gradients, group.lr * factor, group.weight_decay);
  }
}

bool Optimizer::Moving::holds(const ParameterGroup& group) const {
  std::size_t at = 0;
  for (const at::Tensor& parameter : group.parameters) {
    const at::Tensor& gradient = parameter.grad();
    if (!gradient.defined()) continue;
    if (at == gradients.size() || !gradients[at].is_same(gradient) || !parameters[at].is_same(parameter)) return false;
    ++at;
  }
  return at == gradients.size();
}

void Optimizer::Moving::take(const ParameterGroup& group) {
  parameters.clear();
  gradients.clear();
  for (const at::Tensor& parameter : group.parameters) {
    if (!parameter.grad().defined()) continue;
    parameters.push_back(parameter);
    gradients.push_back(parameter.grad());
  }
}

void Optimizer::zero_grad() {
  for (Moving& moving : moving_) moving.parameters.clear(), moving.gradients.clear();
  for (const ParameterGroup& group : groups_) {
    for (const at::Tensor& parameter : group.parameters) parameter.mutable_grad().reset();
  }
}

at::Tensor clip_grad_norm(const std::vector<at::Tensor>& parameters, double max_norm) {
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& parameter : parameters) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  if (gradients.empty()) return at::zeros({});
  const at::Tensor norm = at::stack(at::_foreach_norm(gradients, 2)).norm();
  if (max_norm > 0) at::_foreach_mul_(gradients, (max_norm / (norm + 1e-6)).clamp_max(1.0));
  return norm;
}

}  // namespace graft
