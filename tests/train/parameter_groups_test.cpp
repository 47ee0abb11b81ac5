#include "train/parameter_groups.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "graft/data/tensor_inputs.h"
#include "graph/builder.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

struct Rates {
  double lr, weight_decay;
  std::string group;
};

std::map<std::string, Rates> rates_of(const std::vector<ParameterGroup>& groups) {
  std::map<std::string, Rates> rates;
  for (const ParameterGroup& group : groups) {
    REQUIRE(group.names.size() == group.parameters.size());
    for (const std::string& name : group.names) CHECK(rates.try_emplace(name, Rates{group.lr, group.weight_decay, group.name}).second);
  }
  return rates;
}

std::map<std::string, Rates> rates_of(const Model& model, const TrainerOptions& options) {
  return rates_of(train::parameter_groups(model, options));
}

/// Names, rates and sizes: all but the tensors.
std::string structure(const std::vector<ParameterGroup>& groups) {
  std::string text;
  for (const ParameterGroup& group : groups) {
    text += group.name + " " + std::to_string(group.lr) + " " + std::to_string(group.weight_decay) + ":";
    for (const std::string& name : group.names) text += " " + name;
    text += "\n";
  }
  return text;
}

Model model_of(const graph::Network& network, const Fields& example, const Freeze& freeze) {
  return Model(Backbone(network), head::Classifier({.labels = {"0", "1"}}), TensorInputs(example), {.freeze = freeze, .device = "cpu"});
}

const std::string top = "backbone.encoder.layer.1.", bottom = "backbone.encoder.layer.0.", embeddings = "backbone.embeddings.";

}  // namespace

TEST_CASE("parameter_groups: biases, norms and embedding tables do not decay, all else does", "[train]") {
  const Model model = test::toy_model(Freeze::none());
  const auto rates = rates_of(model, {.weight_decay = 0.03});
  CHECK(rates.size() == model.trainable().size());
  for (const auto& [name, rate] : rates) {
    INFO(name);
    const bool decays = name.ends_with(".weight") && !name.starts_with(embeddings) && name.find("LayerNorm") == std::string::npos;
    CHECK(rate.weight_decay == (decays ? 0.03 : 0.0));
    CHECK(rate.group.ends_with(", no decay") != decays);
  }
  for (const auto& [name, rate] : rates_of(model, {.weight_decay = 0.03, .decay_all = true})) CHECK(rate.weight_decay == 0.03);
}

TEST_CASE("parameter_groups: each layer group learns at a share of the rate of the one above it", "[train]") {
  const Model model = test::toy_model(Freeze::none());
  for (const auto& [name, rate] : rates_of(model, {.lr = 0.4, .backbone_lr_ratio = 0.5, .layer_decay = 0.1})) {
    INFO(name);
    const double expected = name.starts_with("head.") ? 0.4 : name.starts_with(top) ? 0.2 : name.starts_with(bottom) ? 0.02 : 0.002;
    CHECK(rate.lr == Approx(expected).epsilon(1e-12));
  }
  for (const auto& [name, rate] : rates_of(model, {.lr = 0.4, .backbone_lr_ratio = 0.5}))
    CHECK(rate.lr == Approx(name.starts_with("head.") ? 0.4 : 0.2).epsilon(1e-12));
}

TEST_CASE("parameter_groups: the first rule that matches a name holds", "[train]") {
  const Model model = test::toy_model(Freeze::none());
  const auto rates = rates_of(model, {.lr = 1.0,
                                      .backbone_lr_ratio = 0.1,
                                      .weight_decay = 0.01,
                                      .rates = {{"*query.weight", 0.5, std::nullopt},
                                                {"backbone.encoder.layer.1.*", 2.0, 0.25},
                                                {"head.*", 0.0, std::nullopt},
                                                {"backbone.embeddings.word*", 1.0, 0.125}}});
  const auto is = [&](const std::string& name, double lr, double weight_decay) {
    INFO(name);
    CHECK(rates.at(name).lr == Approx(lr).epsilon(1e-12));
    CHECK(rates.at(name).weight_decay == weight_decay);
  };
  is(top + "attention.self.query.weight", 0.05, 0.01);
  is(top + "attention.self.key.weight", 0.2, 0.25);
  is(top + "output.LayerNorm.bias", 0.2, 0.25);
  is(bottom + "attention.self.query.weight", 0.05, 0.01);
  is(bottom + "attention.self.key.weight", 0.1, 0.01);
  is("head.weight", 0.0, 0.01);
  is("head.bias", 0.0, 0.0);
  is(embeddings + "word_embeddings.weight", 0.1, 0.125);
  is(embeddings + "position_embeddings.weight", 0.1, 0.0);
}

TEST_CASE("parameter_groups: a rule that matches nothing is told", "[train][error]") {
  const Model model = test::toy_model(Freeze::up_to("encoder.layer.0"));
  const auto error = test::error_of<ConfigError>([&] {
    train::parameter_groups(model, {.rates = {{"head.*"}, {"backbone.embeddings*"}, {"head.wieght"}}});
  });
  CHECK(error.code() == "graft-C034");
  CHECK(error.message() == "[Trainer] no parameter that trains matches the rates for \"backbone.embeddings*\", \"head.wieght\".");
  CHECK(test::error_of<ConfigError>([&] { train::parameter_groups(model, {.rates = {{"head.wieght"}}}); }).remedy() ==
        "Did you mean \"head.weight\"?");
}

TEST_CASE("parameter_groups: what will train later has its place, whatever is frozen now", "[train]") {
  const TrainerOptions options{.layer_decay = 0.5,
                               .unfreeze = {{1, Freeze::all()}, {2, Freeze::up_to("encoder.layer.0")}, {3, Freeze::none()}}};
  Model model = test::toy_model(Freeze::all());
  const auto groups = train::parameter_groups(model, options);
  const auto check_live = [&](const std::vector<ParameterGroup>& found) {
    std::map<std::string, at::Tensor> live;
    for (const auto& [name, tensor] : model.trainable()) live[name] = tensor;
    for (const ParameterGroup& group : found) {
      for (std::size_t i = 0; i < group.names.size(); ++i) {
        INFO(group.names[i]);
        const auto tensor = live.find(group.names[i]);
        CHECK(group.parameters[i].defined() == (tensor != live.end()));
        if (tensor != live.end()) CHECK(group.parameters[i].is_same(tensor->second));
      }
    }
  };
  check_live(groups);
  for (const Freeze& now : {Freeze::up_to("encoder.layer.0"), Freeze::none()}) {
    model.freeze(now);
    const auto later = train::parameter_groups(model, options);
    CHECK(structure(later) == structure(groups));
    check_live(later);
  }
  CHECK(rates_of(groups).size() == model.trainable().size());
  // Without a plan to unfreeze only what trains has a place.
  model.freeze(Freeze::up_to("encoder.layer.0"));
  for (const auto& [name, rate] : rates_of(model, {})) CHECK((name.starts_with("head.") || name.starts_with(top)));
}

TEST_CASE("ever_trained: what the policies train, and that none trains less than the one before it", "[train][error]") {
  Model model = test::toy_model(Freeze::up_to("encoder.layer.0"));
  CHECK(train::ever_trained(model, {}).size() == 16);
  CHECK(train::ever_trained(model, {{1, Freeze::all()}}).empty());  // in the place of the model's own
  CHECK(train::ever_trained(model, {{2, Freeze::up_to("embeddings")}}).size() == 32);
  const auto refused = [&](const std::vector<Unfreeze>& unfreeze) {
    const auto error = test::error_of<ConfigError>([&] { train::ever_trained(model, unfreeze); });
    CHECK(error.code() == "graft-C035");
    return error.message();
  };
  CHECK(refused({{1, Freeze::none()}, {3, Freeze::up_to("embeddings")}}) ==
        "[Trainer] the policy \"up_to=embeddings\" of epoch 3 freezes what trained before it.");
  // The model's own policy holds until the first epoch that is told.
  CHECK(refused({{2, Freeze::all()}, {3, Freeze::none()}}) == "[Trainer] the policy \"all\" of epoch 2 freezes what trained before it.");
  // A resumed run is at a later policy already.
  model.freeze(Freeze::none());
  CHECK(train::ever_trained(model, {{2, Freeze::up_to("embeddings")}, {3, Freeze::none()}}).size() == 37);
}

TEST_CASE("parameter_groups: a tied tensor has one place, by the first of its names", "[train]") {
  const at::Tensor table = at::randn({9, 4});
  graph::Builder decoder("Decoder");
  decoder.parameter("w", table).define("def forward(self, x):\n    return torch.linear(x, self.w, None)\n");
  graph::Builder builder("Tied");
  builder.parameter("table", table).child("decoder", decoder);
  builder.define("def forward(self, ids):\n    return self.decoder.forward(torch.embedding(self.table, ids, -1, False, False))\n");
  const Fields example{{"ids", at::zeros({3}, at::kLong)}};
  const Freeze freeze = GENERATE(Freeze::none(), Freeze::matching({"table"}), Freeze::matching({"decoder.w"}));
  const Model model = model_of(builder.network(), example, freeze);
  REQUIRE(model.backbone_trains());
  const auto groups = train::parameter_groups(model, {});
  const auto rates = rates_of(groups);
  CHECK(rates.size() == 3);
  REQUIRE(rates.contains("backbone.table"));
  CHECK(rates.at("backbone.table").weight_decay > 0);  // a matrix of a linear layer too
  for (const ParameterGroup& group : groups) {
    for (const at::Tensor& parameter : group.parameters) CHECK(parameter.defined());
  }
}

TEST_CASE("parameter_groups: layers whose names begin alike are groups of their own", "[train]") {
  graph::Builder layers("Layers");
  std::string code = "def forward(self, x):\n";
  for (int i = 0; i < 12; ++i) {
    graph::Builder layer("Layer");
    layer.parameter("weight", at::randn({4, 4})).define("def forward(self, x):\n    return torch.linear(x, self.weight, None)\n");
    layers.child("l" + std::to_string(i), layer);
    code += "    x = self.l" + std::to_string(i) + ".forward(x)\n";
  }
  const graph::Network network = layers.define(code + "    return x\n").network();
  const Model model = model_of(network, {{"x", at::zeros({4})}}, Freeze::none());
  for (const auto& [name, rate] : rates_of(model, {})) {
    if (name.starts_with("backbone.")) CHECK(rate.group + ".weight" == name);
  }
}
