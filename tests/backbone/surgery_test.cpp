#include "graft/backbone/surgery.h"

#include <ATen/ATen.h>

#include "graph/network.h"
#include "support.h"

using namespace graft;

namespace {

Backbone load(const std::string& file) { return Backbone::load(test::golden_path("checkpoints/" + file + ".pt")); }

at::Tensor parameter(const Backbone& backbone, const std::string& name) {
  for (const auto& [key, tensor] : backbone.network().parameters()) {
    if (key == name) return tensor;
  }
  FAIL("no parameter " << name);
  return {};
}

}  // namespace

TEST_CASE("Surgery: a classifier of another number of classes keeps chosen rows and all names", "[backbone]") {
  const Backbone whole = load("resnet_script");
  const Backbone changed = backbone::with_classes(whole, {.classes = 3, .keep = {4, 1}});
  const at::Tensor pictures = at::randn({2, 3, 16, 16});
  const at::Tensor before = whole({{"x", pictures}})["output"], after = changed({{"x", pictures}})["output"];
  CHECK(after.sizes().vec() == std::vector<std::int64_t>{2, 3});
  CHECK(test::relative_difference(after.select(1, 0), before.select(1, 4)) < 1e-5);
  CHECK(test::relative_difference(after.select(1, 1), before.select(1, 1)) < 1e-5);
  CHECK(parameter(whole, "fc.weight").size(0) == 5);  // the original is as it was
  const at::Tensor drawn = parameter(changed, "fc.weight")[2];
  CHECK(drawn.abs().max().item<double>() <= 0.25);  // 1 / sqrt(16)
  CHECK(at::equal(parameter(backbone::with_classes(whole, {.classes = 3}), "fc.weight"),
                  parameter(backbone::with_classes(whole, {.classes = 3}), "fc.weight")));
}

TEST_CASE("Surgery: without its classifier a network gives what that read", "[backbone]") {
  const Backbone whole = load("resnet_script");
  const Backbone cut = backbone::without_classifier(whole);
  const at::Tensor pictures = at::randn({2, 3, 16, 16});
  const at::Tensor features = cut({{"x", pictures}})["features"];
  CHECK(test::relative_difference(at::linear(features, parameter(whole, "fc.weight"), parameter(whole, "fc.bias")),
                                  whole({{"x", pictures}})["output"]) < 1e-6);
  CHECK(cut.num_parameters() == whole.num_parameters() - 5 * 16 - 5);
}

TEST_CASE("Surgery: other numbers of input channels", "[backbone]") {
  const Backbone whole = load("resnet_script");
  const at::Tensor grey = at::randn({2, 1, 16, 16});
  // The same grey value in all three channels, or once: the same sum.
  const at::Tensor expected = whole({{"x", grey.expand({2, 3, 16, 16})}})["output"];
  CHECK(test::relative_difference(backbone::with_input_channels(whole, 1)({{"x", grey}})["output"], expected) < 1e-5);
  const Backbone six = backbone::with_input_channels(whole, 6);
  CHECK(test::relative_difference(six({{"x", grey.expand({2, 6, 16, 16})}})["output"], expected) < 1e-5);
  const at::Tensor four = parameter(backbone::with_input_channels(whole, 4), "conv1.weight"), three = parameter(whole, "conv1.weight");
  CHECK(test::relative_difference(four.select(1, 3), three.select(1, 0) * 0.75) < 1e-6);
}

TEST_CASE("Surgery says what does not fit", "[backbone][error]") {
  CHECK(test::error_of<ConfigError>([] { backbone::with_classes(load("resnet_script"), {.classes = 2, .keep = {7}}); }).code() ==
        "graft-C023");
  CHECK(test::error_of<ModelError>([] { backbone::with_classes(load("bert_script"), {.classes = 2}); }).code() == "graft-M023");
  CHECK(test::error_of<ModelError>([] { backbone::with_input_channels(load("bert_script"), 1); }).code() == "graft-M019");
  CHECK(test::error_of<ModelError>([] { backbone::without_classifier(load("bert_script")); }).code() == "graft-M023");
  CHECK(test::error_of<ModelError>([] { backbone::with_classes(load("resnet_frozen"), {.classes = 2}); }).code() == "graft-M023");
  CHECK(backbone::with_classes(load("resnet_frozen").repair(), {.classes = 2})({{"x", at::randn({2, 3, 16, 16})}})["output"].size(1) == 2);
}

TEST_CASE("Backbone: a stateful network starts from the file's state in each call", "[backbone]") {
  const Backbone net = load("stateful");
  const at::Tensor input = at::randn({3, 4});
  CHECK(at::equal(net({{"x", input}})["output"], net({{"x", input}})["output"]));
  CHECK(net({{"x", at::randn({5, 4})}})["output"].size(0) == 5);
}

TEST_CASE("Backbone: taps and features", "[backbone]") {
  const Backbone whole = load("resnet_trace_eval");
  bool found = false;
  for (const auto& tap : whole.taps()) found |= tap.name == "layer2.0" && tap.is_module;
  CHECK(found);
  const Backbone pyramid = whole.features({"layer1", "layer2"});
  CHECK(pyramid({{"x", at::randn({2, 3, 16, 16})}}).names() == std::vector<std::string>{"layer1", "layer2"});
  CHECK(pyramid.groups().back().name == "layer2.0");
  CHECK(pyramid.repair().findings().empty());
}
