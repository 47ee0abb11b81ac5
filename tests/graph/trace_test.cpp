#include "graph/trace.h"

#include <torch/csrc/jit/api/module.h>

#include "support.h"

using namespace graft;

namespace {

struct Layer {
  at::Tensor weight = at::randn({4, 6}).requires_grad_();
  Fields operator()(const Fields& features, bool training = false) const {
    return {{"logits", at::linear(at::dropout(features["x"], 0.5, training), weight)}};
  }
};

}  // namespace

TEST_CASE("Trace: the module runs the C++ code on other sizes and shares its parameters", "[graph]") {
  const Layer layer;
  const graph::Traced traced =
      graph::trace("Layer", {{"weight", layer.weight}}, {}, {{"x", at::randn({2, 6})}}, [&](const Fields& f) { return layer(f); });
  CHECK(traced.inputs == std::vector<std::string>{"x"});
  CHECK(traced.outputs == std::vector<std::string>{"logits"});
  const Fields other{{"x", at::randn({5, 6})}};
  CHECK(at::equal(graph::run(traced, other)["logits"], layer(other)["logits"]));

  SECTION("a step on the tensor is seen by the module") {
    {
      const c10::NoGradGuard no_grad;
      layer.weight.mul_(2);
    }
    CHECK(at::equal(graph::run(traced, other)["logits"], layer(other)["logits"]));
  }
  SECTION("gradients reach the tensor through the module") {
    graph::run(traced, other)["logits"].sum().backward();
    CHECK(layer.weight.grad().defined());
  }
  SECTION("dropout follows the module's mode") {
    graph::Network network = traced.network;
    CHECK(at::equal(graph::run(traced, other)["logits"], graph::run(traced, other)["logits"]));
    network.train([](const std::string&) { return true; });
    const at::Tensor dropped = graph::run(traced, {{"x", at::ones({64, 6})}})["logits"];
    CHECK_FALSE(at::equal(dropped, graph::run(traced, {{"x", at::ones({64, 6})}})["logits"]));
  }
}

TEST_CASE("Trace: several outputs keep their names", "[graph]") {
  const auto forward = [](const Fields& f) { return Fields{{"sum", f["a"] + f["b"]}, {"product", f["a"] * f["b"]}}; };
  const graph::Traced traced = graph::trace("Two", {}, {}, {{"a", at::ones({2})}, {"b", at::ones({2})}}, forward);
  const Fields outputs = graph::run(traced, {{"a", at::full({3}, 2.0)}, {"b", at::full({3}, 5.0)}});
  CHECK(outputs["sum"][0].item<float>() == 7);
  CHECK(outputs["product"][0].item<float>() == 10);
}
