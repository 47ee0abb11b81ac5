#include "graft/head/head.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "graft/core/error.h"
#include "graft/core/runtime.h"
#include "graph/dropout.h"

namespace graft {
namespace {

void require_attribute_name(const std::string& name, const Fields& taken, const Fields& also_taken) {
  const bool usable =
      !name.empty() && name.find('.') == std::string::npos && name != "training" && !taken.has(name) && !also_taken.has(name);
  if (usable) return;
  throw ConfigError(
      {.code = "graft-C011",
       .message = "[Head] names of parameters and buffers are wanted without dots, once each and not \"training\"; got \"" + name + "\".",
       .remedy = "Choose another name, such as \"hidden_weight\".",
       .place = ""});
}

}  // namespace

Head::Head() { runtime(); }

void Head::build(const Fields&) {}

Fields Head::mixed(const Fields& first, const Fields& second, double share_of_first) const {
  Fields mixture;
  for (const auto& [name, target] : first) {
    const at::Tensor* other = second.find(name);
    const bool fits =
        other != nullptr && target.is_floating_point() && other->scalar_type() == target.scalar_type() && other->sizes() == target.sizes();
    if (!fits) {
      throw ConfigError({.code = "graft-C113",
                         .message = "[Head] targets of floating numbers, of one shape, are wanted to learn mixtures; this head's \"" +
                                    name + "\" are none.",
                         .remedy = "Leave mixup and cutmix at 0, or override Head::mixed().",
                         .place = ""});
    }
    mixture.set(name, at::lerp(*other, target, share_of_first));
  }
  return mixture;
}

std::vector<std::string> Head::choices() const { return {}; }

Terms Head::weights(const Fields&) const { return {}; }

std::vector<Decoded> Head::decode(const Fields& outputs, const Batch& batch, std::span<const Record>) const {
  std::vector<Decoded> answers(static_cast<std::size_t>(batch.size()));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    for (const auto& [name, tensor] : outputs) answers[i].values.set(name, tensor.select(0, static_cast<std::int64_t>(i)).to(at::kCPU));
  }
  return answers;
}

Decoded Head::merge(std::span<const Decoded> samples, const Record&) const {
  return *std::ranges::max_element(samples, {}, &Decoded::score);
}

std::string Head::truth(const Record&) const { return {}; }
bool Head::is_right(const Decoded& answer, const Record& record) const { return answer.label == truth(record); }
bool Head::has_classes() const { return true; }
Metrics Head::metrics() const { return {}; }
std::optional<LinearLayer> Head::linear() const { return std::nullopt; }

std::unique_ptr<Head> Head::extended_by(const Data&) const { return nullptr; }

at::Tensor Head::parameter(std::string name, at::Tensor initial) {
  require_attribute_name(name, parameters_, buffers_);
  at::Tensor leaf = initial.detach().requires_grad_(true);
  parameters_.set(std::move(name), leaf);
  return leaf;
}

at::Tensor Head::buffer(std::string name, at::Tensor initial) {
  require_attribute_name(name, parameters_, buffers_);
  buffers_.set(std::move(name), initial);
  return initial;
}

at::Tensor Head::dropout(const at::Tensor& values, double p) const { return training_ ? graph::dropout(values, p) : values; }

std::vector<LossTerm> loss_terms(const Head& head, const Fields& outputs, const Fields& targets, std::int64_t rows) {
  const Terms given = head.weights(targets);
  std::vector<LossTerm> terms;
  for (const auto& [name, sum] : head.loss(outputs, targets)) {
    const at::Tensor* weight = given.find(name);
    terms.push_back({name, sum, weight != nullptr ? *weight : at::scalar_tensor(rows, sum.scalar_type())});
  }
  return terms;
}

}  // namespace graft
