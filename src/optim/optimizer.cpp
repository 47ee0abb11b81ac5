#include "graft/optim/optimizer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <unordered_map>

#include "core/names.h"
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

/// Copies rows [M, ...] between tensors of one row size: row to[i] takes row from[i]; without indices row i.
void copy_rows(const at::Tensor& to, const at::Tensor* to_rows, const at::Tensor& from, const at::Tensor* from_rows, std::int64_t count) {
  if (!to.is_cpu() || !to.is_contiguous() || !from.is_contiguous()) {
    const at::Tensor values = from_rows != nullptr ? from.index_select(0, *from_rows) : from;
    if (to_rows != nullptr) {
      at::Tensor(to).index_copy_(0, *to_rows, values);
    } else {
      at::Tensor(to).copy_(values);
    }
    return;
  }
  // LibTorch's kernels for rows take several times as long on the CPU.
  const auto* reads = from_rows != nullptr ? from_rows->const_data_ptr<std::int64_t>() : nullptr;
  const auto* writes = to_rows != nullptr ? to_rows->const_data_ptr<std::int64_t>() : nullptr;
  const std::size_t bytes = from.nbytes() / static_cast<std::size_t>(std::max<std::int64_t>(1, from.size(0)));
  const auto* source = static_cast<const char*>(from.const_data_ptr());
  auto* target = static_cast<char*>(to.mutable_data_ptr());
  at::parallel_for(0, count, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::memcpy(target + static_cast<std::size_t>(writes != nullptr ? writes[i] : i) * bytes,
                  source + static_cast<std::size_t>(reads != nullptr ? reads[i] : i) * bytes, bytes);
    }
  });
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
      moment = at::zeros_like(parameter).index_copy_(0, slot.rows, moment);
    }
  }
  if (!by_rows) {
    slot.rows.reset();
    slot.places.reset();
  }
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
  const at::Tensor read = gradient._indices()[0].contiguous(), values = gradient._values();
  if (!slot.places.defined()) {
    slot.places = at::full({parameter.size(0)}, -1, read.options());
    if (!slot.rows.defined()) slot.rows = at::empty({0}, read.options());
    slot.places.index_copy_(0, slot.rows, at::arange(slot.rows.size(0), read.options()));
  }
  const at::Tensor fresh = read.masked_select(slot.places.index_select(0, read).lt(0));
  const std::int64_t known = slot.rows.size(0), count = known + fresh.size(0);
  std::vector<std::int64_t> sizes = parameter.sizes().vec();
  const auto zero_rows = [&](std::int64_t rows) {
    sizes[0] = rows;
    return at::zeros(sizes, parameter.options());
  };
  if (fresh.size(0) > 0) {
    slot.places.index_copy_(0, fresh, at::arange(known, count, read.options()));
    slot.rows = at::cat({slot.rows, fresh});
  }
  UpdateLists lists;
  for (std::size_t k = 0; k < rule_->moments().size(); ++k) {
    at::Tensor& moment = slot.moments[k];
    if (!moment.defined()) moment = zero_rows(0);
    if (moment.size(0) < count) moment = at::cat({moment, zero_rows(count - known)});
    lists.moments[k].push_back(moment);
  }
  sizes[0] = count;
  lists.parameters.push_back(at::empty(sizes, parameter.options()));
  copy_rows(lists.parameters.front(), nullptr, parameter, &slot.rows, count);
  lists.gradients.push_back(zero_rows(count));
  const at::Tensor places = slot.places.index_select(0, read);
  copy_rows(lists.gradients.front(), &places, values, nullptr, read.size(0));
  if (rule_->counts()) {
    count_up(slot.steps);
    lists.steps.push_back(slot.steps);
  }
  rule_->update(lists, lr, /*weight_decay=*/0);
  copy_rows(parameter, &slot.rows, lists.parameters.front(), nullptr, count);
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

Fields Optimizer::state() const {
  Fields state;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    for (std::size_t i = 0; i < slots_[g].size(); ++i) {
      const Slot& slot = slots_[g][i];
      const std::string& name = groups_[g].names[i];
      for (std::size_t k = 0; k < rule_->moments().size(); ++k) {
        if (slot.moments[k].defined()) state.set(name + "/" + rule_->moments()[k], slot.moments[k]);
      }
      if (slot.rows.defined()) state.set(name + "/rows", slot.rows);
      if (slot.steps.defined()) state.set(name + "/step", slot.steps);
    }
  }
  return state;
}

void Optimizer::restore(const Fields& state) {
  std::map<std::string, at::Tensor> left(state.begin(), state.end());
  const auto take = [&](const std::string& name) {
    const auto node = left.extract(name);
    return node.empty() ? at::Tensor() : node.mapped().clone();
  };
  std::vector<std::vector<Slot>> slots(groups_.size());
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    for (const std::string& name : groups_[g].names) {
      Slot& slot = slots[g].emplace_back();
      for (std::size_t k = 0; k < rule_->moments().size(); ++k) slot.moments[k] = take(name + "/" + rule_->moments()[k]);
      slot.rows = take(name + "/rows");
      if (rule_->counts()) slot.steps = take(name + "/step");
      const at::Tensor& parameter = groups_[g].parameters[slots[g].size() - 1];
      if (!parameter.defined()) continue;
      for (at::Tensor* kept : {&slot.moments[0], &slot.moments[1], &slot.rows, &slot.steps}) {
        if (kept->defined()) *kept = kept->to(parameter.device());
      }
    }
  }
  if (!left.empty()) {
    std::vector<std::string> surplus;
    for (const auto& [name, tensor] : left) surplus.push_back(name);
    throw CheckpointError({.code = "graft-K023",
                           .message = "[Optimizer] the state holds " + quoted_list(surplus, 3) + ", which " + rule_->name() +
                                      " over these parameters does not have.",
                           .remedy = "Continue with the optimizer and the parameter groups of the run that wrote it.",
                           .place = ""});
  }
  slots_ = std::move(slots);
  for (Moving& moving : moving_) moving.lists.clear();
}

}  // namespace graft
