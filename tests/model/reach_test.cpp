// Heads on values inside a backbone, on whole networks, on networks that keep a state; backbones that are repaired on the way.
#include <torch/csrc/jit/api/module.h>

#include "graft/backbone/surgery.h"
#include "graft/core/log.h"
#include "graft/data/tensor_inputs.h"
#include "graft/data/tensors.h"
#include "graft/eval/evaluator.h"
#include "graft/model/model.h"
#include "graft/predict/predictor.h"
#include "graft/train/fine_tune.h"
#include "graph/builder.h"
#include "graph/network.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

Backbone load(const std::string& file) { return Backbone::load(test::golden_path("checkpoints/" + file + ".pt")); }

Model pictures_model(Backbone backbone, head::ClassifierOptions options, const Freeze& freeze = Freeze::all()) {
  options.label = "label";
  options.labels = {"0", "1", "2"};
  return Model(std::move(backbone), head::Classifier(std::move(options)), TensorInputs({{"x", at::zeros({3, 16, 16})}}),
               {.freeze = freeze, .device = "cpu"});
}

}  // namespace

TEST_CASE("Model: a head reads a value inside the backbone by its path, and the file holds no more than that", "[model]") {
  const test::TempDir folder;
  Model model = pictures_model(load("resnet_script"), {.from = "layer1"});
  const auto report = fine_tune(model, test::toy_pictures(120).split({.valid = 0.2, .test = 0.2}));
  CHECK(report.evaluation.metric("accuracy") > 0.8);
  CHECK(model.freeze_table().rows.back().group == "layer1.1");
  model.save(folder.file("m.pt"));
  const Predictor predictor = Predictor::load(folder.file("m.pt"), {.device = "cpu"});
  const at::Tensor picture = at::randn({2, 3, 16, 16});
  const auto expected = model.head().decode(model({{"x", picture}}), Batch{{}, {}, {0, 1}}, {});
  const auto given = predictor.batch(Fields{{"x", picture}});
  CHECK(given.at(1).score == Approx(expected.at(1).score).epsilon(1e-5));
  Model back = Model::load(folder.file("m.pt"), {.device = "cpu"});
  CHECK(back.freeze_table().parameters() == model.freeze_table().parameters());
}

namespace {

/// Reads two levels of a pyramid.
class TwoLevels final : public Head {
 public:
  TwoLevels() : weight_(parameter("weight", at::zeros({3, 24}))) {}
  std::vector<Feature> reads() const override {
    return {{.name = "p1", .from = "layer1", .pooling = Pooling::MeanPixels},
            {.name = "p2", .from = "layer2.0", .pooling = Pooling::MeanPixels}};
  }
  void targets(const Record& record, std::span<Sample> samples) const override {
    for (Sample& sample : samples)
      sample.targets.set("label", at::scalar_tensor(static_cast<std::int64_t>(record.number("label")), at::kLong));
  }
  Fields forward(const Fields& features) const override {
    return {{"logits", at::linear(at::cat({features["p1"], features["p2"]}, 1), weight_)}};
  }
  Terms loss(const Fields& outputs, const Fields& targets) const override {
    return {{"loss", at::cross_entropy_loss(outputs["logits"], targets["label"], {}, at::Reduction::Sum)}};
  }
  Json config() const override { return {{"type", "two_levels"}}; }

 private:
  at::Tensor weight_;
};

}  // namespace

TEST_CASE("Model: a head of several levels trains with the backbone below them, and exports", "[model]") {
  const test::TempDir folder;
  Model model(load("resnet_script"), TwoLevels(), TensorInputs({{"x", at::zeros({3, 16, 16})}}),
              {.freeze = Freeze::parse("up_to=layer1.1"), .device = "cpu"});
  bool deeper = false;
  for (const auto& [name, tensor] : model.trainable()) deeper |= name.starts_with("backbone.layer2.0");
  CHECK(deeper);
  const TrainReport report = Trainer({.epochs = 12, .lr = 0.05}).fit(model, test::toy_pictures(90).split({.valid = 0.0}));
  CHECK(report.history.back().train_loss < 0.7 * report.history.front().train_loss);
  model.save(folder.file("m.pt"));
  const at::Tensor picture = at::randn({5, 3, 16, 16});
  const graph::Network file = graph::Network::load(folder.file("m.pt"));
  const c10::NoGradGuard no_grad;
  CHECK(test::relative_difference(file({picture})["output"], model({{"x", picture}})["logits"]) < 1e-5);
}

TEST_CASE("Model: a whole network with its classifier replaced trains under a head without a layer of its own", "[model]") {
  Model model = pictures_model(backbone::with_classes(load("resnet_script"), {.classes = 3}), {.own_layer = false}, Freeze::none());
  for (const auto& [name, tensor] : model.trainable()) CHECK(name.starts_with("backbone."));
  const Splits data = test::toy_pictures(150).split({.valid = 0.2});
  Trainer({.epochs = 10, .batch_size = 16, .lr = 2e-2, .backbone_lr_ratio = 1}).fit(model, data);
  CHECK(Evaluator().run(model, data.valid).metric("accuracy") > 0.7);
  CHECK(test::error_of<ModelError>([] { pictures_model(load("resnet_script"), {.own_layer = false}); }).code() == "graft-M020");
}

TEST_CASE("Model: a frozen file is repaired when something of it is to train, and said so", "[model]") {
  std::string said;
  set_log_sink([&](LogLevel, std::string_view text) { said += text; });
  Model model = pictures_model(load("resnet_frozen"), {}, Freeze::none());
  CHECK(said.find("graft-") == std::string::npos);
  CHECK(said.find("constants hold 22 weights") != std::string::npos);
  CHECK(model.trainable().size() == 24);
  said.clear();
  pictures_model(load("resnet_frozen"), {});  // all frozen: nothing to repair
  CHECK(said.empty());
  set_log_sink({});
}

TEST_CASE("Model: frozen means frozen for a trace made in train mode too", "[model]") {
  Model model = pictures_model(load("resnet_trace_train"), {});
  std::vector<at::Tensor> before;
  const c10::NoGradGuard no_grad;
  const at::Tensor picture = at::randn({4, 3, 16, 16});
  const at::Tensor first = model.features({{"x", picture}})["pooled"];
  model.set_training(true);
  model.features({{"x", picture * 3}});
  CHECK(at::equal(model.features({{"x", picture}})["pooled"], first));
}

TEST_CASE("Model: a network with a state is trained by the ordinary trainer, batch by batch from the file's state", "[model]") {
  // The class is the sign of the sum of four numbers.
  at::manual_seed(4);
  const at::Tensor x = at::randn({200, 4});
  const Data data = data::tensors({{"x", x}, {"label", x.sum(1).gt(0).to(at::kLong)}});
  Model model(load("stateful"), head::Classifier({.labels = {"0", "1"}}), TensorInputs({{"x", at::zeros({4})}}),
              {.freeze = Freeze::none(), .device = "cpu"});
  const Splits parts = data.split({.valid = 0.25});
  Trainer({.epochs = 20, .batch_size = 16, .lr = 0.05}).fit(model, parts);
  CHECK(Evaluator().run(model, parts.valid).metric("accuracy") > 0.85);
}

TEST_CASE("Model: a published voice detector learns tones from noise", "[model][data]") {
  at::manual_seed(4);
  const std::int64_t n = 96;
  const at::Tensor time = at::arange(512) / 16000.0 * 2 * 3.14159265;
  const at::Tensor pitch = at::rand({n, 1}) * 300 + 150;
  const at::Tensor label = at::arange(n).remainder(2);
  const at::Tensor sound = at::where(label.unsqueeze(1).eq(1), at::sin(pitch * time) * 0.3, at::randn({n, 512}) * 0.1).to(at::kFloat);
  const Data data = data::tensors({{"x", sound}, {"label", label}});
  const Splits parts = data.split({.valid = 0.25});
  Model model(Backbone::load(test::test_data("torchscript/silero_vad_v6_head.jit"), {.constants = {{"sr", std::int64_t{16000}}}}),
              head::Classifier({.labels = {"0", "1"}}), TensorInputs({{"x", at::zeros({512})}}),
              {.freeze = Freeze::none(), .device = "cpu"});
  Trainer({.epochs = 12, .batch_size = 12, .lr = 2e-2, .backbone_lr_ratio = 0.1}).fit(model, parts);
  CHECK(Evaluator().run(model, parts.valid).metric("accuracy") > 0.9);
}

TEST_CASE("Model: training what no gradient reaches is refused with the reason, and frozen it serves", "[model][error]") {
  const Data data = data::tensors({{"x", at::randn({20, 4})}, {"label", at::arange(20).remainder(3)}});
  const auto model = [](const Freeze& freeze) {
    return Model(load("detach"), head::Classifier({.labels = {"0", "1", "2"}}), TensorInputs({{"x", at::zeros({4})}}),
                 {.freeze = freeze, .device = "cpu"});
  };
  const auto fit = [&](const Freeze& freeze) {
    Model one = model(freeze);
    return Trainer({.epochs = 1}).fit(one, {data, {}, {}});
  };
  const auto error = test::error_of<ModelError>([&] { fit(Freeze::matching({"second", "unused"})); });
  CHECK(error.code() == "graft-M024");
  CHECK(error.message().find("detach()") != std::string::npos);
  CHECK(fit(Freeze::matching({"first"})).history.size() == 1);
  CHECK(fit(Freeze::all()).history.size() == 1);
}

TEST_CASE("Model: inputs in lists and dictionaries, outputs in nested tuples", "[model]") {
  const test::TempDir folder;
  const auto source =
      GENERATE(std::string("def forward(self, in_: List[Tensor]):\n    return (in_[0], (in_[1] * 2, in_[0] + in_[1]))\n"),
               std::string("def forward(self, in_: Dict[str, Tensor]):\n    return (in_['0'], [in_['1'] * 2, in_['0'] + in_['1']])\n"));
  const Backbone backbone(graph::Builder("Pair").define(source).network());
  Model model(backbone, head::Classifier({.labels = {"a", "b"}, .from = "output.1.1"}),
              TensorInputs({{"in_.0", at::zeros({5})}, {"in_.1", at::zeros({5})}}), {.device = "cpu"});
  const at::Tensor left = at::randn({3, 5}), right = at::randn({3, 5});
  const c10::NoGradGuard no_grad;
  CHECK(at::equal(model.features({{"in_.0", left}, {"in_.1", right}})["pooled"], left + right));
  model.save(folder.file("m.pt"));
  const auto answers = Predictor::load(folder.file("m.pt"), {.device = "cpu"}).batch(Fields{{"in_.0", left}, {"in_.1", right}});
  const auto expected = model.head().decode(model({{"in_.0", left}, {"in_.1", right}}), Batch{{}, {}, {0, 1, 2}}, {});
  CHECK(answers.at(2).score == Approx(expected.at(2).score).epsilon(1e-5));
}
