// Vision Transformer (Dosovitskiy et al., 2020): timm's names, torchvision's and Hugging Face's.
#include <ATen/ATen.h>

#include <cmath>

#include "backbone/architecture.h"
#include "backbone/layers.h"

namespace graft::backbone {

Architecture vit();

namespace {

using graph::Builder;
using graph::literal;
using Names = std::vector<std::pair<std::string, std::string>>;

/// "encoder.layers.encoder_layer_3.ln_1.weight" to "blocks.3.norm1.weight".
std::string torchvision_name(const std::string& name) {
  const std::string layer = "encoder.layers.encoder_layer_";
  if (!name.starts_with(layer)) {
    return replaced(name, {{"class_token", "cls_token"},
                           {"encoder.pos_embedding", "pos_embed"},
                           {"conv_proj.", "patch_embed.proj."},
                           {"encoder.ln.", "norm."},
                           {"heads.head.", "head."}});
  }
  const std::size_t dot = name.find('.', layer.size());
  return "blocks." + name.substr(layer.size(), dot - layer.size()) + "." +
         replaced(name.substr(dot + 1), {{"ln_1.", "norm1."},
                                         {"ln_2.", "norm2."},
                                         {"self_attention.in_proj_", "attn.qkv."},
                                         {"self_attention.out_proj.", "attn.proj."},
                                         {"mlp.0.", "mlp.fc1."},
                                         {"mlp.3.", "mlp.fc2."},
                                         {"mlp.linear_1.", "mlp.fc1."},
                                         {"mlp.linear_2.", "mlp.fc2."}});
}

/// "vit.encoder.layer.3.attention.attention.query.weight", or "vit.layers.3.attention.q_proj.weight", to "blocks.3.attn.query.weight".
std::string hugging_face_name(const std::string& file_name) {
  const std::string name = replaced(replaced(file_name, {{"vit.", ""}}), {{"encoder.layer.", "layers."}}), layer = "layers.";
  if (!name.starts_with(layer)) {
    return replaced(name, {{"embeddings.cls_token", "cls_token"},
                           {"embeddings.position_embeddings", "pos_embed"},
                           {"embeddings.patch_embeddings.projection.", "patch_embed.proj."},
                           {"layernorm.", "norm."},
                           {"classifier.", "head."}});
  }
  const std::size_t dot = name.find('.', layer.size());
  return "blocks." + name.substr(layer.size(), dot - layer.size()) + "." +
         replaced(name.substr(dot + 1), {{"layernorm_before.", "norm1."},
                                         {"layernorm_after.", "norm2."},
                                         {"attention.attention.", "attn."},
                                         {"attention.output.dense.", "attn.proj."},
                                         {"attention.q_proj.", "attn.query."},
                                         {"attention.k_proj.", "attn.key."},
                                         {"attention.v_proj.", "attn.value."},
                                         {"attention.o_proj.", "attn.proj."},
                                         {"intermediate.dense.", "mlp.fc1."},
                                         {"output.dense.", "mlp.fc2."}});
}

/// Query, key and value as one layer.
void join_projections(Weights& weights) {
  for (std::int64_t i = 0;; ++i) {
    const std::string path = "blocks." + std::to_string(i) + ".attn.";
    if (!weights.has(path + "query.weight")) return;
    Fields joined;
    for (const std::string kind : {"weight", "bias"}) {
      std::vector<at::Tensor> parts;
      for (const std::string part : {"query.", "key.", "value."}) {
        if (const at::Tensor* tensor = weights.tensors.find(path + part + kind)) parts.push_back(*tensor);
      }
      if (parts.size() == 3) joined.set(path + "qkv." + kind, at::cat(parts));
    }
    for (const auto& [name, tensor] : weights.tensors) {
      const bool part = name.starts_with(path + "query.") || name.starts_with(path + "key.") || name.starts_with(path + "value.");
      if (!part) joined.set(name, tensor);
    }
    weights.tensors = std::move(joined);
  }
}

Builder block(std::int64_t width, std::int64_t heads, std::int64_t inner, bool bias, double epsilon) {
  const std::string h = std::to_string(heads), d = std::to_string(width / heads), all = std::to_string(width);
  const Builder attention = Builder("vit.Attention")
                                .child("qkv", linear(width, 3 * width, bias))
                                .child("proj", linear(width, width))
                                .define(
                                    "def forward(self, x):\n"
                                    "    n, l = x.size(0), x.size(1)\n"
                                    "    q, k, v = self.qkv.forward(x).view([n, l, 3, " +
                                    h + ", " + d +
                                    "]).permute([2, 0, 3, 1, 4]).unbind(0)\n"
                                    "    y = torch.scaled_dot_product_attention(q, k, v)\n"
                                    "    return self.proj.forward(y.transpose(1, 2).reshape([n, l, " +
                                    all + "]))\n");
  const Builder mlp = Builder("vit.Mlp")
                          .child("fc1", linear(width, inner))
                          .child("fc2", linear(inner, width))
                          .define("def forward(self, x):\n    return self.fc2.forward(torch.gelu(self.fc1.forward(x)))\n");
  return Builder("vit.Block")
      .child("norm1", layer_norm(width, epsilon))
      .child("attn", attention)
      .child("norm2", layer_norm(width, epsilon))
      .child("mlp", mlp)
      .define(
          "def forward(self, x):\n"
          "    x = x + self.attn.forward(self.norm1.forward(x))\n"
          "    return x + self.mlp.forward(self.norm2.forward(x))\n");
}

std::optional<Recipe> recognize(const Weights& file) {
  const bool torchvision = file.has("conv_proj.weight") && file.has("class_token");
  const bool hugging_face = file.has("vit.embeddings.cls_token") || file.has("embeddings.cls_token");
  Weights weights = torchvision ? renamed(file, torchvision_name) : hugging_face ? renamed(file, hugging_face_name) : file;
  join_projections(weights);
  const auto patches = weights.sizes("patch_embed.proj.weight"), places = weights.sizes("pos_embed");
  const std::int64_t depth = weights.count("blocks.#.attn.qkv.weight");
  if (patches.size() != 4 || places.size() != 3 || depth == 0 || !weights.has("cls_token") || !weights.has("norm.weight"))
    return std::nullopt;
  const std::int64_t width = patches.at(0), patch = patches.at(2);
  const bool config = file.config.is_object();
  // The published ones have heads 64 wide, but for the largest.
  const std::int64_t heads = config          ? file.config.value("num_attention_heads", width / 64)
                             : width == 1280 ? 16
                                             : std::max<std::int64_t>(1, width / 64);
  const double epsilon = config ? file.config.value("layer_norm_eps", 1e-12) : 1e-6;
  std::vector<Builder> modules;
  std::vector<Step> steps;
  for (std::int64_t i = 0; i < depth; ++i)
    modules.push_back(block(width, heads, weights.sizes("blocks.0.mlp.fc1.weight").at(0), weights.has("blocks.0.attn.qkv.bias"), epsilon));
  for (std::int64_t i = 0; i < depth; ++i) steps.push_back({std::to_string(i), &modules[static_cast<std::size_t>(i)]});
  const Builder project = convolution({.in = patches.at(1), .out = width, .kernel = patch, .stride = patch, .bias = true});
  Builder net("vit.VisionTransformer");
  net.parameter("cls_token", at::empty({1, 1, width}))
      .parameter("pos_embed", at::empty(places))
      .child("patch_embed", sequence("vit.PatchEmbed", {{"proj", &project}}))
      .child("blocks", sequence("vit.Blocks", steps))
      .child("norm", layer_norm(width, epsilon));
  std::string source =
      "def forward(self, x):\n"
      "    x = self.patch_embed.forward(x).flatten(2).transpose(1, 2)\n"
      "    x = torch.cat([self.cls_token.expand([x.size(0), -1, -1]), x], 1) + self.pos_embed\n"
      "    x = self.norm.forward(self.blocks.forward(x))\n";
  if (const auto classes = weights.sizes("head.weight"); !classes.empty()) {
    net.child("head", linear(classes.at(1), classes.at(0)));
    source += "    x = self.head.forward(x[:, 0])\n";
  }
  const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(static_cast<double>(places.at(1) - 1)))) * patch;
  const Json images = torchvision ? image_preprocess(side) : image_preprocess(side, "bicubic", {0.5, 0.5, 0.5}, {0.5, 0.5, 0.5});
  return Recipe{"vit", net.define(source + "    return x\n").network(), weights.tensors, images};
}

}  // namespace

Architecture vit() { return {"vit", "cls_token, patch_embed.proj.weight, blocks.0.attn.qkv.weight", recognize}; }

}  // namespace graft::backbone
