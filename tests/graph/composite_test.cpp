#include "graph/composite.h"

#include "graph/builder.h"
#include "graph/trace.h"
#include "support.h"

using namespace graft;

TEST_CASE("Composite: backbone and head run one after the other, and load again", "[graph]") {
  const test::TempDir folder;
  const c10::NoGradGuard no_grad;
  const graph::Network backbone =
      graph::Network::load(test::golden_path("mlp_dict_script.pt")).instance([](const std::string&) { return false; });
  const at::Tensor weight = at::randn({2, 8});
  const auto forward = [&](const Fields& f) { return Fields{{"logits", at::linear(f["hidden"], weight)}}; };
  const graph::Traced head = graph::trace("Head", {{"weight", weight}}, {}, {{"hidden", at::randn({2, 8})}}, forward);
  const graph::Network whole = graph::compose(
      backbone, head.network, {.inputs = {{"x"}}, .backbone_arguments = {"x=x", "scale=2.0"}, .head_arguments = {"outputs[\"hidden\"]"}});
  whole.save(folder.file("whole.pt"));

  const at::Tensor x = at::randn({3, 5});
  const at::Tensor expected = at::linear(backbone({x, 2.0})["hidden"], weight);
  CHECK(test::max_difference(graph::Network::load(folder.file("whole.pt"))({x})["output"], expected) < 1e-6);
  CHECK(whole.child("backbone").parameters().size() == backbone.parameters().size());
}

TEST_CASE("Composite: an absent mask counts as all ones", "[graph]") {
  const c10::NoGradGuard no_grad;
  const graph::Network twice = graph::Builder("Twice").define("def forward(self, ids):\n    return ids * 2.0\n").network();
  const auto forward = [](const Fields& f) { return Fields{{"logits", (f["output"] * f["mask"]).sum(1)}}; };
  const graph::Traced head = graph::trace("Head", {}, {}, {{"output", at::ones({2, 3})}, {"mask", at::ones({2, 3}, at::kLong)}}, forward);
  const graph::Network whole = graph::compose(twice, head.network,
                                              {.inputs = {{"ids"}, {"mask", true}},
                                               .backbone_arguments = {"ids=ids"},
                                               .head_arguments = {"outputs", graph::or_filled("mask", "ones", "ids")}});
  const at::Tensor ids = at::ones({1, 4});
  CHECK(whole({ids, c10::IValue()})["output"].item<float>() == 8);
  CHECK(whole({ids, at::tensor({1, 1, 0, 0}, at::kLong).unsqueeze(0)})["output"].item<float>() == 4);
}

TEST_CASE("Builder: source that does not compile is refused, with the compiler's words kept", "[graph][error]") {
  graph::Builder builder("Broken");
  const auto error = test::error_of<ModelError>([&] { builder.define("def forward(self, x):\n    return torch.no_such_operator(x)\n"); });
  CHECK(error.code() == "graft-M004");
  CHECK(error.details().find("no_such_operator") != std::string::npos);
}

TEST_CASE("Builder: numbers are written with all digits and never as integers", "[graph]") {
  CHECK(graph::literal(1) == "1.0");
  CHECK(std::stod(graph::literal(1e-12)) == 1e-12);
  CHECK(std::stod(graph::literal(0.1)) == 0.1);
}
