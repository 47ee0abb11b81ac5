// The split at the freeze line is the whole network, to the bit: outputs, gradients, buffers, steps.
#include "graph/split.h"

#include <torch/csrc/jit/api/module.h>

#include <set>

#include "graph/builder.h"
#include "graph/findings.h"
#include "graph/work.h"
#include "halves.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

using namespace graft::test;

bool same(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b, double tolerance) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].defined() != b[i].defined()) return false;
    if (a[i].defined() && test::max_difference(a[i], b[i]) > tolerance * (1e-9 + a[i].abs().max().item<double>())) return false;
  }
  return a.size() == b.size();
}

/// Three steps of the whole and of the split network, compared to the bit (tolerance 0) or relative to the largest number.
void compare(const graph::Network& source, const std::set<std::string>& above, const std::vector<c10::IValue>& inputs,
             double tolerance = 0) {
  const auto trains = [&](const std::string& parameter) { return above.contains(parameter); };
  graph::Network whole = source.instance(trains), live = source.instance(trains);
  whole.train(trains);
  const graph::SplitResult result = graph::split(live, trains);
  if (!result.split) {
    INFO(result.why);
    CHECK(result.why.find(source.is_stateful() ? "the state that the network keeps" : "nothing with weights is computed") !=
          std::string::npos);
    return;
  }
  const graph::Split& split = *result.split;
  graph::Network suffix = split.suffix;
  suffix.train(trains);
  const c10::AutoGradMode gradients(true);
  Fields cut;
  {
    const c10::NoGradGuard no_grad;
    cut = split.prefix(inputs);
  }
  const graph::Network start = whole.with_own_state(), suffix_start = suffix.with_own_state();
  for (int i = 0; i < 3; ++i) {
    whole.set_state(start, whole.state());
    suffix.set_state(suffix_start, suffix.state());
    const Step expected = step(whole, [&] { return whole(inputs).begin()->second; });
    const Step given = step(live, [&] { return suffix(arguments_of(live, split, inputs, cut)).begin()->second; });
    CHECK(same({expected.output}, {given.output}, tolerance));
    CHECK(same(expected.gradients, given.gradients, tolerance));
    CHECK(same(expected.buffers, given.buffers, tolerance));
  }
}

}  // namespace

TEST_CASE("Split: outputs, gradients, statistics and steps of the whole network, at every depth", "[graph]") {
  const std::string name = GENERATE("resnet", "mobilenet", "vit", "bert", "lstm", "functional");
  const std::string form = GENERATE("script", "trace_eval", "frozen");
  const graph::Network source = graph::repaired(graph::Network::load(test::golden_path("checkpoints/" + name + "_" + form + ".pt")));
  const std::vector<std::string> order = parts(source);
  const auto inputs = inputs_of(name, 4);
  for (std::size_t frozen = 1; frozen < order.size(); ++frozen) {
    INFO(name << " " << form << ", frozen up to " << order[frozen - 1]);
    compare(source, above(source, order, frozen), inputs, name == "lstm" ? 1e-6 : 0);  // LSTM has another kernel without gradients
  }
}

TEST_CASE("Split: a RoBERTa, whose places depend on padding", "[graph]") {
  const graph::Network source = test::tiny_roberta().network();
  const std::vector<std::string> order = parts(source);
  for (std::size_t frozen = 1; frozen < order.size(); ++frozen) {
    INFO("frozen up to " << order[frozen - 1]);
    compare(source, above(source, order, frozen), inputs_of("roberta", 4));
  }
}

TEST_CASE("Split: networks from elsewhere, with a state and with branches", "[graph][data]") {
  const auto load = [](const std::string& file) { return graph::Network::load(test::test_data("torchscript/" + file)); };
  at::manual_seed(7);
  const graph::Network voice = load("silero_vad_v6_head.jit"), residual = load("tchrs_foo9.pt");
  for (const std::size_t frozen : {2U, 4U}) compare(voice, above(voice, parts(voice), frozen), {at::randn({4, 512}), 16000});
  for (std::size_t frozen = 1; frozen < parts(residual).size(); ++frozen)
    compare(residual, above(residual, parts(residual), frozen), {at::randn({8, 256}), at::randn({8, 256})});
}

TEST_CASE("Split: the suffix holds what trains, the prefix does not, and both fit other batches", "[graph]") {
  const graph::Network source = graph::Network::load(test::golden_path("checkpoints/resnet_script.pt"));
  const auto trains = [](const std::string& name) { return name.starts_with("fc") || name.starts_with("layer2"); };
  const graph::Network live = source.instance(trains);
  const graph::Split split = *graph::split(live, trains).split;
  for (const auto& [name, tensor] : split.prefix.parameters()) CHECK_FALSE(trains(name));
  std::set<std::string> trained;
  for (const auto& [name, tensor] : split.suffix.parameters()) {
    if (trains(name)) trained.insert(name);
  }
  CHECK(trained.size() == 11);  // three convolutions, three norms of two, weight and bias
  CHECK(split.cut.size() == 1);
  const c10::NoGradGuard no_grad;
  for (const std::int64_t rows : {1, 5}) {
    const auto inputs = inputs_of("resnet", rows);
    graph::Network whole = live;
    whole.eval();
    CHECK(at::equal(split.suffix(arguments_of(live, split, inputs, split.prefix(inputs)))["output"], whole(inputs)["output"]));
  }
}

TEST_CASE("Split: masks and sizes are worked out in the suffix, from the batch at hand", "[graph]") {
  const graph::Network source = graph::Network::load(test::golden_path("checkpoints/bert_script.pt"));
  const auto trains = [](const std::string& name) { return name.starts_with("layers.1"); };
  const graph::Split split = *graph::split(source.instance(trains), trains).split;
  CHECK(split.arguments == std::vector<std::string>{"attention_mask"});
  CHECK(split.cut.size() == 1);
}

TEST_CASE("Split: says why nothing is gained", "[graph]") {
  const graph::Network source = graph::Network::load(test::golden_path("checkpoints/resnet_script.pt"));
  CHECK(graph::split(source, [](const std::string&) { return true; }).why.find("nothing with weights is computed") != std::string::npos);
}

TEST_CASE("Split: a weight under two names is on one side", "[graph]") {
  const graph::Network source = graph::Network::load(test::golden_path("checkpoints/tied.pt"));
  const auto trains = [](const std::string& name) { return name.starts_with("out"); };
  CHECK_FALSE(graph::split(source.instance(trains), trains).split);  // the embedding trains with the output layer
}

TEST_CASE("Split: no dead gradients: none of frozen weights, none below the first that trains", "[graph]") {
  at::manual_seed(1);
  graph::Builder builder("Layers");
  builder.parameter("a", at::randn({5, 4})).parameter("b", at::randn({6, 5})).parameter("c", at::randn({7, 6}));
  builder.define(
      "def forward(self, x):\n    y = torch.relu(torch.linear(torch.relu(torch.linear(x, self.a)), self.b))\n"
      "    return torch.linear(y, self.c)\n");
  const auto trains = [](const std::string& name) { return name == "b"; };
  const graph::Network live = builder.network().instance(trains);
  const graph::Split split = *graph::split(live, trains).split;
  const std::vector<c10::IValue> inputs{at::randn({3, 4})};
  Fields cut;
  {
    const c10::NoGradGuard no_grad;
    cut = split.prefix(inputs);
  }
  const c10::AutoGradMode on(true);
  at::Tensor output;
  CHECK(graph::multiply_adds([&] { output = split.suffix(arguments_of(live, split, inputs, cut))["output"]; }) == 3 * (5 * 6 + 6 * 7));
  // The way down through c, and the weight of b.
  CHECK(graph::multiply_adds([&] { output.sum().backward(); }) == 3 * (6 * 7 + 5 * 6));
}

TEST_CASE("Split: what other values of a constant would lead to is left out", "[graph]") {
  at::manual_seed(1);
  graph::Builder builder("Toy");
  for (const char* name : {"a", "b"}) builder.parameter(name, at::randn({4, 4}));
  const graph::Network source = builder
                                    .define(
                                        "def forward(self, x: Tensor, rate: int) -> Tensor:\n"
                                        "    if rate == 16000:\n"
                                        "        return torch.linear(torch.relu(torch.linear(x, self.a, None)), self.b, None)\n"
                                        "    return torch.linear(x, self.b, None)\n")
                                    .network();
  const auto trains = [](const std::string& name) { return name == "b"; };
  const graph::Network live = source.instance(trains);
  CHECK_FALSE(graph::split(live, trains).split);
  const graph::SplitResult result = graph::split(live, trains, {{"rate", 16000}});
  INFO(result.why);
  REQUIRE(result.split);
  CHECK(result.split->arguments.empty());
  const c10::NoGradGuard no_grad;
  const std::vector<c10::IValue> inputs{at::randn({3, 4}), 16000};
  const Fields cut = result.split->prefix(inputs);
  CHECK(result.split->suffix({cut.begin()->second})["output"].equal(live(inputs)["output"]));
}
