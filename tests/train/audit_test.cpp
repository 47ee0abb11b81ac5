#include "train/audit.h"

#include <functional>

#include "graft/data/tensor_inputs.h"
#include "graft/graft.h"
#include "graph/network.h"
#include "halves.h"
#include "heard.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

using test::Heard;

/// Does something to the model in the middle of a run.
class Meddling final : public Callback {
 public:
  explicit Meddling(std::function<void()> act) : act_(std::move(act)) {}
  void on_backward(const Model&, std::int64_t) override {
    const c10::NoGradGuard no_grad;
    act_();
  }

 private:
  std::function<void()> act_;
};

/// Reads part of the features, or passes them on without gradients.
class Careless final : public Head {
 public:
  explicit Careless(bool detaches) : detaches_(detaches) {
    used_ = parameter("used", at::full({3, 16}, 0.1));
    parameter("forgotten", at::zeros({3}));
  }
  std::vector<Feature> reads() const override { return {{.name = "pooled"}}; }
  void targets(const Record& record, std::span<Sample> samples) const override {
    for (Sample& sample : samples)
      sample.targets.set("label", at::scalar_tensor(std::get<std::int64_t>(record.values.at("label")), at::kLong));
  }
  Fields forward(const Fields& features) const override {
    return {{"scores", at::linear(detaches_ ? features["pooled"].detach() : features["pooled"], used_)}};
  }
  Terms loss(const Fields& outputs, const Fields& targets) const override {
    return {{"loss", at::cross_entropy_loss(outputs["scores"], targets["label"], {}, at::Reduction::Sum)}};
  }
  Json config() const override { return {{"type", "careless"}}; }

 private:
  bool detaches_;
  at::Tensor used_;
};

template <class H>
Model vision_model(H head, const Freeze& freeze) {
  return Model(Backbone::load(test::golden_path("vision_script.pt")), std::move(head), TensorInputs({{"x", at::zeros({3, 16, 16})}}),
               {.freeze = freeze, .device = "cpu"});
}

at::Tensor tensor_of(const graph::NamedTensors& tensors, const std::string& name) {
  const auto found = std::ranges::find(tensors, name, &std::pair<std::string, at::Tensor>::first);
  REQUIRE(found != tensors.end());
  return found->second;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("Audit: what is frozen and moves all the same ends the run", "[train][error]") {
  const Splits data{test::toy_pictures(16), {}, {}};
  const Freeze freeze = Freeze::up_to("layer1");
  const auto run = [&](Model& model, const std::function<void()>& act) {
    return Trainer({.epochs = 1, .batch_size = 8}).add(std::make_shared<Meddling>(act)).fit(model, data);
  };
  SECTION("a parameter") {
    Model model = test::toy_vision_model(freeze);
    const auto error = test::error_of<ModelError>(
        [&] { run(model, [&] { tensor_of(model.backbone().network().parameters(), "layer1.0.conv1.weight").add_(1e-3); }); });
    CHECK(error.code() == "graft-M026");
    CHECK(contains(error.message(), "1 of its tensors moved while training: \"layer1.0.conv1.weight\""));
  }
  SECTION("statistics of a batch norm") {
    Model model = test::toy_vision_model(freeze);
    const auto error =
        test::error_of<ModelError>([&] { run(model, [&] { tensor_of(model.moving(), "backbone.layer1.0.bn1.running_mean").mul_(0.9); }); });
    CHECK(error.code() == "graft-M026");
    CHECK(contains(error.message(), "\"layer1.0.bn1.running_mean\""));
  }
  SECTION("a wholly frozen backbone") {
    Model model = test::toy_vision_model(Freeze::all());
    CHECK(test::error_of<ModelError>([&] {
            run(model, [&] { tensor_of(model.backbone().network().buffers(), "bn1.running_var").add_(1); });
          }).code() == "graft-M026");
  }
  SECTION("nothing does by itself, whatever trains") {
    const Freeze policy = GENERATE(Freeze::all(), Freeze::none(), Freeze::up_to("layer1"), Freeze::matching({"*conv*"}));
    Model model = test::toy_vision_model(policy);
    CHECK_NOTHROW(run(model, [] {}));
  }
  SECTION("nothing does where layers thaw on the way") {
    Model model = test::toy_vision_model(Freeze::all());
    CHECK_NOTHROW(
        Trainer({.epochs = 3, .batch_size = 8, .unfreeze = {{2, Freeze::up_to("layer1")}, {3, Freeze::none()}}}).fit(model, data));
  }
}

TEST_CASE("Audit: a large tensor is seen to move by its rows", "[train]") {
  const graph::Network network =
      test::network_of("def forward(self, x):\n    return torch.linear(x, self.w)\n", {{"w", at::rand({3000, 300})}});
  const Model model(Backbone(network), head::Classifier({.labels = {"0", "1"}}), TensorInputs({{"x", at::zeros({300})}}),
                    {.device = "cpu"});
  const train::FrozenAudit audit(model);
  CHECK_NOTHROW(audit.check(model));
  const c10::NoGradGuard no_grad;
  const at::Tensor weight = tensor_of(model.backbone().network().parameters(), "w");
  SECTION("its last number") { weight.view(-1)[-1] += 1; }
  SECTION("a few dozen rows") { weight.narrow(0, 100, 40).add_(1e-6); }
  CHECK(test::error_of<ModelError>([&] { audit.check(model); }).code() == "graft-M026");
}

TEST_CASE("Audit: parameters that get no gradient are told once a run", "[train]") {
  const Heard heard;
  const Splits data{test::toy_pictures(32), {}, {}};
  const TrainerOptions options{.epochs = 2, .batch_size = 8};
  SECTION("one that the head forgets") {
    Model model = vision_model(Careless(false), Freeze::none());
    Trainer(options).fit(model, data);
    CHECK(contains(heard.with("graft-W008"),
                   "1 parameters should train but got no gradient, or only zeros, in the first steps: \"head.forgotten\"."));
    CHECK(std::ranges::count_if(heard.lines, [](const std::string& line) { return line.starts_with("graft-W008"); }) == 1);
  }
  SECTION("and not again where more comes to train") {
    Model model = vision_model(Careless(false), Freeze::up_to("layer1"));
    Trainer({.epochs = 2, .batch_size = 8, .unfreeze = {{2, Freeze::none()}}}).fit(model, data);
    CHECK(std::ranges::count_if(heard.lines, [](const std::string& line) { return line.starts_with("graft-W008"); }) == 1);
  }
  SECTION("all of a backbone that the head detaches, in a run of one step too") {
    Model model = vision_model(Careless(true), Freeze::none());
    Trainer({.epochs = 1, .batch_size = 32}).fit(model, data);
    CHECK(contains(heard.with("graft-W008"), "does not detach what it reads"));
    CHECK(contains(heard.with("graft-W008"), "\"backbone.bn1.bias\""));
  }
  SECTION("none where all learn, though a last layer at zero gives the first step no gradient") {
    Model model = test::toy_vision_model(Freeze::none());
    {
      const c10::NoGradGuard no_grad;
      at::Tensor(model.head().parameters()["weight"]).zero_();
    }
    Trainer(options).fit(model, data);
    Model texts = test::toy_model(Freeze::none());
    Trainer(options).fit(texts, {test::toy_messages(32), {}, {}});
    CHECK(heard.with("graft-W008").empty());
  }
}
