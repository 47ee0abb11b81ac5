#include "graph/reach.h"

#include <torch/csrc/jit/api/module.h>

#include "graph/findings.h"
#include "support.h"

using namespace graft;

namespace {

graph::Network load(const std::string& file) {
  graph::Network network = graph::Network::load(test::golden_path("checkpoints/" + file + ".pt"));
  network.eval();
  return network;
}

bool has(const graph::Network& network, const std::string& name) {
  const auto taps = graph::taps(network);
  return std::ranges::find(taps, name, &graph::Tap::name) != taps.end();
}

Fields run(const graph::Network& network, const at::Tensor& input) {
  const c10::NoGradGuard no_grad;
  return network({input});
}

}  // namespace

TEST_CASE("Reach: several modules by their paths, scripted and traced, what comes after is gone", "[graph]") {
  at::manual_seed(1);
  const at::Tensor pictures = at::randn({3, 3, 16, 16});
  Fields scripted;
  for (const std::string file : {"resnet_script", "resnet_trace_eval"}) {
    INFO(file);
    const graph::Network pyramid = graph::with_features(load(file), {"layer1", "layer2.0.conv1", "output"});
    const Fields outputs = run(pyramid, pictures);
    CHECK(outputs.names() == std::vector<std::string>{"layer1", "layer2.0.conv1", "output"});
    CHECK(outputs["layer1"].sizes().vec() == std::vector<std::int64_t>{3, 8, 8, 8});
    CHECK(at::equal(outputs["output"], run(load(file), pictures)["output"]));
    if (scripted.empty()) scripted = outputs;
    CHECK(at::equal(outputs["layer1"], scripted["layer1"]));
    CHECK(at::equal(outputs["layer2.0.conv1"], scripted["layer2.0.conv1"]));

    const graph::Network cut = graph::with_features(load(file), {"layer1"});
    for (const auto& [name, tensor] : cut.parameters())
      CHECK((name.starts_with("conv1") || name.starts_with("bn1") || name.starts_with("layer1")));
    CHECK(at::equal(run(cut, pictures)["layer1"], outputs["layer1"]));
  }
}

TEST_CASE("Reach: a value that is overwritten in place later is given as it was", "[graph]") {
  const graph::Network network = load("resnet_script");
  const at::Tensor pictures = at::randn({2, 3, 16, 16});
  const Fields outputs = run(graph::with_features(network, {"bn1", "relu"}), pictures);
  CHECK(outputs["bn1"].min().item<float>() < 0);
  CHECK(at::equal(outputs["bn1"].relu(), outputs["relu"]));
}

TEST_CASE("Reach: a module that is called twice, operators without a module, elements of tuples", "[graph]") {
  const graph::Network resnet = load("resnet_script");
  CHECK(has(resnet, "layer1.0.relu#1"));
  CHECK(has(resnet, "layer1.0.relu"));
  CHECK(has(resnet, "layer1.0.add0"));
  const Fields outputs = run(graph::with_features(resnet, {"layer1.0.add0", "layer1.0.relu"}), at::randn({2, 3, 16, 16}));
  CHECK(at::equal(outputs["layer1.0.add0"].relu(), outputs["layer1.0.relu"]));

  CHECK(has(load("functional_script"), "conv2d0"));
  CHECK(has(load("functional_trace_eval"), "convolution0"));
  CHECK(has(load("functional_frozen"), "conv2d0"));
  CHECK(run(graph::with_features(load("functional_frozen"), {"relu0"}), at::randn({2, 3, 9, 9}))["relu0"].sizes().vec() ==
        std::vector<std::int64_t>{2, 8, 4, 4});
  CHECK(has(load("lstm_script"), "lstm.output.0"));
}

TEST_CASE("Reach: entries of a dictionary are outputs by their key", "[graph]") {
  const Fields outputs = run(graph::with_features(load("whole"), {"hidden", "net.layer1"}), at::randn({2, 3, 16, 16}));
  CHECK(outputs["hidden"].sizes().vec() == std::vector<std::int64_t>{2, 16});
  CHECK(outputs["net.layer1"].sizes().vec() == std::vector<std::int64_t>{2, 8, 8, 8});
}

TEST_CASE("Reach: a cut network is repaired, saved and loaded like any other", "[graph]") {
  const test::TempDir folder;
  const at::Tensor pictures = at::randn({2, 3, 16, 16});
  const graph::Network cut = graph::repaired(graph::with_features(load("resnet_trace_eval"), {"layer1.0", "layer2"}));
  cut.save(folder.file("cut.pt"));
  const graph::Network back = graph::Network::load(folder.file("cut.pt"));
  for (const Finding& finding : graph::findings(back)) FAIL_CHECK(finding.message);
  CHECK(at::equal(run(back, pictures)["layer2"], run(cut, pictures)["layer2"]));
}

TEST_CASE("Reach: a name that is not there is told with near ones", "[graph][error]") {
  const auto error = test::error_of<ModelError>([] {
    graph::with_features(load("resnet_script"), {"layer1", "layer3", "nothing.like.it"});
  });
  CHECK(error.code() == "graft-M022");
  CHECK(error.problems().size() == 2);
  CHECK(error.remedy().find("\"layer1\"") != std::string::npos);
}
