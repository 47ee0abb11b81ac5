// DistilBERT's encoder (Sanh et al., 2019).
#include <ATen/ATen.h>

#include "backbone/architecture.h"
#include "backbone/layers.h"
#include "graft/core/error.h"

namespace graft::backbone {

Architecture distilbert();

namespace {

using graph::Builder;
using graph::literal;

struct Config {
  std::int64_t width, heads, layers, inner, vocabulary, positions;
  double dropout, attention_dropout;
  std::string activation;
};

Config parse(const Json& json, const std::string& place) {
  return reading_config(place, [&] {
    const Config config{.width = json.at("dim"),
                        .heads = json.at("n_heads"),
                        .layers = json.at("n_layers"),
                        .inner = json.at("hidden_dim"),
                        .vocabulary = json.at("vocab_size"),
                        .positions = json.at("max_position_embeddings"),
                        .dropout = json.value("dropout", 0.1),
                        .attention_dropout = json.value("attention_dropout", 0.1),
                        .activation = json.value("activation", std::string("gelu"))};
    if (config.heads < 1 || config.width < 1 || config.width % config.heads != 0 || config.layers < 1 || config.inner < 1 ||
        config.vocabulary < 1 || config.positions < 1 || (config.activation != "gelu" && config.activation != "relu")) {
      throw CheckpointError({.code = "graft-K006",
                             .message = "[Import] sizes or activation in the config make no sense together.",
                             .remedy = "dim must be a multiple of n_heads, every size at least 1, the activation gelu or relu.",
                             .place = place});
    }
    return config;
  });
}

constexpr double epsilon = 1e-12;

Builder embeddings(const Config& config) {
  return Builder("distilbert.Embeddings")
      .child("word_embeddings", embedding(config.vocabulary, config.width))
      .child("position_embeddings", embedding(config.positions, config.width))
      .child("LayerNorm", layer_norm(config.width, epsilon))
      .define(
          "def forward(self, ids):\n"
          "    places = torch.arange(ids.size(1), device=ids.device)\n"
          "    x = self.LayerNorm.forward(self.word_embeddings.forward(ids) + self.position_embeddings.forward(places))\n"
          "    return torch.dropout(x, " +
          literal(config.dropout) + ", self.training)\n");
}

Builder layer(const Config& config) {
  Builder attention("distilbert.Attention");
  for (const char* name : {"q_lin", "k_lin", "v_lin", "out_lin"}) attention.child(name, linear(config.width, config.width));
  attention.define("def forward(self, x, mask: Optional[Tensor]):\n" +
                   attention_source({.query = "q_lin",
                                     .key = "k_lin",
                                     .value = "v_lin",
                                     .heads = config.heads,
                                     .width = config.width,
                                     .dropout = config.attention_dropout}) +
                   "    return self.out_lin.forward(y)\n");
  const Builder feed_forward =
      Builder("distilbert.FeedForward")
          .child("lin1", linear(config.width, config.inner))
          .child("lin2", linear(config.inner, config.width))
          .define("def forward(self, x):\n    x = self.lin2.forward(torch." + config.activation +
                  "(self.lin1.forward(x)))\n    return torch.dropout(x, " + literal(config.dropout) + ", self.training)\n");
  return Builder("distilbert.Layer")
      .child("attention", attention)
      .child("sa_layer_norm", layer_norm(config.width, epsilon))
      .child("ffn", feed_forward)
      .child("output_layer_norm", layer_norm(config.width, epsilon))
      .define(
          "def forward(self, x, mask: Optional[Tensor]):\n"
          "    x = self.sa_layer_norm.forward(self.attention.forward(x, mask) + x)\n"
          "    return self.output_layer_norm.forward(self.ffn.forward(x) + x)\n");
}

/// forward(input_ids [N, L], attention_mask [N, L]?) gives hidden states [N, L, D].
graph::Network network_of(const Config& config) {
  return Builder("distilbert.DistilBert")
      .child("embeddings", embeddings(config))
      .child("transformer", layer_stack("distilbert", "Transformer", layer(config), config.layers))
      .define("def forward(self, input_ids: Tensor, attention_mask: Optional[Tensor] = None) -> Tensor:\n" +
              std::string(token_mask_source) + "    return self.transformer.forward(self.embeddings.forward(input_ids), mask)\n")
      .network();
}

std::optional<Recipe> recognize(const Weights& file) {
  if (!file.config.is_object() || file.config.value("model_type", std::string()) != "distilbert") return std::nullopt;
  const auto plain_name = [](const std::string& name) { return replaced(name, {{"distilbert.", ""}}); };
  const Config config = parse(file.config, file.place);
  return Recipe{
      .name = "distilbert", .network = network_of(config), .tensors = renamed(file, plain_name).tensors, .max_tokens = config.positions};
}

}  // namespace

Architecture distilbert() {
  return {"distilbert", "config.json of model_type \"distilbert\", transformer.layer.0.attention.q_lin.weight", recognize};
}

}  // namespace graft::backbone
