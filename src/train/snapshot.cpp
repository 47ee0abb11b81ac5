#include "train/snapshot.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <map>

#include "core/names.h"
#include "graft/core/error.h"
#include "graph/network.h"

namespace graft::train {

Fields snapshot(const Model& model) {
  const c10::NoGradGuard no_grad;
  Fields copies;
  for (const auto& [name, tensor] : model.moving()) copies.set(name, tensor.detach().clone());
  return copies;
}

void restore(const Model& model, const Fields& snapshot) {
  const c10::NoGradGuard no_grad;
  std::map<std::string, at::Tensor> from(snapshot.begin(), snapshot.end()), pretrained;
  for (const auto& tensors : {model.backbone().network().parameters(), model.backbone().network().buffers()}) {
    for (const auto& [name, tensor] : tensors) pretrained["backbone." + name] = tensor;
  }
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;
  std::vector<std::string> wrong;
  for (const auto& [name, live] : model.moving()) {
    auto node = from.extract(name);
    const auto original = pretrained.find(name);
    const at::Tensor source = !node.empty() ? node.mapped() : original != pretrained.end() ? original->second : at::Tensor();
    if (!source.defined() || source.sizes() != live.sizes()) {
      wrong.push_back(name);
    } else {
      copies.emplace_back(live, source);
    }
  }
  for (const auto& [name, tensor] : from) wrong.push_back(name);
  if (!wrong.empty()) {
    throw CheckpointError({.code = "graft-K026",
                           .message = "[Trainer] the weights do not fit this model: " + quoted_list(wrong, 3) + ".",
                           .remedy = "Resume with the backbone, the head and the policy of the run that wrote them.",
                           .place = ""});
  }
  for (auto& [live, source] : copies) live.copy_(source);
}

}  // namespace graft::train
