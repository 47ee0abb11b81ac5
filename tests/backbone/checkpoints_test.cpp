// Checkpoints that others made (the shared data's torchscript folder): what each must give.
#include <ATen/ATen.h>

#include <set>

#include "graft/backbone/backbone.h"
#include "graph/network.h"
#include "support.h"

using namespace graft;

namespace {

Backbone load(const std::string& file, const BackboneOptions& options = {}) {
  return Backbone::load(test::test_data("torchscript/" + file), options);
}

std::set<std::string> codes_of(const Backbone& backbone) {
  std::set<std::string> codes;
  for (const Finding& finding : backbone.findings()) codes.insert(finding.code);
  return codes;
}

using Codes = std::set<std::string>;

/// Parameters with a gradient that is not zero after one step, of all.
std::pair<std::size_t, std::size_t> gradients(const Backbone& backbone, std::vector<c10::IValue> inputs) {
  const graph::Network live = backbone.network().instance([](const std::string&) { return true; });
  live(std::move(inputs)).begin()->second.pow(2).sum().backward();
  std::size_t reached = 0, all = 0;
  for (const auto& [name, tensor] : live.parameters()) {
    ++all;
    reached += tensor.grad().defined() && tensor.grad().abs().sum().item<double>() > 0;
  }
  return {reached, all};
}

}  // namespace

TEST_CASE("Checkpoints: what is found in each of ten files from elsewhere", "[backbone][data]") {
  CHECK(codes_of(load("silero_vad_v6_head.jit")) == Codes{"graft-F013", "graft-F015"});
  CHECK(codes_of(load("silero_vad_3823.jit")) == Codes{"graft-F015"});
  CHECK(codes_of(load("tchrs_foo9.pt")) == Codes{"graft-F016"});
  CHECK(codes_of(load("torchsharp_l1000_100_10.script.dat")).empty());
  CHECK(codes_of(load("djl_deepar.pt")).contains("graft-F001"));
  CHECK(codes_of(load("djl_deepar.pt")).contains("graft-F005"));
  CHECK(load("djl_deepar.pt").source().parameters().size() == 17);
  CHECK(codes_of(load("silero_model_mini.jit")) == Codes{"graft-F009", "graft-F011"});
  CHECK(codes_of(load("silero_number_detector.jit")).contains("graft-F008"));
  CHECK(codes_of(load("android_vit4mnist_float.pth")) == Codes{"graft-F003", "graft-F004", "graft-F010"});
  CHECK(codes_of(load("ios_mobilenet_quantized.pt")).contains("graft-F011"));
  const auto missing = test::error_of<CheckpointError>([] { load("ios_d2go_optimized.pt"); });
  CHECK(missing.code() == "graft-K018");
  CHECK(missing.message().find("torchvision::nms") != std::string::npos);
}

TEST_CASE("Checkpoints: the voice nets as saved, and which parameters their gradient reaches", "[backbone][data]") {
  CHECK(load("silero_vad_v6_head.jit").findings().at(0).message.find("12 of 28") != std::string::npos);
  const at::Tensor sound = at::randn({4, 512});
  CHECK(gradients(load("silero_vad_v6_head.jit"), {sound, 16000}).first >= 12);
  const auto [reached, all] = gradients(load("silero_vad_3823.jit"), {sound, 16000});
  CHECK(reached < all);  // the other half serves 8 kHz
  CHECK(reached > 0);
}

TEST_CASE("Checkpoints: the number detector is not trainable end to end, and said so", "[backbone][data]") {
  const Finding finding = load("silero_number_detector.jit").findings().at(0);
  CHECK(finding.kind == FindingKind::Obstacle);
  CHECK(finding.message.find("not trainable end to end") != std::string::npos);
}

TEST_CASE("Checkpoints: a mobile build becomes trainable, equal to rounding", "[backbone][data]") {
  const Backbone frozen = load("android_vit4mnist_float.pth");
  CHECK(frozen.num_parameters() == 0);
  const Backbone thawed = frozen.repair();
  const at::Tensor picture = at::rand({1, 1, 28, 28});
  const at::Tensor before = frozen({{"x", picture}}).begin()->second, after = thawed({{"x", picture}}).begin()->second;
  CHECK(test::max_difference(before, after) <= 1e-5 * before.abs().max().item<double>());
  const auto [reached, all] = gradients(thawed, {picture});
  CHECK(all >= 72);
  CHECK(reached >= all - 1);
  CHECK(codes_of(thawed) == Codes{"graft-F010"});
}

TEST_CASE("Checkpoints: healthy nets from .NET and from elsewhere train as they are", "[backbone][data]") {
  CHECK(gradients(load("torchsharp_l1000_100_10.script.dat"), {at::randn({8, 1000})}) == std::pair<std::size_t, std::size_t>{4, 4});
  CHECK(gradients(load("tchrs_foo9.pt"), {at::randn({8, 256}), at::randn({8, 256})}) == std::pair<std::size_t, std::size_t>{8, 8});
}

TEST_CASE("Checkpoints: a quantized net serves as a frozen prefix", "[backbone][data]") {
  const Backbone net = load("ios_mobilenet_quantized.pt");
  CHECK(net({{"X", at::rand({1, 3, 224, 224})}}).begin()->second.size(0) == 1);
}
