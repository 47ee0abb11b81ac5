// Averages of the weights in a run, against their definition.
#include "train/averages.h"

#include <algorithm>
#include <cmath>

#include "graft/data/tensor_inputs.h"
#include "graft/data/tensors.h"
#include "graft/eval/evaluator.h"
#include "graft/train/trainer.h"
#include "graph/builder.h"
#include "halves.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

constexpr double target = 3.0;

/// One parameter w; the loss is (w - 3)^2 for every record.
class OneNumber final : public Head {
 public:
  OneNumber() : w_(parameter("w", at::zeros({}, at::kDouble))) {}
  std::vector<Feature> reads() const override { return {{.name = "x"}}; }
  void targets(const Record&, std::span<Sample> samples) const override {
    for (Sample& sample : samples) sample.targets.set("t", at::scalar_tensor(target, at::kDouble));
  }
  Fields forward(const Fields& features) const override { return {{"w", w_.expand({features["x"].size(0)})}}; }
  Terms loss(const Fields& outputs, const Fields& targets) const override {
    return {{"square", (outputs["w"] - targets["t"]).square().sum()}};
  }
  Json config() const override { return {{"type", "one_number"}}; }

 private:
  at::Tensor w_;
};

Data points(std::int64_t size) { return data::tensors({{"x", at::ones({size, 2})}}); }

Model one_number() {
  return Model(Backbone(test::network_of("def forward(self, x):\n    return x\n", {})), OneNumber(), TensorInputs({{"x", at::zeros({2})}}),
               {.device = "cpu"});
}

TrainerOptions sgd_options(int epochs, double ema) {
  return {.epochs = epochs,
          .batch_size = 4,
          .optimizer = OptimizerKind::Sgd,
          .lr = 0.1,
          .weight_decay = 0.0,
          .momentum = 0.0,
          .schedule = Schedule(Schedule::Kind::Constant, 0.0),
          .clip = {.kind = Clip::Kind::None},
          .ema = ema};
}

/// w and its average after each step.
std::vector<std::pair<double, double>> simulated(int steps, double decay) {
  std::vector<std::pair<double, double>> found;
  double w = 0, average = 0;
  for (int t = 0; t < steps; ++t) {
    w -= 0.1 * 2 * (w - target);
    const double d = std::min(decay, (1.0 + t) / (10.0 + t));
    average = d * average + (1 - d) * w;
    found.emplace_back(w, average);
  }
  return found;
}

class Losses final : public Callback {
 public:
  Action on_step(const StepRecord& step) override {
    losses.push_back(step.loss);
    return Action::Continue;
  }
  std::vector<double> losses;
};

}  // namespace

TEST_CASE("Averages: in the end the model has them, as worked out by hand", "[train]") {
  const double decay = GENERATE(0.2, 0.9);
  Model model = one_number();
  const TrainReport report = Trainer(sgd_options(2, decay)).fit(model, {points(20), {}, {}});
  CHECK(report.steps == 10);
  const auto [w, average] = simulated(10, decay).back();
  REQUIRE(std::abs(w - average) > 0.01);
  CHECK(model.head().parameters()["w"].item<double>() == Approx(average).epsilon(1e-12));
  Trainer(sgd_options(2, 0.0)).fit(model = one_number(), {points(20), {}, {}});
  CHECK(model.head().parameters()["w"].item<double>() == Approx(w).epsilon(1e-12));
}

TEST_CASE("Averages: validation measures them, steps go on from the weights, and the best epoch's are restored", "[train]") {
  Model model = one_number();
  const auto losses = std::make_shared<Losses>();
  const TrainReport report = Trainer(sgd_options(3, 0.9)).add(losses).fit(model, {points(20), points(4), {}});
  const auto steps = simulated(15, 0.9);
  REQUIRE(report.history.size() == 3);
  for (std::size_t epoch = 0; epoch < 3; ++epoch) {
    const double average = steps[epoch * 5 + 4].second;
    CHECK(report.history[epoch].valid_loss == Approx(std::pow(average - target, 2)).epsilon(1e-9));
  }
  REQUIRE(losses->losses.size() == 15);
  for (std::size_t i = 1; i < 15; ++i) CHECK(losses->losses[i] == Approx(std::pow(steps[i - 1].first - target, 2)).epsilon(1e-9));
  CHECK(report.best_epoch == 3);
  CHECK(model.head().parameters()["w"].item<double>() == Approx(steps.back().second).epsilon(1e-12));
}

TEST_CASE("Averages: to measure them changes nothing in the run, dropout and batch norm included", "[train]") {
  const auto losses_with = [](double ema, bool validates) {
    Model model = test::toy_vision_model(Freeze::none());
    const auto losses = std::make_shared<Losses>();
    const Splits data{test::toy_pictures(24), validates ? test::toy_pictures(8, 3) : Data(), {}};
    Trainer({.epochs = 3, .batch_size = 8, .lr = 1e-2, .ema = ema}).add(losses).fit(model, data);
    return losses->losses;
  };
  const auto plain = losses_with(0.0, false);
  CHECK(plain.size() == 9);
  CHECK(losses_with(0.9, true) == plain);
}

TEST_CASE("Averages: after validation weights and statistics are the live ones, to the bit", "[train]") {
  class Watch final : public Callback {
   public:
    void on_fit_begin(const Model& model, const FitPlan&) override { model_ = &model; }
    Action on_step(const StepRecord&) override {
      last_.clear();
      for (const auto& [name, tensor] : model_->moving()) last_.push_back(tensor.detach().clone());
      return Action::Continue;
    }
    Action on_evaluation(const EpochRecord&) override {
      const auto now = model_->moving();
      for (std::size_t i = 0; i < now.size(); ++i) differ += !now[i].second.equal(last_[i]);
      ++evaluations;
      return Action::Continue;
    }
    int differ = 0, evaluations = 0;

   private:
    const Model* model_ = nullptr;
    std::vector<at::Tensor> last_;
  };
  Model model = test::toy_vision_model(Freeze::none());
  const auto watch = std::make_shared<Watch>();
  Trainer({.epochs = 2, .batch_size = 8, .lr = 1e-2, .ema = 0.9})
      .add(watch)
      .fit(model, {test::toy_pictures(24), test::toy_pictures(8, 3), {}});
  CHECK(watch->evaluations == 2);
  CHECK(watch->differ == 0);
}

TEST_CASE("Averages: batch norm has the statistics of the averaged weights", "[train]") {
  graph::Builder builder("Normed");
  at::manual_seed(1);
  const at::Tensor start = at::randn({4, 2});
  builder.parameter("w", start).parameter("scale", at::ones({4})).parameter("shift", at::zeros({4}));
  builder.buffer("mean", at::zeros({4})).buffer("variance", at::ones({4}));
  builder.define(
      "def forward(self, x):\n"
      "    y = torch.linear(x, self.w, None)\n"
      "    return torch.batch_norm(y, self.scale, self.shift, self.mean, self.variance, self.training, 0.1, 1e-5, True)\n");
  // Every batch holds the same four records, and so has the same mean.
  const at::Tensor kinds = at::tensor({1.0F, 0.0F, 3.0F, 1.0F, 0.0F, 2.0F, 2.0F, -1.0F}).view({4, 2});
  const at::Tensor labels = at::tensor({0, 1, 1, 0}, at::kLong);
  const Data data = data::tensors({{"x", kinds.repeat({60, 1})}, {"label", labels.repeat({60})}});
  Model model(Backbone(builder.network()), head::Classifier({.labels = {"0", "1"}}), TensorInputs({{"x", at::zeros({2})}}),
              {.freeze = Freeze::none(), .device = "cpu"});
  at::Tensor live;
  class Watch final : public Callback {
   public:
    Watch(const Model& model, at::Tensor& last) : model_(model), live_(last) {}
    Action on_step(const StepRecord&) override {
      for (const auto& [name, tensor] : model_.trainable()) {
        if (name == "backbone.w") live_ = tensor.detach().clone();
      }
      return Action::Continue;
    }

   private:
    const Model& model_;
    at::Tensor& live_;
  };
  // Decay keeps the weights moving, so that the average stays behind them.
  TrainerOptions options = sgd_options(10, 0.99);
  options.weight_decay = 0.02;
  options.backbone_lr_ratio = 1.0;
  options.shuffle = false;
  Trainer(options).add(std::make_shared<Watch>(model, live)).fit(model, {data, {}, {}});
  std::map<std::string, at::Tensor> moving;
  for (const auto& [name, tensor] : model.moving()) moving[name] = tensor.detach();
  const at::Tensor average = at::matmul(moving.at("backbone.w"), kinds.mean(0)), last = at::matmul(live, kinds.mean(0));
  REQUIRE(test::max_difference(average, last) > 0.01);
  CHECK(test::max_difference(moving.at("backbone.mean"), average) < 0.05 * test::max_difference(average, last));
  CHECK_FALSE(model.is_training());
}

TEST_CASE("Averages: what starts to train later starts its average at its value", "[train]") {
  // Layers that were unfrozen at the last moment are near where they were, whatever the decay.
  Model model = test::toy_model(Freeze::all(), 0.0);
  TrainerOptions options{.epochs = 2, .batch_size = 8, .lr = 1e-2, .ema = 0.99, .unfreeze = {{1, Freeze::all()}, {2, Freeze::none()}}};
  const TrainReport report = Trainer(options).fit(model, {test::toy_messages(16), {}, {}});
  CHECK(report.history.size() == 2);
  std::map<std::string, at::Tensor> original;
  for (const auto& [name, tensor] : model.backbone().network().parameters()) original["backbone." + name] = tensor;
  for (const auto& [name, tensor] : model.trainable()) {
    if (!name.starts_with("backbone.")) continue;
    INFO(name);
    CHECK(test::max_difference(tensor.detach(), original.at(name)) < 0.01);
    CHECK_FALSE(tensor.detach().isnan().any().item<bool>());
  }
}
