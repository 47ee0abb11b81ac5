#include "graph/ends.h"

#include "halves.h"
#include "support.h"

using namespace graft;

namespace {

graph::Network load(const std::string& file) {
  graph::Network network = graph::Network::load(test::golden_path("checkpoints/" + file + ".pt"));
  network.eval();
  return network;
}

}  // namespace

TEST_CASE("Ends: the classifier is found behind dropout, in every form, and not where there is none", "[graph]") {
  CHECK(graph::classifier(load("resnet_script"))->weight == "fc.weight");
  CHECK(graph::classifier(load("resnet_trace_eval"))->bias == "fc.bias");
  CHECK(graph::classifier(load("mobilenet_script"))->weight == "classifier.1.weight");
  CHECK(graph::classifier(load("whole"))->weight == "net.fc.weight");
  CHECK_FALSE(graph::classifier(load("bert_script")));
  const c10::NoGradGuard no_grad;
  CHECK(graph::without_classifier(load("resnet_script"))({at::randn({2, 3, 16, 16})})["features"].sizes().vec() ==
        std::vector<std::int64_t>{2, 16});
}

TEST_CASE("Ends: a classifier is told from one beside other outputs", "[graph]") {
  const auto is_only = [](const std::string& outputs) {
    const std::string code = "def forward(self, x):\n    y = torch.linear(torch.tanh(x), self.w)\n    return " + outputs + "\n";
    return graph::classifier(test::network_of(code, {{"w", at::ones({2, 4})}}))->is_only_output;
  };
  CHECK(is_only("y"));
  CHECK(is_only("(y,)"));
  CHECK(is_only("{'logits': y}"));
  CHECK_FALSE(is_only("(x, y)"));
  CHECK_FALSE(is_only("{'hidden': x, 'logits': y}"));
}

TEST_CASE("Ends: what a network does with its arguments first", "[graph]") {
  using Kind = graph::FirstUse::Kind;
  CHECK(graph::first_use(load("resnet_script"), "x").kind == Kind::Pictures);
  CHECK(graph::first_use(load("resnet_trace_eval"), "x").width == 3);
  CHECK(graph::first_use(load("vit_frozen"), "x").kind == Kind::Pictures);
  CHECK(graph::first_use(load("bert_script"), "input_ids").kind == Kind::Tokens);
  CHECK(graph::first_use(load("detach"), "x").kind == Kind::Vectors);
  CHECK(graph::first_use(load("detach"), "x").width == 4);
  CHECK(graph::first_convolution(load("mobilenet_script")) == "stem.0.weight");
  CHECK(graph::first_convolution(load("bert_script")).empty());
}
