// The fast form of a frozen network: the same numbers from the processor's kernels.
#include "graph/fast_form.h"

#include <torch/csrc/jit/api/module.h>

#include <map>

#include "graph/findings.h"
#include "graph/walk.h"
#include "halves.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

/// How often each operator stands in forward.
std::map<std::string, int> operators(const graph::Network& network) {
  std::map<std::string, int> counts;
  const auto graph = graph::inlined_forward(network.module());
  graph::for_each_node(graph->block(), [&](torch::jit::Node* node) { ++counts[node->kind().toQualString()]; });
  return counts;
}

double difference(const graph::Network& a, const graph::Network& b, const std::vector<c10::IValue>& inputs) {
  const c10::NoGradGuard no_grad;
  const Fields expected = a(inputs), found = b(inputs);
  double largest = 0;
  for (const auto& [name, tensor] : expected) largest = std::max(largest, test::relative_difference(found[name], tensor));
  return largest;
}

}  // namespace

TEST_CASE("FastForm: the outputs of every kind of network, within 1e-5, for other inputs and batch sizes", "[graph]") {
  const std::string name = GENERATE("resnet", "mobilenet", "vit", "bert", "lstm", "functional");
  const std::string form = GENERATE("script", "trace_eval", "frozen");
  const bool onednn = GENERATE(false, true);
  INFO(name << " " << form << ", oneDNN's linear layers: " << onednn);
  graph::Network network = graph::repaired(graph::Network::load(test::golden_path("checkpoints/" + name + "_" + form + ".pt")));
  network.eval();
  const graph::FastForm fast = graph::fast_form(network, test::inputs_of(name, 2), {.onednn_linears = onednn});
  INFO(fast.why);
  REQUIRE(fast.network);
  for (const std::int64_t rows : {1, 5}) CHECK(difference(network, *fast.network, test::inputs_of(name, rows)) < 1e-5);
}

TEST_CASE("FastForm: a RoBERTa, whose places depend on padding", "[graph]") {
  const bool onednn = GENERATE(false, true);
  graph::Network network = test::tiny_roberta().network();
  network.eval();
  const graph::FastForm fast = graph::fast_form(network, test::inputs_of("roberta", 2), {.onednn_linears = onednn});
  INFO(fast.why);
  REQUIRE(fast.network);
  for (const std::int64_t rows : {1, 5}) CHECK(difference(network, *fast.network, test::inputs_of("roberta", rows)) < 1e-5);
  auto counts = operators(*fast.network);
  CHECK(counts["aten::gelu"] == (onednn ? 0 : 2));  // a fused one by oneDNN only
  CHECK(counts["aten::scaled_dot_product_attention"] == 0);
}

TEST_CASE("FastForm: norms are folded, layers packed, activations and sums fused", "[graph]") {
  const auto of = [](const std::string& file, const std::string& name) {
    graph::Network network = graph::Network::load(test::golden_path("checkpoints/" + file));
    network.eval();
    return operators(graph::fast_form(network, test::inputs_of(name, 2), {.onednn_linears = true}).network.value());
  };
  auto resnet = of("resnet_script.pt", "resnet");
  CHECK(resnet["aten::batch_norm"] == 0);
  CHECK(resnet["aten::conv2d"] + resnet["aten::_convolution"] == 0);
  CHECK(resnet["mkldnn::_convolution_pointwise"] > 0);
  CHECK(resnet["aten::relu"] + resnet["aten::relu_"] == 0);
  CHECK(resnet["aten::add"] + resnet["aten::add_"] == 0);
  auto bert = of("bert_trace_eval.pt", "bert");
  CHECK(bert["aten::linear"] == 0);
  CHECK(bert["aten::softmax"] == 0);
  CHECK(bert["aten::gelu"] == 0);
  CHECK(bert["graft::short_attention"] > 0);
}

TEST_CASE("FastForm: linear layers of one input become one", "[graph]") {
  at::manual_seed(1);
  const graph::Network network = test::network_of(
      "def forward(self, x):\n"
      "    q = torch.linear(x, self.a, self.bias).view([x.size(0), 2, 4])\n"
      "    k = torch.linear(x, self.b, self.bias).view([x.size(0), 2, 4])\n"
      "    return torch.matmul(q, k.transpose(1, 2))\n",
      {{"a", at::randn({8, 6})}, {"b", at::randn({8, 6})}, {"bias", at::randn({8})}});
  const std::vector<c10::IValue> inputs{at::randn({3, 6})};
  const graph::FastForm fast = graph::fast_form(network, inputs, {.onednn_linears = true});
  INFO(fast.why);
  REQUIRE(fast.network);
  CHECK(operators(*fast.network)["graft::block_linear"] == 1);
  CHECK(difference(network, *fast.network, inputs) < 1e-5);
}

TEST_CASE("FastForm: attention written out in any of its spellings is one kernel", "[graph]") {
  const std::string scores = GENERATE("torch.matmul(q, k.transpose(-1, -2)) / 2.0", "torch.matmul(q / 2.0, k.transpose(2, 3))",
                                      "torch.matmul(q, k.permute([0, 1, 3, 2]) * 0.5)", "0.5 * torch.matmul(q, k.transpose(-2, -1))");
  const std::string masked = GENERATE("s", "s + mask", "mask + s");
  const graph::Network network = test::network_of("def forward(self, q, k, v, mask):\n    s = " + scores +
                                                      "\n    return torch.matmul(torch.softmax(" + masked + ", -1), v) * self.one\n",
                                                  {{"one", at::ones({1})}});
  at::manual_seed(1);
  const std::vector<c10::IValue> inputs{at::randn({3, 2, 5, 4}), at::randn({3, 2, 6, 4}), at::randn({3, 2, 6, 4}), at::randn({3, 1, 1, 6})};
  const graph::FastForm fast = graph::fast_form(network, inputs);
  INFO(fast.why);
  REQUIRE(fast.network);
  auto counts = operators(*fast.network);
  CHECK(counts["graft::short_attention"] == 1);
  CHECK(counts["aten::softmax"] == 0);
  CHECK(difference(network, *fast.network, inputs) < 1e-5);
}

TEST_CASE("FastForm: what is read twice is not fused away", "[graph]") {
  at::manual_seed(1);
  const graph::Network network = test::network_of(
      "def forward(self, x):\n"
      "    y = torch.linear(x, self.w, None)\n"
      "    return (y, torch.relu(y), y + x)\n",
      {{"w", at::randn({6, 6})}});
  const std::vector<c10::IValue> inputs{at::randn({3, 6})};
  const graph::FastForm fast = graph::fast_form(network, inputs, {.onednn_linears = true});
  REQUIRE(fast.network);
  CHECK(difference(network, *fast.network, inputs) < 1e-5);
}

TEST_CASE("FastForm: none for a network with a state, and the reason", "[graph][error]") {
  graph::Network network = graph::Network::load(test::golden_path("checkpoints/stateful.pt"));
  network.eval();
  const graph::FastForm fast = graph::fast_form(network, {at::randn({2, 4})});
  CHECK_FALSE(fast.network);
  CHECK(fast.why == "the network keeps a state from call to call");
}

TEST_CASE("FastForm: inputs that the network refuses give a reason, not an exception", "[graph][error]") {
  const graph::Network network =
      test::network_of("def forward(self, x):\n    return torch.linear(x, self.w, None)\n", {{"w", at::ones({2, 3})}});
  const graph::FastForm fast = graph::fast_form(network, {at::ones({1, 4})});
  CHECK_FALSE(fast.network);
  CHECK_FALSE(fast.why.empty());
}
