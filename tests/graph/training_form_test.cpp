// Networks in the form that trains: the same numbers, with other dropout and sparse gradients of large tables.
#include "graph/training_form.h"

#include <torch/csrc/jit/api/module.h>

#include <algorithm>

#include "graph/builder.h"
#include "halves.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

bool all(const std::string&) { return true; }

/// Parameters' gradients by name, dense; `sparse` names those that were not.
std::map<std::string, at::Tensor> gradients_of(const graph::Network& network, std::set<std::string>* sparse = nullptr) {
  std::map<std::string, at::Tensor> found;
  for (const auto& [name, tensor] : network.parameters()) {
    at::Tensor& gradient = at::Tensor(tensor).mutable_grad();
    if (!gradient.defined()) continue;
    if (gradient.is_sparse() && sparse != nullptr) sparse->insert(name);
    found[name] = gradient.is_sparse() ? gradient.to_dense() : gradient.clone();
    gradient.reset();
  }
  return found;
}

struct Pass {
  at::Tensor output;
  std::map<std::string, at::Tensor> gradients, buffers;
  std::set<std::string> sparse;
};

/// Forward and backward in train mode, on tensors of its own.
Pass pass_of(const graph::Network& original, bool in_form, const std::vector<c10::IValue>& inputs) {
  const graph::Network own = original.instance(all);
  graph::Network network = in_form ? graph::training_form(own) : own;
  network.train(all);
  Pass pass;
  pass.output = network(inputs).begin()->second;
  (pass.output * at::arange(pass.output.numel(), at::kFloat).sin().view_as(pass.output)).sum().backward();
  pass.gradients = gradients_of(own, &pass.sparse);
  for (const auto& [name, tensor] : own.buffers()) pass.buffers[name] = tensor.clone();
  return pass;
}

void check_same(const graph::Network& original, const std::vector<c10::IValue>& inputs) {
  const Pass plain = pass_of(original, false, inputs), form = pass_of(original, true, inputs);
  CHECK(test::relative_difference(form.output, plain.output) < 1e-5);
  REQUIRE(form.gradients.size() == plain.gradients.size());
  for (const auto& [name, gradient] : plain.gradients) {
    INFO(name);
    CHECK(test::max_difference(form.gradients.at(name), gradient) < 1e-5 * (1 + gradient.abs().max().item<double>()));
  }
  for (const auto& [name, buffer] : plain.buffers) {
    INFO(name);
    CHECK(test::max_difference(form.buffers.at(name), buffer) < 1e-5);
  }
}

/// Two tables of these many rows, the second tied to a linear layer by name where `tied` is "name", by tensor where it is "tensor".
graph::Network tables(std::int64_t rows, const std::string& tied) {
  at::manual_seed(1);
  const at::Tensor a = at::randn({rows, 4}), b = at::randn({rows, 4});
  graph::Builder decoder("Decoder");
  decoder.parameter("w", tied == "tensor" ? b : at::randn({rows, 4}));
  decoder.define("def forward(self, x):\n    return torch.linear(x, self.w, None)\n");
  graph::Builder builder("Tables");
  builder.parameter("a", a).parameter("b", b).child("decoder", decoder);
  const std::string out = tied == "name" ? "torch.linear(x, self.b, None)" : "self.decoder.forward(x)";
  builder.define(
      "def forward(self, ids):\n"
      "    x = torch.embedding(self.a, ids, -1, False, False) * torch.embedding(self.b, ids, -1, False, False)\n"
      "    return " +
      out + "\n");
  return builder.network();
}

graph::Network normed() {
  at::manual_seed(1);
  graph::Builder builder("Normed");
  builder.parameter("w", at::randn({4, 4})).parameter("scale", at::rand({4}) + 0.5).parameter("shift", at::randn({4}));
  builder.buffer("mean", at::zeros({4})).buffer("variance", at::ones({4}));
  builder.define(
      "def forward(self, x):\n"
      "    y = torch.linear(x, self.w, None)\n"
      "    y = torch.batch_norm(y, self.scale, self.shift, self.mean, self.variance, self.training, 0.1, 1e-5, True)\n"
      "    return torch.linear(torch.relu(y), self.w, None)\n");
  return builder.network();
}

/// A convolution and a norm, then `after`, where `y` is the norm's output and `r` another value.
graph::Network picture_network(const std::string& after, const std::string& training = "self.training") {
  at::manual_seed(1);
  graph::Builder builder("Pictures");
  builder.parameter("v", at::randn({24, 3, 3, 3})).parameter("w", at::randn({24, 3, 3, 3}));
  builder.parameter("scale", at::rand({24}) + 0.5).parameter("shift", at::randn({24}));
  builder.buffer("mean", at::zeros({24})).buffer("variance", at::ones({24})).buffer("count", at::zeros({}, at::kLong));
  builder.define(
      "def forward(self, x):\n    r = torch.conv2d(x, self.v, None, [1, 1], [1, 1])\n"
      "    y = torch.batch_norm(torch.conv2d(x, self.w, None, [1, 1], [1, 1]), self.scale, self.shift, self.mean, self.variance, " +
      training + ", 0.1, 1e-5, True)\n" + after);
  return builder.network();
}

std::string code_of(const graph::Network& network) {
  return graph::training_form(network).module().get_method("forward").graph()->toString();
}

bool has(const std::string& code, const std::string& part) { return code.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("TrainingForm: a batch norm takes the sum and the activation after it, with the same numbers", "[graph]") {
  const std::string after =
      GENERATE(as<std::string>(), "    return torch.relu(y)\n", "    return torch.relu(y + r)\n", "    return r + y\n",
               "    return torch.relu_(y.add_(r))\n", "    return torch.hardtanh(y, 0.0, 6.0)\n", "    return torch.clamp(y, 0.0, 6.0)\n",
               "    self.count.add_(1)\n    return torch.relu(y + r)\n");
  const graph::Network network = picture_network(after);
  const at::Tensor x = at::randn({3, 3, 9, 7});
  check_same(network, {x});
  check_same(network, {x.contiguous(at::MemoryFormat::ChannelsLast)});
  const std::string code = code_of(network);
  INFO(code);
  CHECK(has(code, "graft::batch_norm"));
  for (const char* kind : {"aten::batch_norm", "aten::add(", "aten::relu", "aten::hardtanh", "aten::clamp"}) CHECK_FALSE(has(code, kind));
}

TEST_CASE("TrainingForm: a batch norm leaves apart what others read or change, and other activations", "[graph]") {
  const auto [after, left] = GENERATE(table<std::string, std::string>({{"    return torch.relu(y) * y\n", "aten::relu"},
                                                                       {"    s = y + r\n    return torch.relu(s) * s\n", "aten::relu"},
                                                                       {"    r.mul_(2.0)\n    return y + r\n", "aten::add("},
                                                                       {"    return torch.add(y, r, alpha=2)\n", "aten::add("},
                                                                       {"    return torch.silu(y)\n", "aten::silu"},
                                                                       {"    return r.add_(y)\n", "aten::add_("},
                                                                       {"    return torch.clamp(y + r, 0.0, 6.0)\n", "aten::clamp"}}));
  const graph::Network network = picture_network(after);
  check_same(network, {at::randn({3, 3, 9, 7}).contiguous(at::MemoryFormat::ChannelsLast)});
  const std::string code = code_of(network);
  INFO(code);
  CHECK(has(code, left));
}

TEST_CASE("TrainingForm: a batch norm that never trains stays as it is", "[graph]") {
  CHECK(has(code_of(picture_network("    return torch.relu(y)\n", "False")), "aten::batch_norm"));
}

TEST_CASE("TrainingForm: large embedding tables get the gradient of the rows that were read, with the same values", "[graph]") {
  const std::vector<c10::IValue> ids{at::tensor({5, 0, 1023, 5, 7, 7}, at::kLong).view({2, 3})};
  const graph::Network large = tables(1024, "no"), small = tables(1023, "no");
  check_same(large, ids);
  CHECK(pass_of(large, true, ids).sparse == std::set<std::string>{"a", "b"});
  CHECK(pass_of(large, false, ids).sparse.empty());
  const std::vector<c10::IValue> few{at::tensor({5, 0, 7}, at::kLong)};
  check_same(small, few);
  CHECK(pass_of(small, true, few).sparse.empty());
}

TEST_CASE("TrainingForm: a table that something else reads too has a gradient of all its rows", "[graph]") {
  const std::string tied = GENERATE(as<std::string>(), "name", "tensor");
  const std::vector<c10::IValue> ids{at::tensor({5, 0, 7, 5}, at::kLong)};
  const graph::Network network = tables(2000, tied);
  check_same(network, ids);
  CHECK(pass_of(network, true, ids).sparse == std::set<std::string>{"a"});
}

TEST_CASE("TrainingForm: a lookup that weighs rows by their number stays dense", "[graph]") {
  const graph::Network network = test::network_of("def forward(self, ids):\n    return torch.embedding(self.a, ids, -1, True, False)\n",
                                                  {{"a", at::randn({2000, 4})}});
  const std::vector<c10::IValue> ids{at::tensor({5, 0, 5}, at::kLong)};
  check_same(network, ids);
  CHECK(pass_of(network, true, ids).sparse.empty());
}

TEST_CASE("TrainingForm: without dropout a step of a whole network is that of the network itself", "[graph]") {
  SECTION("a text network") { check_same(test::tiny_bert(0.0).network(), test::inputs_of("bert", 3)); }
  SECTION("a RoBERTa") { check_same(test::tiny_roberta().network(), test::inputs_of("roberta", 3)); }
  SECTION("a network with batch norm, whose statistics move as well") {
    const graph::Network network = normed();
    check_same(network, {at::randn({6, 4})});
    CHECK_FALSE(pass_of(network, true, {at::randn({6, 4})}).buffers.at("mean").equal(at::zeros({4})));
  }
}

TEST_CASE("TrainingForm: layers of one input are one call, and a norm takes the sum and the dropout before it", "[graph]") {
  const graph::Network form = graph::training_form(test::tiny_bert(0.1).network());
  const std::string code = form.module().get_method("forward").graph()->toString();
  const auto count = [&](const std::string& kind) {
    std::size_t found = 0;
    for (std::size_t at = code.find(kind + "("); at != std::string::npos; at = code.find(kind + "(", at + 1)) ++found;
    return found;
  };
  const std::size_t norms = count("graft::residual_norm");
  CHECK(norms >= 2);
  CHECK(count("aten::layer_norm") == 1);        // of the embeddings, whose dropout comes after it
  CHECK(count("graft::linears") == 2 * norms);  // query, key and value; output; two of the inner layer
  CHECK(count("aten::linear") == 0);
  CHECK(count("graft::biased_gelu") == norms / 2);
}

TEST_CASE("TrainingForm: a layer leaves its bias to the GELU behind it, unless its result is read elsewhere or has no bias", "[graph]") {
  const std::string rest = GENERATE(as<std::string>(), "", " + h");
  const std::string bias = GENERATE(as<std::string>(), "self.b", "None");
  const std::string kind = GENERATE(as<std::string>(), "none", "tanh");
  at::manual_seed(1);
  const graph::Network network = test::network_of("def forward(self, x):\n    h = torch.linear(x, self.w, " + bias +
                                                      ")\n    return torch.gelu(h, approximate='" + kind + "')" + rest + "\n",
                                                  {{"w", at::randn({32, 8})}, {"b", at::randn({32})}});
  const std::string code = graph::training_form(network).module().get_method("forward").graph()->toString();
  INFO(code);
  CHECK((code.find("graft::biased_gelu") != std::string::npos) == (rest.empty() && bias == "self.b" && kind == "none"));
  check_same(network, {at::randn({5, 8})});
}

TEST_CASE("TrainingForm: layers stay apart where their input changes in between", "[graph]") {
  const bool changes = GENERATE(true, false);
  const graph::Network network = test::network_of(
      std::string("def forward(self, x):\n    x = x + 0.0\n    a = torch.linear(x, self.a, self.b)\n") +
          (changes ? "    x.mul_(2.0)\n" : "") + "    return a * torch.linear(x, self.b, None) * torch.linear(x, self.a, self.b)\n",
      {{"a", at::randn({4, 4})}, {"b", at::randn({4})}});
  const std::string code = graph::training_form(network).module().get_method("forward").graph()->toString();
  INFO(code);
  std::size_t calls = 0;
  for (std::size_t at = code.find("graft::linears"); at != std::string::npos; at = code.find("graft::linears", at + 1)) ++calls;
  CHECK(calls == (changes ? 3 : 2));
}

TEST_CASE("TrainingForm: a norm stays apart where the sum is read elsewhere or its parts change in between", "[graph]") {
  const std::string middle = GENERATE(as<std::string>(), "", "    s.add_(1.0)\n", "    x.add_(1.0)\n");
  const std::string rest = middle.empty() ? " + s" : "";
  const graph::Network network = test::network_of("def forward(self, x, r):\n    s = torch.dropout(x, 0.0, self.training) + r\n" + middle +
                                                      "    return torch.layer_norm(s, [32], self.w, self.b, 1e-5)" + rest + "\n",
                                                  {{"w", at::rand({32})}, {"b", at::rand({32})}});
  const std::string code = graph::training_form(network).module().get_method("forward").graph()->toString();
  CHECK(code.find("residual_norm") == std::string::npos);
}

TEST_CASE("TrainingForm: a model trains whole in it, its statistics move, and afterwards it is in eval mode", "[graph]") {
  Model model = test::toy_vision_model(Freeze::none());
  const Fields inputs{{"x", at::randn({4, 3, 16, 16})}};
  const auto copies = [&] {
    std::map<std::string, at::Tensor> found;
    for (const auto& [name, tensor] : model.moving()) found[name] = tensor.detach().clone();
    return found;
  };
  const at::Tensor still = model.features(inputs)["pooled"];
  const auto before = copies();
  model.set_training(true);
  const at::Tensor pooled = model.features(inputs)["pooled"];
  CHECK(pooled.requires_grad());
  CHECK(test::max_difference(pooled.detach(), still) > 1e-3);  // by the batch's statistics
  const auto after = copies();
  std::size_t moved = 0;
  for (const auto& [name, tensor] : before) {
    const bool is_statistic = name.find("running_") != std::string::npos || name.find("num_batches") != std::string::npos;
    INFO(name);
    CHECK(after.at(name).equal(tensor) == !is_statistic);
    moved += is_statistic;
  }
  CHECK(moved > 0);
  model.set_training(false);
  const at::Tensor first = model.features(inputs)["pooled"];
  CHECK_FALSE(first.requires_grad());
  CHECK(model.features(inputs)["pooled"].equal(first));
  for (const auto& [name, tensor] : copies()) CHECK(tensor.equal(after.at(name)));
}

TEST_CASE("TrainingForm: dropout is on in train mode, and off in eval mode", "[graph]") {
  Model model = test::toy_model(Freeze::none(), 0.5);
  const Fields inputs{{"input_ids", at::randint(0, 40, {2, 7}, at::kLong)}};
  const at::Tensor still = model.features(inputs)["pooled"];
  model.set_training(true);
  at::manual_seed(5);
  const at::Tensor first = model.features(inputs)["pooled"].detach(), second = model.features(inputs)["pooled"].detach();
  at::manual_seed(5);
  CHECK(model.features(inputs)["pooled"].detach().equal(first));
  CHECK_FALSE(first.equal(second));
  model.set_training(false);
  CHECK(model.features(inputs)["pooled"].equal(still));
}

TEST_CASE("TrainingForm: in eval mode the numbers of the network itself", "[graph]") {
  at::manual_seed(1);
  const std::string mask = GENERATE("None", "mask", "mask > 0.0");
  graph::Network network = test::network_of(
      "def forward(self, x, mask):\n"
      "    q = torch.linear(x, self.w, None)\n"
      "    p = 0.5\n"
      "    if not self.training:\n"
      "        p = 0.0\n"
      "    y = torch.scaled_dot_product_attention(q, x, x, " +
          mask + ", p, False)\n    return torch.dropout(y, 0.3, self.training)\n",
      {{"w", at::randn({4, 4})}});
  const at::Tensor allowed = at::rand({5, 5}) + 0.1;
  const std::vector<c10::IValue> inputs{at::randn({3, 2, 5, 4}), allowed};
  graph::Network form = graph::training_form(network);
  network.eval();
  form.eval();
  CHECK(form(inputs)["output"].equal(network(inputs)["output"]));
  network.train(all);
  form.train(all);
  const at::Tensor found = form(inputs)["output"];
  CHECK(std::abs(found.eq(0).to(at::kDouble).mean().item<double>() - 0.3) < 0.15);
  // Over many draws attention with dropout gives what it gives without.
  at::Tensor sum = at::zeros_like(found), expected = at::zeros_like(found);
  for (int draw = 0; draw < 2000; ++draw) {
    sum += form(inputs)["output"].detach();
    expected += network(inputs)["output"].detach();
  }
  CHECK(test::relative_difference(sum, expected) < 0.1);
}
