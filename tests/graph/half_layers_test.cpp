// Frozen networks in bfloat16: what is rounded, and what is not.
#include "graph/half_layers.h"

#include <torch/csrc/jit/api/module.h>

#include "graph/fast_form.h"
#include "graph/findings.h"
#include "graph/walk.h"
#include "halves.h"
#include "support.h"

using namespace graft;

namespace {

graph::Network in_bfloat16(const graph::Network& network, const std::vector<c10::IValue>& example) {
  const graph::FastForm form = graph::fast_form(network, example, {.onednn_linears = false, .bfloat16 = true});
  INFO(form.why);
  REQUIRE(form.network);
  return *form.network;
}

at::Tensor output_of(const graph::Network& network, const std::vector<c10::IValue>& inputs) {
  const c10::NoGradGuard no_grad;
  return network(inputs)["output"];
}

at::Tensor rounded(const at::Tensor& tensor) { return tensor.to(at::kBFloat16).to(at::kFloat); }

/// In the norm: single numbers near zero say nothing.
double difference(const at::Tensor& found, const at::Tensor& expected) {
  return ((found - expected).norm() / expected.norm()).item<double>();
}

}  // namespace

TEST_CASE("HalfLayers: a linear layer rounds its input, its weights and its output, to nearest even", "[graph]") {
  // 8 bits of mantissa: between 1 and 2 numbers lie 2^-7 apart.
  const float step = 1.0F / 128;
  const graph::Network network = test::network_of("def forward(self, x):\n    return torch.linear(x, self.w, None)\n",
                                                  {{"w", at::tensor({1 + 0.25F * step, 1 + 0.75F * step}).view({2, 1})}});
  const graph::Network half = in_bfloat16(network, {at::tensor({1.0F, 2.0F}).view({2, 1})});
  // x = 1 + 1.5 steps lies between two numbers: the even one is 1 + 2 steps. (1 + step)(1 + 2 steps) rounds to 1 + 3 steps.
  const at::Tensor found = output_of(half, {at::tensor({1 + 1.5F * step}).view({1, 1})});
  CHECK(found.scalar_type() == at::kFloat);
  CHECK(found.equal(at::tensor({1 + 2 * step, 1 + 3 * step}).view({1, 2})));
}

TEST_CASE("HalfLayers: the outputs of every kind of network, for other inputs and batch sizes", "[graph]") {
  const std::string name = GENERATE("resnet", "mobilenet", "vit", "bert", "lstm", "functional");
  const std::string form = GENERATE("script", "trace_eval", "frozen");
  const bool onednn = GENERATE(false, true) && graph::is_fast_at_bfloat16(at::kCPU);
  INFO(name << " " << form << ", oneDNN's linear layers: " << onednn);
  graph::Network network = graph::repaired(graph::Network::load(test::golden_path("checkpoints/" + name + "_" + form + ".pt")));
  network.eval();
  const graph::FastForm half = graph::fast_form(network, test::inputs_of(name, 2), {.onednn_linears = onednn, .bfloat16 = true});
  INFO(half.why);
  REQUIRE(half.network);
  const c10::NoGradGuard no_grad;
  for (const std::int64_t rows : {1, 5}) {
    const std::vector<c10::IValue> inputs = test::inputs_of(name, rows);
    const Fields expected = network(inputs), found = (*half.network)(inputs);
    for (const auto& [field, tensor] : expected) {
      CHECK(found[field].scalar_type() == tensor.scalar_type());
      CHECK(difference(found[field], tensor) < 2e-2);  // in networks of so few channels little averages out
    }
  }
}

TEST_CASE("HalfLayers: from the first layer to the last nothing is widened in between", "[graph]") {
  graph::Network network = graph::Network::load(test::golden_path("checkpoints/bert_trace_eval.pt"));
  network.eval();
  const graph::Network half = in_bfloat16(network, test::inputs_of("bert", 2));
  int narrowed = 0, widened = 0;
  const auto graph = graph::inlined_forward(half.module());
  graph::for_each_node(graph->block(), [&](torch::jit::Node* node) {
    if (node->kind() != c10::aten::to || node->inputs().size() < 2) return;
    const auto type = torch::jit::constant_as<std::int64_t>(node->input(1));
    narrowed += type == static_cast<std::int64_t>(at::kBFloat16);
    widened += type == static_cast<std::int64_t>(at::kFloat) && node->input(0)->node()->kind() != c10::prim::Param;
  });
  CHECK(narrowed == 1);  // the embeddings
  CHECK(widened == 1);   // the output
}

TEST_CASE("HalfLayers: what lies apart from layers keeps its numbers", "[graph]") {
  at::manual_seed(1);
  // Rounded to bfloat16, the lowest float is -inf, and -inf * 0 is not a number.
  const graph::Network network = test::network_of(
      "def forward(self, x, mask):\n"
      "    return torch.linear(x, self.w, self.b) + (1.0 - mask) * -3.4028234663852886e+38 * 1e-38 + self.c * 0.0\n",
      {{"w", at::randn({4, 4})}, {"b", at::randn({4})}, {"c", at::ones({1})}});
  const std::vector<c10::IValue> inputs{at::randn({3, 4}), at::ones({3, 1})};
  const at::Tensor found = output_of(in_bfloat16(network, inputs), inputs);
  CHECK(difference(found, output_of(network, inputs)) < 1e-2);
}

TEST_CASE("HalfLayers: attention takes its mask as it is", "[graph]") {
  at::manual_seed(1);
  const graph::Network network = test::network_of(
      "def forward(self, x, mask):\n"
      "    q = torch.linear(x, self.q, None).view([x.size(0), x.size(1), 2, 4]).transpose(1, 2)\n"
      "    k = torch.linear(x, self.k, None).view([x.size(0), x.size(1), 2, 4]).transpose(1, 2)\n"
      "    s = torch.matmul(q, k.transpose(-1, -2)) / 2.0 + (1.0 - mask)[:, None, None, :] * -3.4028234663852886e+38\n"
      "    return torch.matmul(torch.softmax(s, -1), k)\n",
      {{"q", at::randn({8, 6})}, {"k", at::randn({8, 6})}});
  for (const std::int64_t length : {5, 40}) {
    at::Tensor mask = at::ones({3, length});
    mask.narrow(1, length - 2, 2).zero_();
    const std::vector<c10::IValue> inputs{at::randn({3, length, 6}), mask};
    const at::Tensor found = output_of(in_bfloat16(network, inputs), inputs);
    CHECK(difference(found, output_of(network, inputs)) < 1e-2);
  }
}

TEST_CASE("HalfLayers: projections that are divided stay narrow", "[graph]") {
  at::manual_seed(1);
  const graph::Network network = test::network_of(
      "def forward(self, x):\n"
      "    a, b = torch.linear(x, self.w, None).chunk(2, -1)\n"
      "    return torch.linear(a * torch.sigmoid(b), self.v, None)\n",
      {{"w", at::randn({8, 6})}, {"v", at::randn({3, 4})}});
  const std::vector<c10::IValue> inputs{at::randn({5, 6})};
  const graph::Network half = in_bfloat16(network, inputs);
  int casts = 0;
  const auto graph = graph::inlined_forward(half.module());
  graph::for_each_node(graph->block(), [&](torch::jit::Node* node) { casts += node->kind() == c10::aten::to; });
  CHECK(casts == 2);
  CHECK(difference(output_of(half, inputs), output_of(network, inputs)) < 2e-2);
  CHECK(at::equal(output_of(half, inputs), rounded(output_of(half, inputs))));
}
