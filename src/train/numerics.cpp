#include "train/numerics.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <sstream>

namespace graft::train {

bool is_bad(const at::Tensor& tensor) {
  return tensor.defined() && tensor.is_floating_point() && !(tensor.is_sparse() ? tensor._values() : tensor).isfinite().all().item<bool>();
}

namespace {

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
  /// Of a bad tensor with a row for each sample; else undefined.
  at::Tensor rows = {};
  std::int64_t first_row = 0;
};

class Search {
 public:
  Search(const Model& model, const Stream& stream, const Window& window, Precision steps)
      : model_(model), stream_(stream), window_(window), steps_(steps) {}

  /// From the inputs on, forward, and back through the gradients.
  Cause operator()() const {
    if (const std::string name = first_bad(model_.trainable()); !name.empty())
      return {"the parameter \"" + name + "\" holds numbers that are not finite since an earlier step", rates_};
    std::int64_t first_row = 0;
    for (const Piece& piece : window_.pieces) {
      Cause cause = in_piece(piece);
      cause.first_row = first_row;
      if (!cause.what.empty()) return cause;
      first_row += piece.rows;
    }
    return in_gradients();
  }

 private:
  Cause in_piece(const Piece& piece) const {
    if (const std::string name = first_bad(piece.inputs); !name.empty()) {
      return {"what is read holds numbers that are not finite, in \"" + name + "\"",
              "Look at these records, and at what prepares them; a store that was filled from damaged data is to be emptied.",
              piece.inputs[name]};
    }
    if (const std::string name = first_bad(piece.targets); !name.empty())
      return {"the target \"" + name + "\" holds numbers that are not finite", "Repair the target of these records.", piece.targets[name]};
    const Fields features = stream_.features(piece);
    if (const std::string name = first_bad(features); !name.empty()) {
      const std::string layer = model_.backbone_trains() ? model_.bad_layer(piece.inputs) : "";
      return {layer.empty() ? "the feature \"" + name + "\" is the first that is not finite"
                            : "the output of the layer \"" + layer + "\" is the first that is not finite",
              std::string(in_float32() ? "Try a lower" : "Try --precision fp32, a lower") +
                  " learning rate of the backbone, or freeze this layer; see if the values of these records are far larger than others.",
              features[name]};
    }
    const Fields outputs = model_.head().forward(features);
    if (const std::string name = first_bad(outputs); !name.empty())
      return {"the head's output \"" + name + "\" is the first that is not finite, its features are", rates_, outputs[name]};
    for (const LossTerm& term : loss_terms(model_.head(), outputs, piece.targets, piece.rows)) {
      if (term.weight.item<double>() == 0) {
        return {"the loss term \"" + term.name + "\" is a mean over nothing: no record of the batch has a target that counts",
                "Give classes in the data a weight above 0, or take larger batches."};
      }
      if (is_bad(term.sum)) return {"the loss term \"" + term.name + "\" is the first that is not finite, the outputs are", rates_};
    }
    return {};
  }

  /// Computed anew: clipping by a norm that is no number leaves none in any gradient.
  Cause in_gradients() const {
    const c10::AutoGradMode with_gradients(true);
    auto trainable = model_.trainable();
    for (auto& [name, parameter] : trainable) parameter.mutable_grad().reset();
    for (const Piece& piece : window_.pieces) {
      at::Tensor loss;
      for (const LossTerm& term : loss_terms(model_.head(), model_.head().forward(stream_.features(piece)), piece.targets, piece.rows))
        loss = loss.defined() ? loss + term.sum / term.weight : term.sum / term.weight;
      if (loss.defined() && loss.requires_grad()) loss.backward();
    }
    // What is no number goes on to all that lies below, so the last one is nearest to where it begins.
    Cause cause{"in a second run of the same batch all is finite, so dropout or rounding decides", rates_};
    for (auto& [name, parameter] : trainable) {
      if (is_bad(parameter.grad()))
        cause.what = "the gradient of \"" + name + "\" is the nearest to the loss that is not finite, the loss is";
      parameter.mutable_grad().reset();
    }
    return cause;
  }

  bool in_float32() const {
    return (steps_ == Precision::Auto || steps_ == Precision::Float32) && model_.precision() == Precision::Float32;
  }

  const Model& model_;
  const Stream& stream_;
  const Window& window_;
  Precision steps_;
  const std::string rates_ = "Lower the learning rate, clip gradients closer (Clip, --clip), or warm up longer.";
};

/// The records whose rows are bad, or all of the window.
std::vector<std::int64_t> records_of(const Cause& cause, const Window& window, std::vector<std::int64_t> all) {
  const bool one_each = static_cast<std::int64_t>(all.size()) == window.rows();
  if (!cause.rows.defined() || cause.rows.dim() == 0 || !one_each) return all;
  std::vector<std::int64_t> found;
  for (std::int64_t i = 0; i < cause.rows.size(0); ++i) {
    if (is_bad(cause.rows[i])) found.push_back(all.at(static_cast<std::size_t>(cause.first_row + i)));
  }
  return found;
}

std::string records_text(const std::vector<std::int64_t>& records) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(records.size(), 8); ++i) text += (i == 0 ? "" : ", ") + std::to_string(records[i]);
  return records.empty() ? "" : "; training records " + text + (records.size() > 8 ? ", ..." : "");
}

}  // namespace

NumericsError not_finite(const Model& model, const Stream& stream, const Window& window, const StepRecord& record, Precision steps) {
  const c10::NoGradGuard no_grad;
  const Cause cause = Search(model, stream, window, steps)();
  std::ostringstream rate;
  rate << record.lr;
  return NumericsError({.code = "graft-N001",
                        .message = "[Trainer] the loss or its gradient is not finite at step " + std::to_string(record.step + 1) + " (lr " +
                                   rate.str() + records_text(records_of(cause, window, stream.records(window))) + "): " + cause.what + ".",
                        .remedy = cause.remedy,
                        .place = ""});
}

}  // namespace graft::train
