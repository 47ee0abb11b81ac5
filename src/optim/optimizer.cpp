#include "graft/optim/optimizer.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <unordered_map>

#include "graft/core/error.h"
#include "optim/update_rule.h"

namespace graft {
namespace {

void check(std::vector<ParameterGroup>& groups) {
  for (std::size_t g = 0; g < groups.size(); ++g) {
    ParameterGroup& group = groups[g];
    require_option(group.lr >= 0, "a learning rate of at least 0 is wanted, got " + std::to_string(group.lr) + ".");
    require_option(group.weight_decay >= 0, "a weight decay of at least 0 is wanted, got " + std::to_string(group.weight_decay) + ".");
    if (group.names.empty()) {
      for (std::size_t i = 0; i < group.parameters.size(); ++i) group.names.push_back(std::to_string(g) + "." + std::to_string(i));
    }
    require_option(group.names.size() == group.parameters.size(), "one name for each parameter of a group is wanted.");
    const at::Tensor* first = nullptr;
    for (const at::Tensor& parameter : group.parameters) {
      if (!parameter.defined()) continue;
      if (first == nullptr) first = &parameter;
      require_option(parameter.is_leaf() && parameter.scalar_type() == first->scalar_type() && parameter.device() == first->device(),
                     "leaf tensors of one type and device in a group are wanted.");
    }
  }
}

/// A scalar on the CPU is counted up without a call.
void count_up(const at::Tensor& steps) {
  if (steps.is_cpu()) {
    *steps.mutable_data_ptr<float>() += 1;
  } else {
    steps.add_(1);
  }
}

}  // namespace

Optimizer::Optimizer(std::vector<ParameterGroup> groups, std::unique_ptr<Rule> rule)
    : groups_(std::move(groups)), slots_(groups_.size()), moving_(groups_.size()), rule_(std::move(rule)) {
  check(groups_);
  for (std::size_t i = 0; i < groups_.size(); ++i) slots_[i].resize(groups_[i].parameters.size());
}
Optimizer::~Optimizer() = default;
Optimizer::Optimizer(Optimizer&&) noexcept = default;
Optimizer& Optimizer::operator=(Optimizer&&) noexcept = default;

const std::string& Optimizer::kind() const { return rule_->name(); }

Optimizer::Slot& Optimizer::slot_of(std::size_t group, std::size_t place) {
  Slot& slot = slots_[group][place];
  const at::Tensor& parameter = groups_[group].parameters[place];
  if (rule_->counts() && !slot.steps.defined()) slot.steps = at::zeros({}, parameter.options().dtype(at::kFloat));
  const bool by_rows = parameter.grad().is_sparse();
  for (std::size_t k = 0; k < rule_->moments().size(); ++k) {
    at::Tensor& moment = slot.moments[k];
    if (by_rows) continue;
    if (!moment.defined()) {
      moment = at::zeros_like(parameter);
    } else if (slot.rows.defined()) {  // a gradient for all rows came, after some for a few
      moment = at::zeros_like(parameter).index_copy_(0, slot.rows.indices(), moment);
    }
  }
  if (!by_rows) slot.rows = {};
  return slot;
}

void Optimizer::step(double factor) {
  const c10::NoGradGuard no_grad;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    ParameterGroup& group = groups_[g];
    UpdateLists& lists = moving_[g].lists;
    const double lr = group.lr * factor;
    if (!moving_[g].holds(group)) {
      lists.clear();
      for (std::size_t i = 0; i < group.parameters.size(); ++i) {
        at::Tensor& parameter = group.parameters[i];
        if (!parameter.defined() || !parameter.grad().defined()) continue;
        if (parameter.grad().is_sparse()) {
          const bool all_have_moments = slots_[g][i].moments[0].defined() && !slots_[g][i].rows.defined();
          if (group.weight_decay == 0 && !all_have_moments) {
            step_rows(parameter, slot_of(g, i), lr);
            continue;
          }
          parameter.mutable_grad() = parameter.grad().to_dense();
        }
        Slot& slot = slot_of(g, i);
        lists.parameters.push_back(parameter);
        lists.gradients.push_back(parameter.grad());
        for (std::size_t k = 0; k < rule_->moments().size(); ++k) lists.moments[k].push_back(slot.moments[k]);
        if (rule_->counts()) lists.steps.push_back(slot.steps);
      }
    }
    if (lists.parameters.empty()) continue;
    for (const at::Tensor& steps : lists.steps) count_up(steps);
    rule_->update(lists, lr, group.weight_decay);
  }
}

void Optimizer::step_rows(at::Tensor& parameter, Slot& slot, double lr) {
  const at::Tensor gradient = parameter.grad().coalesce();
  const at::Tensor read = gradient._indices()[0].contiguous();
  const std::size_t num_moments = rule_->moments().size();
  // A rule without moments moves only what was read; else all rows that have some go on.
  KnownRows just_read;
  KnownRows& known = num_moments == 0 ? just_read : slot.rows;
  const at::Tensor places = known.add(read, parameter.size(0));
  UpdateLists lists;
  lists.parameters = {take_rows(parameter, known.indices())};
  const at::Tensor& rows = lists.parameters.front();
  for (std::size_t k = 0; k < num_moments; ++k) {
    at::Tensor& moment = slot.moments[k];
    moment = moment.defined() ? with_more_rows(moment, rows.size(0) - moment.size(0)) : at::zeros_like(rows);
    lists.moments[k] = {moment};
  }
  lists.gradients = {at::zeros_like(rows)};
  put_rows(lists.gradients.front(), places, gradient._values());
  if (rule_->counts()) {
    count_up(slot.steps);
    lists.steps = {slot.steps};
  }
  rule_->update(lists, lr, /*weight_decay=*/0);
  put_rows(parameter, known.indices(), rows);
}

bool Optimizer::Moving::holds(const ParameterGroup& group) const {
  std::size_t at = 0;
  for (const at::Tensor& parameter : group.parameters) {
    if (!parameter.defined() || !parameter.grad().defined()) continue;
    const at::Tensor& gradient = parameter.grad();
    if (at == lists.gradients.size() || !lists.gradients[at].is_same(gradient) || !lists.parameters[at].is_same(parameter)) return false;
    ++at;
  }
  return at == lists.gradients.size();
}

void Optimizer::zero_grad() {
  for (Moving& moving : moving_) moving.lists.clear();
  for (const ParameterGroup& group : groups_) {
    for (const at::Tensor& parameter : group.parameters) {
      if (parameter.defined()) parameter.mutable_grad().reset();
    }
  }
}

void Optimizer::bind(const std::vector<std::pair<std::string, at::Tensor>>& parameters) {
  std::unordered_map<std::string, at::Tensor> named(parameters.begin(), parameters.end());
  for (Moving& moving : moving_) moving.lists.clear();
  for (ParameterGroup& group : groups_) {
    for (std::size_t i = 0; i < group.parameters.size(); ++i) {
      const auto found = named.find(group.names[i]);
      group.parameters[i] = found == named.end() ? at::Tensor() : found->second;
    }
  }
  check(groups_);
}

}  // namespace graft
