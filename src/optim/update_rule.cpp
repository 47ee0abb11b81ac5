#include "optim/update_rule.h"

#include <ATen/ATen.h>

#include "graft/core/error.h"

namespace graft {

void UpdateLists::clear() {  // their memory stays
  parameters.clear();
  gradients.clear();
  for (auto& list : moments) list.clear();
  steps.clear();
}

void require_option(bool holds, const std::string& message) {
  if (holds) return;
  throw ConfigError({.code = "graft-C015",
                     .message = "[Optimizer] " + message,
                     .remedy = "Correct the option; the header gives its range.",
                     .place = ""});
}

class Optimizer::AdamW final : public Rule {
 public:
  explicit AdamW(const AdamWOptions& options) : options_(options) {
    for (const double beta : {options.beta1, options.beta2})
      require_option(beta >= 0 && beta < 1, "betas in [0, 1) are wanted, got " + std::to_string(beta) + ".");
  }
  const std::string& name() const override {
    static const std::string name = "AdamW";
    return name;
  }
  const std::vector<std::string>& moments() const override {
    static const std::vector<std::string> names{"exp_avg", "exp_avg_sq"};
    return names;
  }
  bool counts() const override { return true; }
  void update(UpdateLists& lists, double lr, double weight_decay) const override {
    at::_fused_adamw_(lists.parameters, lists.gradients, lists.moments[0], lists.moments[1], /*max_exp_avg_sqs=*/{}, lists.steps, lr,
                      options_.beta1, options_.beta2, weight_decay, options_.epsilon, /*amsgrad=*/false, /*maximize=*/false);
  }

 private:
  AdamWOptions options_;
};

class Optimizer::Sgd final : public Rule {
 public:
  explicit Sgd(const SgdOptions& options) : options_(options) {
    require_option(options.momentum >= 0 && options.momentum < 1,
                   "momentum in [0, 1) is wanted, got " + std::to_string(options.momentum) + ".");
    require_option(!options.nesterov || options.momentum > 0, "Nesterov's rule needs momentum.");
    if (options.momentum > 0) moments_ = {"momentum"};
  }
  const std::string& name() const override {
    static const std::string name = "SGD";
    return name;
  }
  const std::vector<std::string>& moments() const override { return moments_; }
  void update(UpdateLists& lists, double lr, double weight_decay) const override {
    // A buffer of zeros makes the first step what PyTorch makes it with dampening 0: the gradient itself.
    at::_fused_sgd_(lists.parameters, lists.gradients, lists.moments[0], weight_decay, options_.momentum, lr, /*dampening=*/0,
                    options_.nesterov, /*maximize=*/false, /*is_first_step=*/false);
  }

 private:
  SgdOptions options_;
  std::vector<std::string> moments_;
};

class Optimizer::Lion final : public Rule {
 public:
  explicit Lion(const LionOptions& options) : options_(options) {
    for (const double beta : {options.beta1, options.beta2})
      require_option(beta >= 0 && beta < 1, "betas in [0, 1) are wanted, got " + std::to_string(beta) + ".");
  }
  const std::string& name() const override {
    static const std::string name = "Lion";
    return name;
  }
  const std::vector<std::string>& moments() const override {
    static const std::vector<std::string> names{"momentum"};
    return names;
  }
  void update(UpdateLists& lists, double lr, double weight_decay) const override {
    const std::vector<at::Tensor> directions = at::_foreach_lerp(lists.moments[0], lists.gradients, 1 - options_.beta1);
    at::_foreach_sign_(directions);
    if (weight_decay > 0) at::_foreach_mul_(lists.parameters, 1 - lr * weight_decay);
    at::_foreach_add_(lists.parameters, directions, -lr);
    at::_foreach_lerp_(lists.moments[0], lists.gradients, 1 - options_.beta2);
  }

 private:
  LionOptions options_;
};

Optimizer Optimizer::adamw(std::vector<ParameterGroup> groups, const AdamWOptions& options) {
  return Optimizer(std::move(groups), std::make_unique<AdamW>(options));
}

Optimizer Optimizer::sgd(std::vector<ParameterGroup> groups, const SgdOptions& options) {
  return Optimizer(std::move(groups), std::make_unique<Sgd>(options));
}

Optimizer Optimizer::lion(std::vector<ParameterGroup> groups, const LionOptions& options) {
  return Optimizer(std::move(groups), std::make_unique<Lion>(options));
}

}  // namespace graft
