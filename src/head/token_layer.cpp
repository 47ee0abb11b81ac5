#include "graft/head/token_layer.h"

#include <ATen/ATen.h>

#include "core/json.h"
#include "graft/core/error.h"
#include "head/builtin.h"
#include "head/initial.h"

namespace graft::head {

TokenLayer::TokenLayer(std::string name, std::size_t num_scores, TokenLayerOptions options)
    : name_(std::move(name)), num_scores_(static_cast<std::int64_t>(num_scores)), layer_(std::move(options)) {
  if (layer_.width > 0) make_parameters();
}

void TokenLayer::build(const Fields& outputs) {
  const at::Tensor& output = output_of(outputs, layer_.from);
  const bool fits = output.dim() == 3 && (layer_.width == 0 || layer_.width == output.size(2));
  if (!fits) {
    throw ModelError({.code = "graft-M030",
                      .message = "[" + name_ + "] an output [N, L, " + (layer_.width > 0 ? std::to_string(layer_.width) : "D") +
                                 "] is wanted, a vector for each token; the backbone gives " + shape_text(output.sizes()) + ".",
                      .remedy = output.dim() == 2 ? "Name the output before pooling with .from; graft inspect --features lists them."
                                                  : "Name another output with .from.",
                      .place = ""});
  }
  layer_.width = output.size(2);
  if (!weight_.defined()) make_parameters();
}

void TokenLayer::make_parameters() {
  weight_ = parameter("weight", normal({num_scores_, layer_.width}, last_layer_deviation, Rng(layer_.seed, 2)));
  bias_ = parameter("bias", at::zeros({num_scores_}));
}

std::vector<Feature> TokenLayer::reads() const { return {{.name = "tokens", .from = layer_.from, .mask = layer_.mask}}; }

at::Tensor TokenLayer::scores(const Fields& features) const {
  const at::Tensor& tokens = features["tokens"];
  return at::linear(layer_.dropout > 0 ? dropout(tokens, layer_.dropout) : tokens, weight_, bias_);
}

Json TokenLayer::layer_config() const {
  return {{"dropout", layer_.dropout}, {"from", layer_.from}, {"mask", layer_.mask}, {"width", layer_.width}};
}

TokenLayerOptions TokenLayer::layer_from(const Json& config) {
  return {.dropout = config.at("dropout"), .from = config.at("from"), .mask = config.at("mask"), .width = config.at("width")};
}

}  // namespace graft::head
