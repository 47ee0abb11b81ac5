#include "graph/segments.h"

#include "graft/backbone/backbone.h"
#include "graph/training_form.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

bool all(const std::string&) { return true; }

std::vector<std::vector<std::string>> groups_of(const Backbone& backbone) {
  std::vector<std::vector<std::string>> groups;
  for (const LayerGroup& group : backbone.groups()) groups.push_back(group.names);
  return groups;
}

struct Result {
  at::Tensor output;
  std::map<std::string, at::Tensor> gradients;
};

template <class Net>
Result run(Net& net, const graph::Network& tensors, const std::vector<c10::IValue>& arguments) {
  for (const auto& [name, tensor] : tensors.parameters()) at::Tensor(tensor).mutable_grad().reset();
  at::manual_seed(7);
  const Fields outputs = net(arguments);
  const at::Tensor output = outputs.begin()->second;
  output.pow(2).sum().backward();
  Result result{output.detach(), {}};
  for (const auto& [name, tensor] : tensors.parameters()) {
    if (tensor.grad().defined()) result.gradients[name] = tensor.grad().is_sparse() ? tensor.grad().to_dense() : tensor.grad().clone();
  }
  return result;
}

}  // namespace

TEST_CASE("Segments: outputs and gradients are those of the whole network, dropout included", "[graph]") {
  const Backbone backbone = test::tiny_bert(0.1);
  const graph::Network network = backbone.network().instance(all);
  graph::Segments segments(network, groups_of(backbone));
  CHECK(segments.size() == backbone.groups().size());
  graph::Network whole = graph::training_form(network);
  whole.train(all);
  segments.train(all);
  std::vector<c10::IValue> arguments{at::randint(5, 40, {3, 9}), at::ones({3, 9}, at::kLong)};
  arguments.resize(network.arguments().size());
  const Result expected = run(whole, network, arguments), found = run(segments, network, arguments);
  CHECK(test::max_difference(found.output, expected.output) < 1e-6);
  REQUIRE(found.gradients.size() == expected.gradients.size());
  for (const auto& [name, gradient] : expected.gradients) {
    INFO(name);
    CHECK(test::max_difference(found.gradients.at(name), gradient) < 1e-5);
  }
}

TEST_CASE("Segments: a network with norms over its batch stays whole", "[graph]") {
  const Backbone backbone = Backbone::load(test::golden_path("vision_script.pt"));
  CHECK(graph::Segments(backbone.network().instance(all), groups_of(backbone)).size() == 1);
}
