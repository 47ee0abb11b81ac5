#include "graft/model/model.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <unordered_set>

#include "graft/core/error.h"
#include "graft/core/log.h"
#include "graft/data/collate.h"
#include "head/builtin.h"
#include "model/state.h"
#include "predict/saved_file.h"

namespace graft {

Model::Model(Backbone backbone, std::unique_ptr<Head> head, std::shared_ptr<const Preprocess> preprocess, const ModelOptions& options)
    : state_(std::make_unique<State>(std::move(backbone), std::move(head), std::move(preprocess), options)) {}

Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

void Model::replace_head(std::unique_ptr<Head> head) {
  if (state_->reach(*head)) state_->apply_policy();
  state_->attach(std::move(head));
}

void Model::freeze(const Freeze& policy) {
  policy.trainable(state_->backbone);  // throws before anything changes
  state_->policy = policy;
  state_->apply_policy();
}

void Model::set_precision(Precision precision) {
  const bool exact = state_->prefix_form == PrefixForm::Exact;
  if (exact && precision == Precision::BFloat16) {
    throw ConfigError({.code = "graft-C027",
                       .message = "[Model] the form exact is float32, bf16 is wanted.",
                       .remedy = "Leave the precision at auto, or take the form fast.",
                       .place = ""});
  }
  if (precision == Precision::Float16) {
    if (!state_->device.is_cuda()) {
      throw ConfigError({.code = "graft-C033",
                         .message = "[Model] fp16 is for GPUs, and this model is on the CPU.",
                         .remedy = "Take bf16 where the processor is fast at it (auto finds out), else fp32.",
                         .place = ""});
    }
    precision = Precision::Float32;  // what the frozen part loses in it is not worth the scaler that it would need
  }
  if (precision == Precision::Auto)
    precision = !exact && graph::is_fast_at_bfloat16(state_->device) ? Precision::BFloat16 : Precision::Float32;
  if (precision == state_->precision) return;
  if (precision == Precision::BFloat16 && !graph::is_fast_at_bfloat16(state_->device))
    log(LogLevel::Warning, "[Model] bf16 is asked for, but this processor has no units for it: fp32 (or auto) is up to ten times faster.");
  state_->precision = precision;
  state_->fingerprint.clear();
}

void Model::set_gradient_checkpointing(bool on) {
  if (on == state_->checkpointing) return;
  state_->checkpointing = on;
  state_->make_steps();
  state_->set_training(state_->training);
}

bool Model::gradient_checkpointing() const { return state_->checkpointing; }

Precision Model::precision() const { return state_->precision; }
PrefixForm Model::prefix_form() const { return state_->prefix_form; }

const Freeze& Model::policy() const { return state_->policy; }
FreezeTable Model::freeze_table() const { return graft::freeze_table(state_->backbone, state_->trains); }
bool Model::backbone_trains() const { return !state_->trains.empty(); }
bool Model::reads_mask() const { return state_->binding.reads(state_->preprocess->padding().mask); }

std::vector<std::pair<std::string, at::Tensor>> Model::trainable() const {
  std::vector<std::pair<std::string, at::Tensor>> found;
  std::unordered_set<const c10::TensorImpl*> seen;
  for (const auto& [name, tensor] : state_->network.parameters()) {
    if (tensor.requires_grad() && seen.insert(tensor.unsafeGetTensorImpl()).second) found.emplace_back("backbone." + name, tensor);
  }
  for (const auto& [name, tensor] : state_->head->parameters()) found.emplace_back("head." + name, tensor);
  return found;
}

std::vector<std::pair<std::string, at::Tensor>> Model::moving() const {
  auto tensors = trainable();
  if (backbone_trains()) {
    for (const auto& [name, tensor] : state_->network.buffers()) tensors.emplace_back("backbone." + name, tensor);
  }
  return tensors;
}

void Model::set_training(bool on) { state_->set_training(on); }
bool Model::is_training() const { return state_->training; }

Fields Model::features(const Fields& inputs) const {
  const c10::AutoGradMode gradients(c10::GradMode::is_enabled() && state_->training && backbone_trains());
  const Fields here = to(inputs, state_->device);
  if (state_->initial) state_->network.set_state(*state_->initial, state_->carried);
  const bool steps = state_->training && !state_->halves.split && (state_->steps || state_->segments);
  const graph::Network& network = backbone_trains() ? state_->network : state_->frozen();
  if (!backbone_trains()) state_->count_frozen(here);
  std::vector<c10::IValue> arguments = state_->binding.arguments(here);
  return head::features_of(state_->head->reads(), steps ? state_->step(std::move(arguments)) : network(std::move(arguments)), here);
}

Fields Model::operator()(const Fields& inputs) const { return state_->head->forward(features(inputs)); }

std::int64_t Model::frozen_samples() const { return state_->frozen_samples; }

Head& Model::head() { return *state_->head; }
const Head& Model::head() const { return *state_->head; }
const std::shared_ptr<const Preprocess>& Model::preprocess() const { return state_->preprocess; }
const Backbone& Model::backbone() const { return state_->backbone; }
c10::Device Model::device() const { return state_->device; }

}  // namespace graft
