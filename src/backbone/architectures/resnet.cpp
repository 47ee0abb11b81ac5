// ResNet (He et al., 2015): torchvision's and timm's names, Hugging Face's, and the family for CIFAR-10 of 32 x 32 pixels.
#include <ATen/ATen.h>

#include "backbone/architecture.h"
#include "backbone/layers.h"

namespace graft::backbone {

Architecture resnet();

namespace {

using graph::Builder;

/// Hugging Face's names to torchvision's.
std::string plain_name(const std::string& file_name) {
  std::string name = replaced(file_name, {{"resnet.embedder.embedder.convolution.", "conv1."},
                                          {"resnet.embedder.embedder.normalization.", "bn1."},
                                          {"classifier.1.", "fc."},
                                          {"linear.", "fc."}});
  const std::string stages = "resnet.encoder.stages.";
  if (!name.starts_with(stages)) return name;
  // STAGE.layers.BLOCK.layer.PLACE.convolution.weight, STAGE.layers.BLOCK.shortcut.normalization.bias
  name.erase(0, stages.size());
  const std::size_t dot = name.find('.');
  const std::string stage = std::to_string(std::stoi(name.substr(0, dot)) + 1),
                    block = name.substr(dot + 8, name.find('.', dot + 8) - dot - 8);
  const std::string rest = name.substr(name.find('.', dot + 8) + 1), place = "layer" + stage + "." + block + ".";
  if (rest.starts_with("shortcut."))
    return place + replaced(rest, {{"shortcut.convolution.", "downsample.0."}, {"shortcut.normalization.", "downsample.1."}});
  const std::string index = std::to_string(std::stoi(rest.substr(6)) + 1), tail = rest.substr(rest.find('.', 6) + 1);
  return place + replaced(tail, {{"convolution.", "conv" + index + "."}, {"normalization.", "bn" + index + "."}});
}

/// One block, as the shapes of its weights say.
Builder block(const Weights& weights, const std::string& path, std::int64_t stride, bool pads_channels) {
  const bool deep = weights.has(path + "conv3.weight");
  const auto first = weights.sizes(path + "conv1.weight"), second = weights.sizes(path + "conv2.weight");
  const std::int64_t in = first.at(1), middle = first.at(0), out = deep ? weights.sizes(path + "conv3.weight").at(0) : second.at(0);
  const bool projects = weights.has(path + "downsample.0.weight");
  Builder made(deep ? "resnet.Bottleneck" : "resnet.BasicBlock");
  made.child("conv1",
             convolution({.in = in, .out = middle, .kernel = first.at(2), .stride = deep ? 1 : stride, .padding = first.at(2) / 2}))
      .child("bn1", batch_norm(middle))
      .child(
          "conv2",
          convolution(
              {.in = middle, .out = second.at(0), .kernel = 3, .stride = deep ? stride : 1, .padding = 1, .groups = middle / second.at(1)}))
      .child("bn2", batch_norm(second.at(0)));
  std::string source =
      "def forward(self, x):\n"
      "    y = torch.relu(self.bn1.forward(self.conv1.forward(x)))\n"
      "    y = self.bn2.forward(self.conv2.forward(y))\n";
  if (deep) {
    made.child("conv3", convolution({.in = second.at(0), .out = out})).child("bn3", batch_norm(out));
    source += "    y = self.bn3.forward(self.conv3.forward(torch.relu(y)))\n";
  }
  if (projects) {
    const Builder project = convolution({.in = in, .out = out, .stride = stride}), norm = batch_norm(out);
    made.child("downsample", sequence("resnet.Projection", {{"0", &project}, {"1", &norm}}));
    source += "    x = self.downsample.forward(x)\n";
  } else if (pads_channels && (stride > 1 || in != out)) {
    // Every second pixel, with channels of zeros on both sides.
    const std::string side = std::to_string((out - in) / 2);
    source += "    x = torch.constant_pad_nd(x[:, :, ::2, ::2], [0, 0, 0, 0, " + side + ", " + side + "], 0.0)\n";
  }
  return made.define(source + "    return torch.relu(x + y)\n");
}

Builder stage(const Weights& weights, const std::string& path, std::int64_t stride, bool pads_channels) {
  std::vector<Builder> blocks;
  std::vector<Step> steps;
  const std::int64_t size = weights.count(path + ".#.conv1.weight");
  for (std::int64_t i = 0; i < size; ++i)
    blocks.push_back(block(weights, path + "." + std::to_string(i) + ".", i == 0 ? stride : 1, pads_channels));
  for (std::int64_t i = 0; i < size; ++i) steps.push_back({std::to_string(i), &blocks[static_cast<std::size_t>(i)]});
  return sequence("resnet.Stage", steps);
}

std::optional<Recipe> recognize(const Weights& file) {
  const Weights weights = renamed(file, plain_name);
  const auto stem = weights.sizes("conv1.weight");
  const std::int64_t stages = weights.count("layer1.#.conv1.weight") == 0 ? 0 : weights.count("layer4.#.conv1.weight") > 0 ? 4 : 3;
  if (stem.size() != 4 || stages == 0 || !weights.has("bn1.running_mean")) return std::nullopt;
  const bool small = stem.at(2) == 3;  // the CIFAR family has neither the large stem nor its pooling
  Builder net("resnet.ResNet");
  net.child("conv1",
            convolution({.in = stem.at(1), .out = stem.at(0), .kernel = stem.at(2), .stride = small ? 1 : 2, .padding = stem.at(2) / 2}))
      .child("bn1", batch_norm(stem.at(0)));
  std::string source =
      "def forward(self, x):\n"
      "    x = torch.relu(self.bn1.forward(self.conv1.forward(x)))\n";
  if (!small) source += "    x = torch.max_pool2d(x, [3, 3], [2, 2], [1, 1], [1, 1], False)\n";
  std::int64_t layers = 2;
  for (std::int64_t i = 1; i <= stages; ++i) {
    const std::string name = "layer" + std::to_string(i);
    net.child(name, stage(weights, name, i == 1 ? 1 : 2, small));
    source += "    x = self." + name + ".forward(x)\n";
    layers += weights.count(name + ".#.conv1.weight") * (weights.has(name + ".0.conv3.weight") ? 3 : 2);
  }
  const auto classes = weights.sizes("fc.weight");
  if (!classes.empty()) {
    net.child("fc", linear(classes.at(1), classes.at(0)));
    source += "    x = self.fc.forward(x.mean([2, 3]))\n";
  }
  Json images = image_preprocess(small ? 32 : 224);
  if (small) images["crop_share"] = 1;  // its pictures are whole as they are
  return Recipe{"resnet" + std::to_string(layers), net.define(source + "    return x\n").network(), weights.tensors, images};
}

}  // namespace

Architecture resnet() { return {"resnet", "conv1.weight, layer1.0.conv1.weight, fc.weight", recognize}; }

}  // namespace graft::backbone
