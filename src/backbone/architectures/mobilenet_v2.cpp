// MobileNetV2 (Sandler et al., 2018): torchvision's names, timm's and Hugging Face's.
#include "backbone/architecture.h"
#include "backbone/layers.h"

namespace graft::backbone {

Architecture mobilenet_v2();

namespace {

using graph::Builder;
using Names = std::vector<std::pair<std::string, std::string>>;

/// What differs between the libraries beside the names.
struct Style {
  double epsilon = 1e-5;
  bool same = false;
};

/// timm counts blocks within their stage: "blocks.1.0.conv_pw.weight".
Names timm_names(const Weights& file) {
  Names names{{"conv_stem.", "features.0.0."}, {"bn1.", "features.0.1."}};
  std::int64_t block = 1;
  for (std::int64_t stage = 0; file.any("blocks." + std::to_string(stage) + "."); ++stage) {
    for (std::int64_t place = 0; file.any("blocks." + std::to_string(stage) + "." + std::to_string(place) + "."); ++place, ++block) {
      const std::string from = "blocks." + std::to_string(stage) + "." + std::to_string(place) + ".";
      const std::string to = "features." + std::to_string(block) + ".conv.";
      const bool expands = file.any(from + "conv_pwl.");
      const Names inner = expands ? Names{{"conv_pw.", "0.0."}, {"bn1.", "0.1."},    {"conv_dw.", "1.0."},
                                          {"bn2.", "1.1."},     {"conv_pwl.", "2."}, {"bn3.", "3."}}
                                  : Names{{"conv_dw.", "0.0."}, {"bn1.", "0.1."}, {"conv_pw.", "1."}, {"bn2.", "2."}};
      for (const auto& [old_name, new_name] : inner) names.emplace_back(from + old_name, to + new_name);
    }
  }
  const std::string last = "features." + std::to_string(block);
  for (const auto& [from, to] : Names{{"conv_head.", last + ".0."}, {"bn2.", last + ".1."}, {"classifier.", "classifier.1."}})
    names.emplace_back(from, to);
  return names;
}

/// "mobilenet_v2.layer.3.conv_3x3.normalization.weight"
Names hugging_face_names(const Weights& file) {
  const std::string stem = "mobilenet_v2.conv_stem.", first = "features.1.conv.";
  Names names{{stem + "first_conv.convolution.", "features.0.0."},
              {stem + "first_conv.normalization.", "features.0.1."},
              {stem + "conv_3x3.convolution.", first + "0.0."},
              {stem + "conv_3x3.normalization.", first + "0.1."},
              {stem + "reduce_1x1.convolution.", first + "1."},
              {stem + "reduce_1x1.normalization.", first + "2."},
              {"classifier.", "classifier.1."}};
  std::int64_t layer = 0;
  for (; file.any("mobilenet_v2.layer." + std::to_string(layer) + "."); ++layer) {
    const std::string from = "mobilenet_v2.layer." + std::to_string(layer) + ".", to = "features." + std::to_string(layer + 2) + ".conv.";
    for (const auto& [old_name, new_name] : Names{{"expand_1x1.convolution.", "0.0."},
                                                  {"expand_1x1.normalization.", "0.1."},
                                                  {"conv_3x3.convolution.", "1.0."},
                                                  {"conv_3x3.normalization.", "1.1."},
                                                  {"reduce_1x1.convolution.", "2."},
                                                  {"reduce_1x1.normalization.", "3."}})
      names.emplace_back(from + old_name, to + new_name);
  }
  const std::string last = "features." + std::to_string(layer + 2);
  names.emplace_back("mobilenet_v2.conv_1x1.convolution.", last + ".0.");
  names.emplace_back("mobilenet_v2.conv_1x1.normalization.", last + ".1.");
  return names;
}

/// Convolution, norm and ReLU6 as "0" and "1".
Builder activated(const Convolution& options, const Style& style) {
  const Builder layer = convolution(options), norm = batch_norm(options.out, style.epsilon);
  return sequence("mobilenet_v2.ConvNormActivation", {{"0", &layer}, {"1", &norm}, {.name = "", .code = "x = torch.clamp(x, 0.0, 6.0)"}});
}

Builder block(const Weights& weights, const std::string& path, std::int64_t stride, const Style& style) {
  const bool expands = weights.has(path + "3.weight");
  const auto first = weights.sizes(path + "0.0.weight"), depthwise = weights.sizes(path + (expands ? "1.0.weight" : "0.0.weight"));
  const auto project = weights.sizes(path + (expands ? "2.weight" : "1.weight"));
  const std::int64_t middle = depthwise.at(0), out = project.at(0), in = expands ? first.at(1) : middle;
  std::vector<Builder> modules;
  if (expands) modules.push_back(activated({.in = in, .out = middle}, style));
  modules.push_back(
      activated({.in = middle, .out = middle, .kernel = 3, .stride = stride, .padding = 1, .groups = middle, .same = style.same}, style));
  modules.push_back(convolution({.in = middle, .out = out}));
  modules.push_back(batch_norm(out, style.epsilon));
  std::vector<Step> steps;
  for (std::size_t i = 0; i < modules.size(); ++i) steps.push_back({std::to_string(i), &modules[i]});
  return Builder("mobilenet_v2.InvertedResidual")
      .child("conv", sequence("mobilenet_v2.Layers", steps))
      .define(std::string("def forward(self, x):\n    y = self.conv.forward(x)\n") +
              (stride == 1 && in == out ? "    return x + y\n" : "    return y\n"));
}

std::optional<Recipe> recognize(const Weights& file) {
  const bool hugging_face = file.any("mobilenet_v2.conv_stem."), timm = file.has("conv_stem.weight") && file.any("blocks.0.0.conv_dw.") &&
                                                                        file.sizes("blocks.2.0.conv_dw.weight").size() == 4 &&
                                                                        file.sizes("blocks.2.0.conv_dw.weight").at(2) == 3;
  const Names names = hugging_face ? hugging_face_names(file) : timm ? timm_names(file) : Names{};
  const Weights weights = renamed(file, [&](const std::string& name) { return replaced(name, names); });
  const auto stem = weights.sizes("features.0.0.weight");
  if (stem.size() != 4 || !weights.has("features.1.conv.0.0.weight") || !weights.has("features.2.conv.3.running_mean")) return std::nullopt;
  Style style;
  if (hugging_face) {
    const bool config = file.config.is_object();
    style = {.epsilon = config ? file.config.value("layer_norm_eps", 1e-3) : 1e-3,
             .same = !config || file.config.value("tf_padding", true)};
  }
  std::vector<Builder> modules{
      activated({.in = stem.at(1), .out = stem.at(0), .kernel = 3, .stride = 2, .padding = 1, .same = style.same}, style)};
  const std::vector<std::int64_t> strides{1, 2, 2, 2, 1, 2, 1};
  std::int64_t last = 0;
  std::size_t stage = 0;
  std::string path;
  for (std::int64_t i = 1; weights.has((path = "features." + std::to_string(i) + ".conv.") + "0.0.weight"); ++i) {
    const std::int64_t out = weights.sizes(path + (weights.has(path + "3.weight") ? "2.weight" : "1.weight")).at(0);
    const bool first = out != last;
    modules.push_back(block(weights, path, first && stage < strides.size() ? strides[stage] : 1, style));
    stage += first ? 1 : 0;
    last = out;
  }
  const auto top = weights.sizes("features." + std::to_string(modules.size()) + ".0.weight");
  if (!top.empty()) modules.push_back(activated({.in = top.at(1), .out = top.at(0)}, style));
  std::vector<Step> steps;
  for (std::size_t i = 0; i < modules.size(); ++i) steps.push_back({std::to_string(i), &modules[i]});
  Builder net("mobilenet_v2.MobileNetV2");
  net.child("features", sequence("mobilenet_v2.Features", steps));
  std::string source = "def forward(self, x):\n    x = self.features.forward(x)\n";
  if (const auto classes = weights.sizes("classifier.1.weight"); !classes.empty()) {
    const Builder scores = linear(classes.at(1), classes.at(0));
    net.child("classifier",
              sequence("mobilenet_v2.Classifier", {{.name = "", .code = "x = torch.dropout(x, 0.2, self.training)"}, {"1", &scores}}));
    source += "    x = self.classifier.forward(x.mean([2, 3]))\n";
  }
  const Json images = hugging_face ? image_preprocess(224, "bilinear", {0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}) : image_preprocess(224);
  return Recipe{"mobilenet_v2", net.define(source + "    return x\n").network(), weights.tensors, images};
}

}  // namespace

Architecture mobilenet_v2() { return {"mobilenet_v2", "features.0.0.weight, features.1.conv.0.0.weight", recognize}; }

}  // namespace graft::backbone
