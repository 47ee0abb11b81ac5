#include "graft/head/dense_head.h"

#include <ATen/ATen.h>

#include "graft/core/error.h"
#include "graft/core/rng.h"
#include "head/builtin.h"
#include "head/initial.h"
#include "head/score_loss.h"

namespace graft::head {
namespace {

Pooling pooling_for(const at::Tensor& output, const std::string& who) {
  switch (output.dim()) {
    case 2:
      return Pooling::None;
    case 3:
      return Pooling::MeanTokens;
    case 4:
      return Pooling::MeanPixels;
    default:
      throw ModelError({.code = "graft-M009",
                        .message = "[" + who + "] an output [N, D], [N, L, D] or [N, C, H, W] is wanted, the backbone gives " +
                                   shape_text(output.sizes()) + ".",
                        .remedy = "Name another output with .from.",
                        .place = ""});
  }
}

}  // namespace

DenseHead::DenseHead(std::string name, std::size_t num_scores, LayerOptions layers)
    : name_(std::move(name)), num_scores_(static_cast<std::int64_t>(num_scores)), layers_(std::move(layers)) {
  if (layers_.width > 0 && layers_.own_layer) make_parameters();
}

void DenseHead::build(const Fields& outputs) {
  const at::Tensor& output = output_of(outputs, layers_.from);
  if (!layers_.pooling) layers_.pooling = pooling_for(output, name_);
  const std::int64_t width = pool(output, *layers_.pooling).size(-1);
  if (layers_.width > 0 && layers_.width != width) {
    throw ModelError({.code = "graft-M010",
                      .message = "[" + name_ + "] a width of " + std::to_string(layers_.width) + " is wanted, the backbone gives " +
                                 std::to_string(width) + " (" + shape_text(output.sizes()) + ", " + pooling_name(*layers_.pooling) + ").",
                      .remedy = "Leave the width out, or load the backbone that this head was made for.",
                      .place = ""});
  }
  if (!layers_.own_layer && width != num_scores_) {
    throw ModelError({.code = "graft-M020",
                      .message = "[" + name_ + "] " + std::to_string(num_scores_) + " scores are wanted, the backbone gives " +
                                 std::to_string(width) + " (" + shape_text(output.sizes()) + ").",
                      .remedy = "Give the backbone that many classes (graft::backbone::with_classes), or leave own_layer at true.",
                      .place = ""});
  }
  layers_.width = width;
  if (layers_.own_layer && !weight_.defined()) make_parameters();
}

void DenseHead::make_parameters() {
  std::int64_t width = layers_.width;
  if (layers_.hidden > 0) {
    hidden_weight_ =
        parameter("hidden_weight", normal({layers_.hidden, width}, 1.0 / std::sqrt(static_cast<double>(width)), Rng(layers_.seed, 1)));
    hidden_bias_ = parameter("hidden_bias", at::zeros({layers_.hidden}));
    width = layers_.hidden;
  }
  weight_ = parameter("weight", normal({num_scores_, width}, last_layer_deviation, Rng(layers_.seed, 2)));
  bias_ = parameter("bias", at::zeros({num_scores_}));
}

std::vector<Feature> DenseHead::reads() const {
  const Pooling pooling = layers_.pooling.value_or(Pooling::None);
  const bool masked = pooling == Pooling::MeanTokens || pooling == Pooling::MaxTokens;
  return {{.name = "pooled",
           .from = layers_.from,
           .pooling = pooling,
           .mask = masked ? layers_.mask : std::string(),
           .unit_length = layers_.unit_length}};
}

at::Tensor DenseHead::scores(const Fields& features) const {
  at::Tensor x = features["pooled"];
  if (!layers_.own_layer) return x;
  if (hidden_weight_.defined()) x = at::gelu(at::linear(x, hidden_weight_, hidden_bias_));
  if (layers_.dropout > 0) x = dropout(x, layers_.dropout);
  return at::linear(x, weight_, bias_);
}

std::unique_ptr<ScoreLoss> DenseHead::score_loss(bool) const { return nullptr; }

std::optional<LinearLayer> DenseHead::linear() const {
  if (layers_.hidden > 0 || layers_.dropout > 0 || !layers_.own_layer) return std::nullopt;
  return LinearLayer{"pooled", weight_, bias_};
}

}  // namespace graft::head
