#include <ATen/ATen.h>

#include <algorithm>
#include <map>

#include "core/names.h"
#include "graft/core/error.h"
#include "graft/optim/optimizer.h"
#include "optim/update_rule.h"

namespace graft {
namespace {

/// Empty if what a state holds for a parameter is all or nothing of what a rule keeps for one, and of its shape; else what is wrong.
std::string misfit(const std::vector<at::Tensor>& moments, const at::Tensor& rows, const at::Tensor& steps, bool counts,
                   const at::Tensor& parameter) {
  const bool any = std::ranges::any_of(moments, &at::Tensor::defined) || rows.defined() || steps.defined();
  if (!any) return "";
  if (!std::ranges::all_of(moments, &at::Tensor::defined) || counts != steps.defined()) return "is incomplete";
  if (steps.defined() && (steps.numel() != 1 || steps.scalar_type() != at::kFloat)) return "counts its steps in no number";
  if (rows.defined() && (rows.dim() != 1 || rows.scalar_type() != at::kLong)) return "has rows that are no list of indices";
  if (!parameter.defined()) return "";  // its time comes later
  std::vector<std::int64_t> sizes = parameter.sizes().vec();
  if (rows.defined()) {
    if (sizes.empty() || (rows.numel() > 0 && (rows.min().item<std::int64_t>() < 0 || rows.max().item<std::int64_t>() >= sizes[0])))
      return "has rows that the parameter does not have";
    sizes[0] = rows.size(0);
  }
  for (const at::Tensor& moment : moments) {
    if (moment.sizes() != sizes || moment.scalar_type() != parameter.scalar_type())
      return "is " + shape_text(moment.sizes()) + ", the parameter's is " + shape_text(sizes);
  }
  return "";
}

}  // namespace

Fields Optimizer::state() const {
  Fields state;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    for (std::size_t i = 0; i < slots_[g].size(); ++i) {
      const Slot& slot = slots_[g][i];
      const std::string& name = groups_[g].names[i];
      for (std::size_t k = 0; k < rule_->moments().size(); ++k) {
        if (slot.moments[k].defined()) state.set(name + "/" + rule_->moments()[k], slot.moments[k]);
      }
      if (slot.rows.defined()) state.set(name + "/rows", slot.rows.indices());
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
  const auto refuse = [&](const std::string& what) {
    throw CheckpointError({.code = "graft-K023",
                           .message = "[Optimizer] the state " + what + ".",
                           .remedy = "Continue with the optimizer and the parameter groups of the run that wrote it.",
                           .place = ""});
  };
  std::vector<std::vector<Slot>> slots(groups_.size());
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    for (const std::string& name : groups_[g].names) {
      Slot& slot = slots[g].emplace_back();
      const at::Tensor& parameter = groups_[g].parameters[slots[g].size() - 1];
      std::vector<at::Tensor> moments;
      for (const std::string& moment : rule_->moments()) moments.push_back(take(name + "/" + moment));
      const at::Tensor rows = moments.empty() ? at::Tensor() : take(name + "/rows");
      slot.steps = rule_->counts() ? take(name + "/step") : at::Tensor();
      if (const std::string wrong = misfit(moments, rows, slot.steps, rule_->counts(), parameter); !wrong.empty())
        refuse("of \"" + name + "\" " + wrong);
      const auto here = [&](const at::Tensor& tensor) {
        return tensor.defined() && parameter.defined() ? tensor.to(parameter.device()) : tensor;
      };
      for (std::size_t k = 0; k < moments.size(); ++k) slot.moments[k] = here(moments[k]);
      slot.rows = KnownRows(here(rows));
      slot.steps = here(slot.steps);
    }
  }
  if (!left.empty()) {
    std::vector<std::string> surplus;
    for (const auto& [name, tensor] : left) surplus.push_back(name);
    refuse("holds " + quoted_list(surplus, 3) + ", which " + rule_->name() + " over these parameters does not have");
  }
  slots_ = std::move(slots);
  for (Moving& moving : moving_) moving.lists.clear();
}

}  // namespace graft
