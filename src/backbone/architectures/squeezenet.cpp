// SqueezeNet 1.0 and 1.1 (Iandola et al., 2016): torchvision's names, and those of LPIPS, which has its features alone.
#include "backbone/architecture.h"
#include "backbone/layers.h"

namespace graft::backbone {

Architecture squeezenet();

namespace {

using graph::Builder;

/// LPIPS counts the features in slices: "net.slice2.3.squeeze.weight" is "features.3.squeeze.weight".
std::string plain_name(const std::string& name) {
  const std::string slice = "net.slice";
  if (name.starts_with(slice)) return "features" + name.substr(name.find('.', slice.size()));
  const bool other = name.starts_with("lin") || name.starts_with("scaling_layer.");
  return other ? "" : name;
}

Builder fire(const Weights& weights, const std::string& path) {
  const auto squeeze = weights.sizes(path + "squeeze.weight");
  const auto small = weights.sizes(path + "expand1x1.weight"), large = weights.sizes(path + "expand3x3.weight");
  return Builder("squeezenet.Fire")
      .child("squeeze", convolution({.in = squeeze.at(1), .out = squeeze.at(0), .bias = true}))
      .child("expand1x1", convolution({.in = small.at(1), .out = small.at(0), .bias = true}))
      .child("expand3x3", convolution({.in = large.at(1), .out = large.at(0), .kernel = 3, .padding = 1, .bias = true}))
      .define(
          "def forward(self, x):\n"
          "    x = torch.relu(self.squeeze.forward(x))\n"
          "    return torch.cat([torch.relu(self.expand1x1.forward(x)), torch.relu(self.expand3x3.forward(x))], 1)\n");
}

std::optional<Recipe> recognize(const Weights& file) {
  const Weights weights = renamed(file, plain_name);
  const auto stem = weights.sizes("features.0.weight");
  if (stem.size() != 4 || !weights.any("features.3.squeeze.") || !weights.any("features.12.squeeze.")) return std::nullopt;
  const bool first_version = stem.at(2) == 7;
  std::vector<Builder> modules;
  modules.reserve(16);  // steps point into it
  std::vector<Step> steps;
  modules.push_back(convolution({.in = stem.at(1), .out = stem.at(0), .kernel = stem.at(2), .stride = 2, .bias = true}));
  steps.push_back({"0", &modules.back()});
  steps.push_back({.name = "", .code = "x = torch.relu(x)"});
  for (int place = 2; place <= 12; ++place) {
    const std::string path = "features." + std::to_string(place) + ".";
    if (weights.has(path + "squeeze.weight")) {
      modules.push_back(fire(weights, path));
      steps.push_back({std::to_string(place), &modules.back()});
    } else {
      steps.push_back({.name = "", .code = "x = torch.max_pool2d(x, [3, 3], [2, 2], [0, 0], [1, 1], True)"});
    }
  }
  Builder net("squeezenet.SqueezeNet");
  net.child("features", sequence("squeezenet.Features", steps));
  std::string source = "def forward(self, x):\n    x = self.features.forward(x)\n";
  if (const auto classes = weights.sizes("classifier.1.weight"); !classes.empty()) {
    const Builder scores = convolution({.in = classes.at(1), .out = classes.at(0), .bias = true});
    net.child("classifier",
              sequence("squeezenet.Classifier", {{.name = "", .code = "x = torch.dropout(x, 0.5, self.training)"}, {"1", &scores}}));
    source += "    x = torch.relu(self.classifier.forward(x)).mean([2, 3])\n";
  }
  return Recipe{first_version ? "squeezenet1_0" : "squeezenet1_1", net.define(source + "    return x\n").network(), weights.tensors,
                image_preprocess(224)};
}

}  // namespace

Architecture squeezenet() { return {"squeezenet", "features.0.weight, features.3.squeeze.weight", recognize}; }

}  // namespace graft::backbone
