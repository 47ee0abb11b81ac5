#include "train/numerics.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <sstream>

namespace graft::train {
namespace {

bool is_bad(const at::Tensor& tensor) {
  return tensor.defined() && tensor.is_floating_point() && !(tensor.is_sparse() ? tensor._values() : tensor).isfinite().all().item<bool>();
}

/// The name of the first bad tensor; empty if all are numbers.
template <class Named>
std::string first_bad(const Named& tensors) {
  for (const auto& [name, tensor] : tensors) {
    if (is_bad(tensor)) return name;
  }
  return "";
}

struct Cause {
  std::string what, remedy;
};

/// From the inputs on, forward.
Cause cause_of(const Model& model, const Stream& stream, const Window& window) {
  const std::string rates = "Lower the learning rate, clip gradients closer (Clip, --clip), or warm up longer.";
  if (const std::string name = first_bad(model.trainable()); !name.empty())
    return {"the parameter \"" + name + "\" holds numbers that are not finite since an earlier step", rates};
  for (const Piece& piece : window.pieces) {
    if (const std::string name = first_bad(piece.inputs); !name.empty()) {
      return {"what is read holds numbers that are not finite, in \"" + name + "\"",
              "Look at these records, and at what prepares them; a store that was filled from damaged data is to be emptied."};
    }
    if (const std::string name = first_bad(piece.targets); !name.empty())
      return {"the target \"" + name + "\" holds numbers that are not finite", "Repair the target of these records."};
    const Fields features = stream.features(piece);
    if (const std::string name = first_bad(features); !name.empty()) {
      const std::string layer = model.backbone_trains() ? model.bad_layer(piece.inputs) : "";
      return {layer.empty() ? "the feature \"" + name + "\" is the first that is not finite"
                            : "the output of the layer \"" + layer + "\" is the first that is not finite",
              "Try --precision fp32, a lower learning rate of the backbone, or freeze this layer."};
    }
    const Fields outputs = model.head().forward(features);
    if (const std::string name = first_bad(outputs); !name.empty())
      return {"the head's output \"" + name + "\" is the first that is not finite, its features are", rates};
    for (const LossTerm& term : loss_terms(model.head(), outputs, piece.targets, piece.rows)) {
      const double weight = term.weight.item<double>();
      if (weight == 0) {
        return {"the loss term \"" + term.name + "\" is a mean over nothing: no record of the batch has a target that counts",
                "Give classes in the data a weight above 0, or take larger batches."};
      }
      if (is_bad(term.sum)) return {"the loss term \"" + term.name + "\" is the first that is not finite, the outputs are", rates};
    }
  }
  for (const auto& [name, parameter] : model.trainable()) {
    if (is_bad(parameter.grad())) return {"the gradient of \"" + name + "\" is the first that is not finite, the loss is", rates};
  }
  return {"in a second run of the same batch all is finite, so dropout or rounding decides", rates};
}

std::string records_text(const std::vector<std::int64_t>& records) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(records.size(), 8); ++i) text += (i == 0 ? "" : ", ") + std::to_string(records[i]);
  return records.empty() ? "" : "; training records " + text + (records.size() > 8 ? ", ..." : "");
}

}  // namespace

NumericsError not_finite(const Model& model, const Stream& stream, const Window& window, const StepRecord& record) {
  const c10::NoGradGuard no_grad;
  const Cause cause = cause_of(model, stream, window);
  std::ostringstream rate;
  rate << record.lr;
  return NumericsError({.code = "graft-N001",
                        .message = "[Trainer] the loss or its gradient is not finite at step " + std::to_string(record.step + 1) + " (lr " +
                                   rate.str() + records_text(window.records) + "): " + cause.what + ".",
                        .remedy = cause.remedy,
                        .place = ""});
}

}  // namespace graft::train
