#include "train/audit.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <vector>

#include "core/hash.h"
#include "core/names.h"
#include "core/warning.h"
#include "graft/core/error.h"
#include "graph/network.h"

namespace graft::train {
namespace {

constexpr std::int64_t read_whole = 1 << 16;  // bytes of a tensor
constexpr std::int64_t run_bytes = 4096;
constexpr std::int64_t of_runs = 8;  // one is read
// A last layer that starts at zero gives what lies below it no gradient in the first step.
constexpr int watched_steps = 3;

std::string digest(const at::Tensor& tensor) {
  at::Tensor values = tensor.detach();
  if (values.numel() * values.element_size() > read_whole) {
    const at::Tensor flat = values.reshape(-1);
    const std::int64_t run = run_bytes / flat.element_size(), stride = run * of_runs, runs = flat.numel() / stride;
    values = at::cat({flat.narrow(0, 0, runs * stride).view({runs, stride}).narrow(1, 0, run).reshape(-1),
                      flat.narrow(0, runs * stride, flat.numel() - runs * stride)});
  }
  return Hash().add(values).hex();
}

std::string owner_of(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(0, dot);
}

bool is_zero(const at::Tensor& gradient) {
  if (!gradient.defined()) return true;
  const at::Tensor values = gradient.is_sparse() ? gradient._values() : gradient;
  constexpr std::int64_t most = 64;  // nearly always enough
  if (values.numel() > most && values.is_contiguous() && values.view(-1).narrow(0, 0, most).ne(0).any().item<bool>()) return false;
  return !values.ne(0).any().item<bool>();
}

}  // namespace

FrozenAudit::FrozenAudit(const Model& model) : before_(digests(model)) {}

std::map<std::string, std::string> FrozenAudit::digests(const Model& model) {
  const c10::NoGradGuard no_grad;
  const graph::Network& network = model.backbone().network();
  // What one call leaves for the next moves by itself, and each starts from the file's.
  const std::vector<std::string> carried = network.state();
  const auto is_carried = [&](const std::string& name) { return std::ranges::find(carried, name) != carried.end(); };
  std::map<std::string, std::string> digests;
  for (const auto& [name, tensor] : network.parameters()) {
    if (!is_carried(name)) digests[name] = digest(tensor);
  }
  graph::NamedTensors buffers = network.buffers();
  if (model.backbone_trains()) {  // the live ones
    buffers.clear();
    std::set<std::string> trainable;
    for (const auto& [name, tensor] : model.trainable()) trainable.insert(name);
    for (const auto& [name, tensor] : model.moving()) {
      if (!trainable.contains(name)) buffers.emplace_back(name.substr(std::string("backbone.").size()), tensor);
    }
  }
  std::set<std::string> learning;
  for (const std::string& name : model.policy().trainable(model.backbone())) learning.insert(owner_of(name));
  for (const auto& [name, tensor] : buffers) {
    if (!is_carried(name) && !learning.contains(owner_of(name))) digests[name] = digest(tensor);
  }
  return digests;
}

void FrozenAudit::check(const Model& model) const {
  std::vector<std::string> moved;
  for (const auto& [name, now] : digests(model)) {
    const auto before = before_.find(name);
    if (before != before_.end() && before->second != now) moved.push_back(name);
  }
  if (moved.empty()) return;
  throw ModelError({.code = "graft-M026",
                    .message = "[Trainer] what is frozen is to stay as it is, but " + std::to_string(moved.size()) +
                               " of its tensors moved while training: " + quoted_list(moved, 4) + ".",
                    .remedy = "A callback, a head or the network's own code writes into them; if they should train, let the policy say so.",
                    .place = ""});
}

void GradientWatch::operator()(const Model& model) {
  if (seen_ >= watched_steps) return;
  const c10::NoGradGuard no_grad;
  if (seen_ == 0) suspects_.clear();
  std::set<std::string> left;
  for (const auto& [name, tensor] : model.trainable()) {
    const bool looked_at = seen_ == 0 ? !told_.contains(name) : suspects_.contains(name);
    if (looked_at && is_zero(tensor.grad())) left.insert(name);
  }
  suspects_ = std::move(left);
  if (suspects_.empty()) seen_ = watched_steps;
  if (++seen_ == watched_steps) tell(model);
}

void GradientWatch::finish(const Model& model) {
  if (seen_ > 0 && seen_ < watched_steps) tell(model);
  seen_ = watched_steps;
}

void GradientWatch::tell(const Model& model) {
  if (suspects_.empty()) return;
  const std::set<std::string> reached = model.backbone().reached_by_gradient();
  const bool known = std::ranges::none_of(
      suspects_, [&](const std::string& name) { return !name.starts_with("backbone.") || reached.contains(name.substr(9)); });
  const std::vector<std::string> names(suspects_.begin(), suspects_.end());
  warn({"graft-W008",
        "[Trainer] " + std::to_string(names.size()) +
            " parameters should train but got no gradient, or only zeros, in the first steps: " + quoted_list(names, 6) + ".",
        known ? "No output that the head reads depends on them (graft inspect tells): freeze them."
              : "See that forward() of the head uses them and does not detach what it reads, and that units are not dead.",
        ""});
  told_.insert(names.begin(), names.end());
}

}  // namespace graft::train
