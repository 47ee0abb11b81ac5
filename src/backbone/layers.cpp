#include "backbone/layers.h"

#include <ATen/ATen.h>

namespace graft::backbone {

using graph::Builder;
using graph::literal;

Builder linear(std::int64_t in, std::int64_t out, bool bias) {
  Builder layer("Linear");
  layer.parameter("weight", at::empty({out, in}));
  if (bias) layer.parameter("bias", at::empty({out}));
  return layer.define(std::string("def forward(self, x):\n    return torch.linear(x, self.weight, ") + (bias ? "self.bias" : "None") +
                      ")\n");
}

Builder convolution(const Convolution& options) {
  Builder layer("Conv2d");
  layer.parameter("weight", at::empty({options.out, options.in / options.groups, options.kernel, options.kernel}));
  if (options.bias) layer.parameter("bias", at::empty({options.out}));
  const std::string stride = std::to_string(options.stride), kernel = std::to_string(options.kernel);
  // With stride 1 both ends get the same.
  const bool pads_ends = options.same && options.stride > 1;
  const std::int64_t padding = options.same ? (pads_ends ? 0 : options.kernel / 2) : options.padding;
  std::string source = "def forward(self, x):\n";
  if (pads_ends) {
    const auto total = [&](const std::string& size) {
      return "max((" + size + " - 1) // " + stride + " * " + stride + " + " + kernel + " - " + size + ", 0)\n";
    };
    source += "    h = " + total("x.size(2)") + "    w = " + total("x.size(3)") +
              "    x = torch.constant_pad_nd(x, [w // 2, w - w // 2, h // 2, h - h // 2], 0.0)\n";
  }
  const std::string pad = std::to_string(padding);
  return layer.define(source + "    return torch.conv2d(x, self.weight, " + (options.bias ? "self.bias" : "None") + ", [" + stride + ", " +
                      stride + "], [" + pad + ", " + pad + "], [1, 1], " + std::to_string(options.groups) + ")\n");
}

Builder batch_norm(std::int64_t channels, double epsilon, double momentum) {
  return Builder("BatchNorm2d")
      .parameter("weight", at::empty({channels}))
      .parameter("bias", at::empty({channels}))
      .buffer("running_mean", at::zeros({channels}))
      .buffer("running_var", at::ones({channels}))
      .define(
          "def forward(self, x):\n    return torch.batch_norm(x, self.weight, self.bias, self.running_mean, self.running_var, "
          "self.training, " +
          literal(momentum) + ", " + literal(epsilon) + ", True)\n");
}

Builder layer_norm(std::int64_t width, double epsilon) {
  return Builder("LayerNorm")
      .parameter("weight", at::empty({width}))
      .parameter("bias", at::empty({width}))
      .define("def forward(self, x):\n    return torch.layer_norm(x, [" + std::to_string(width) + "], self.weight, self.bias, " +
              literal(epsilon) + ")\n");
}

Builder embedding(std::int64_t rows, std::int64_t width) {
  return Builder("Embedding")
      .parameter("weight", at::empty({rows, width}))
      .define("def forward(self, index):\n    return torch.embedding(self.weight, index)\n");
}

Builder sequence(const std::string& class_name, const std::vector<Step>& steps) {
  Builder made(class_name);
  std::string source = "def forward(self, x):\n";
  for (const Step& step : steps) {
    if (step.module != nullptr) {
      made.child(step.name, *step.module);
      source += "    x = getattr(self, \"" + step.name + "\").forward(x)\n";
    } else {
      source += "    " + step.code + "\n";
    }
  }
  return made.define(source + "    return x\n");
}

std::string attention_source(const Attention& options) {
  const std::string split =
      ".view([n, l, " + std::to_string(options.heads) + ", " + std::to_string(options.width / options.heads) + "]).transpose(1, 2)\n";
  const auto project = [&](const std::string& to, const std::string& by) { return "    " + to + " = self." + by + ".forward(x)" + split; };
  return "    n, l = x.size(0), x.size(1)\n" + project("q", options.query) + project("k", options.key) + project("v", options.value) +
         "    p = " + literal(options.dropout) +
         " if self.training else 0.0\n"
         "    y = torch.scaled_dot_product_attention(q, k, v, mask, p, False).transpose(1, 2).reshape([n, l, " +
         std::to_string(options.width) + "])\n";
}

Builder layer_stack(const std::string& package, const std::string& name, const Builder& layer, std::int64_t count) {
  Builder list(package + ".Layers");
  std::string calls;
  for (std::int64_t i = 0; i < count; ++i) {
    list.child(std::to_string(i), i == 0 ? layer : layer.copy());
    calls += "    x = getattr(self.layer, \"" + std::to_string(i) + "\").forward(x, mask)\n";
  }
  return Builder(package + "." + name)
      .child("layer", list)
      .define("def forward(self, x, mask: Optional[Tensor]):\n" + calls + "    return x\n");
}

const char* const token_mask_source =
    "    mask: Optional[Tensor] = None\n"
    "    if attention_mask is not None:\n"
    "        mask = (attention_mask != 0).unsqueeze(1).unsqueeze(2)\n";

}  // namespace graft::backbone
