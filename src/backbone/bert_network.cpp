#include "backbone/bert_network.h"

#include <ATen/ATen.h>

#include "backbone/layers.h"
#include "graft/core/error.h"

namespace graft::backbone {
namespace {

using graph::Builder;
using graph::literal;

struct BertConfig {
  std::int64_t width, heads, layers, inner, vocabulary, positions, types;
  double epsilon, dropout, attention_dropout;
  std::string activation;
};

BertConfig parse(const Json& config, std::int64_t first_place, const std::string& place) {
  return reading_config(place, [&] {
    BertConfig bert{.width = config.at("hidden_size"),
                    .heads = config.at("num_attention_heads"),
                    .layers = config.at("num_hidden_layers"),
                    .inner = config.at("intermediate_size"),
                    .vocabulary = config.at("vocab_size"),
                    .positions = config.at("max_position_embeddings"),
                    .types = config.value("type_vocab_size", std::int64_t{2}),
                    .epsilon = config.value("layer_norm_eps", 1e-12),
                    .dropout = config.value("hidden_dropout_prob", 0.1),
                    .attention_dropout = config.value("attention_probs_dropout_prob", 0.1),
                    .activation = ""};
    const std::string activation = config.value("hidden_act", std::string("gelu"));
    if (activation == "gelu") bert.activation = "torch.gelu(x)";
    if (activation == "gelu_new" || activation == "gelu_pytorch_tanh") bert.activation = "torch.gelu(x, approximate=\"tanh\")";
    if (activation == "relu") bert.activation = "torch.relu(x)";
    const std::string position = config.value("position_embedding_type", std::string("absolute"));
    if (bert.activation.empty() || position != "absolute" || config.value("is_decoder", false)) {
      throw ModelError({.code = "graft-M005",
                        .message = "[Import] a BERT encoder with gelu or relu and absolute positions is wanted, got hidden_act \"" +
                                   activation + "\", position_embedding_type \"" + position + "\".",
                        .remedy = "Export this network from Python as TorchScript instead.",
                        .place = place});
    }
    if (bert.width < 1 || bert.heads < 1 || bert.layers < 1 || bert.inner < 1 || bert.vocabulary < 1 || bert.positions <= first_place ||
        first_place < 0 || bert.width % bert.heads != 0) {
      throw CheckpointError({.code = "graft-K006",
                             .message = "[Import] sizes in the config make no sense together.",
                             .remedy = "hidden_size must be a multiple of num_attention_heads, every size at least 1, and "
                                       "max_position_embeddings above pad_token_id + 1.",
                             .place = place});
    }
    return bert;
  });
}

Builder embeddings(const BertConfig& bert, const std::string& places) {
  return Builder("bert.Embeddings")
      .child("word_embeddings", embedding(bert.vocabulary, bert.width))
      .child("position_embeddings", embedding(bert.positions, bert.width))
      .child("token_type_embeddings", embedding(bert.types, bert.width))
      .child("LayerNorm", layer_norm(bert.width, bert.epsilon))
      .define("def forward(self, ids, types):\n" + places +
              "    x = self.word_embeddings.forward(ids) + self.token_type_embeddings.forward(types)\n"
              "    x = self.LayerNorm.forward(x + self.position_embeddings.forward(places))\n"
              "    return torch.dropout(x, " +
              literal(bert.dropout) + ", self.training)\n");
}

Builder self_attention(const BertConfig& bert) {
  const Builder projection = linear(bert.width, bert.width);
  return Builder("bert.SelfAttention")
      .child("query", projection)
      .child("key", projection.copy())
      .child("value", projection.copy())
      .define("def forward(self, x, mask: Optional[Tensor]):\n" +
              attention_source({.query = "query",
                                .key = "key",
                                .value = "value",
                                .heads = bert.heads,
                                .width = bert.width,
                                .dropout = bert.attention_dropout}) +
              "    return y\n");
}

Builder output(const BertConfig& bert, std::int64_t in) {
  return Builder("bert.Output")
      .child("dense", linear(in, bert.width))
      .child("LayerNorm", layer_norm(bert.width, bert.epsilon))
      .define(
          "def forward(self, x, residual):\n"
          "    x = torch.dropout(self.dense.forward(x), " +
          literal(bert.dropout) +
          ", self.training)\n"
          "    return self.LayerNorm.forward(x + residual)\n");
}

Builder layer(const BertConfig& bert) {
  const Builder attention = Builder("bert.Attention")
                                .child("self", self_attention(bert))
                                .child("output", output(bert, bert.width))
                                .define(
                                    "def forward(self, x, mask: Optional[Tensor]):\n"
                                    "    return self.output.forward(getattr(self, \"self\").forward(x, mask), x)\n");
  const Builder intermediate = Builder("bert.Intermediate")
                                   .child("dense", linear(bert.width, bert.inner))
                                   .define("def forward(self, x):\n    x = self.dense.forward(x)\n    return " + bert.activation + "\n");
  return Builder("bert.Layer")
      .child("attention", attention)
      .child("intermediate", intermediate)
      .child("output", output(bert, bert.inner))
      .define(
          "def forward(self, x, mask: Optional[Tensor]):\n"
          "    x = self.attention.forward(x, mask)\n"
          "    return self.output.forward(self.intermediate.forward(x), x)\n");
}

/// With the token types as an argument where there are several.
std::string forward_source(const BertConfig& bert) {
  const bool has_types = bert.types > 1;
  return std::string("def forward(self, input_ids: Tensor, attention_mask: Optional[Tensor] = None") +
         (has_types ? ", token_type_ids: Optional[Tensor] = None" : "") +
         ") -> Tensor:\n"
         "    types = " +
         (has_types ? "token_type_ids if token_type_ids is not None else " : "") + "torch.zeros_like(input_ids)\n" + token_mask_source +
         "    return self.encoder.forward(self.embeddings.forward(input_ids, types), mask)\n";
}

}  // namespace

Recipe bert_recipe(const Weights& file, const BertForm& form) {
  const BertConfig bert = parse(file.config, form.first_place, file.place);
  const graph::Network network = Builder("bert.Bert")
                                     .child("embeddings", embeddings(bert, form.places))
                                     .child("encoder", layer_stack("bert", "Encoder", layer(bert), bert.layers))
                                     .define(forward_source(bert))
                                     .network();
  const auto plain_name = [&](const std::string& file_name) {
    std::string name = replaced(file_name, {{form.name + ".", ""}});
    for (const auto& [old_end, new_end] :
         {std::pair{"LayerNorm.gamma", "LayerNorm.weight"}, std::pair{"LayerNorm.beta", "LayerNorm.bias"}}) {
      if (name.ends_with(old_end)) name.replace(name.size() - std::string_view(old_end).size(), std::string::npos, new_end);
    }
    // 0, 1, 2, ...: a buffer of the Python class
    return name.ends_with("position_ids") ? "" : name;
  };
  return {
      .name = form.name, .network = network, .tensors = renamed(file, plain_name).tensors, .max_tokens = bert.positions - form.first_place};
}

}  // namespace graft::backbone
