// One step's numbers do not depend on how its records are cut into batches and pieces.
#include "train/stepper.h"

#include <algorithm>
#include <map>

#include "graft/train/trainer.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

class Recorder final : public Callback {
 public:
  void on_fit_begin(const Model& model, const FitPlan&) override { model_ = &model; }
  void on_backward(const Model& model, std::int64_t) override {
    if (!gradients.empty()) return;
    for (const auto& [name, tensor] : model.trainable()) {
      if (tensor.grad().defined()) gradients[name] = tensor.grad().is_sparse() ? tensor.grad().to_dense() : tensor.grad().clone();
    }
  }
  Action on_step(const StepRecord& step) override {
    steps.push_back(step);
    return Action::Continue;
  }
  void on_fit_end(const TrainReport&) override {
    for (const auto& [name, tensor] : model_->trainable()) weights[name] = tensor.detach().clone();
  }
  std::vector<StepRecord> steps;
  /// Of the first step, before clipping.
  std::map<std::string, at::Tensor> gradients;
  std::map<std::string, at::Tensor> weights;

 private:
  const Model* model_ = nullptr;
};

Model model_of(const Freeze& freeze, std::vector<double> class_weights = {}, std::int64_t hidden = 0) {
  return Model(test::tiny_bert(0.0),
               head::Classifier({.label = "queue", .labels = {"A", "B", "C"}, .hidden = hidden, .class_weights = std::move(class_weights)}),
               text::Tokenizer::load(test::golden_path("tiny_bert/vocab.txt"), {.text = "message", .max_length = 32}),
               {.freeze = freeze, .device = "cpu"});
}

/// Every third message four times as long, so that a batch is cut where the lengths jump, and filled up elsewhere.
class LongAndShort final : public Dataset {
 public:
  explicit LongAndShort(Data messages) : messages_(std::move(messages)) {}
  std::size_t size() const override { return messages_.size(); }
  Record get(std::size_t index) const override {
    Record record = messages_.get(index);
    const std::string text = record.text("message");
    if (index % 3 == 0) record.values["message"] = text + " " + text + " " + text + " " + text;
    return record;
  }

 private:
  Data messages_;
};

/// SGD, whose steps are as small as what gradients differ by.
TrainerOptions plain_options() {
  return {.epochs = 2,
          .optimizer = OptimizerKind::Sgd,
          .lr = 0.1,
          .backbone_lr_ratio = 1.0,
          .schedule = Schedule(Schedule::Kind::Constant, 0.0),
          .precision = Precision::Float32,
          .group_by_length = false};
}

Recorder run(Model model, const TrainerOptions& options, const Data& data) {
  const auto recorder = std::make_shared<Recorder>();
  Trainer(options).add(recorder).fit(model, {data, {}, {}});
  return *recorder;
}

Recorder run(Model model, const TrainerOptions& options, std::size_t records) {
  return run(std::move(model), options, test::toy_messages(records));
}

void check_same(const std::map<std::string, at::Tensor>& a, const std::map<std::string, at::Tensor>& b) {
  REQUIRE(a.size() == b.size());
  for (const auto& [name, tensor] : a) {
    INFO(name);
    CHECK(test::max_difference(tensor, b.at(name)) < 1e-5);
  }
}

void check_same(const Recorder& a, const Recorder& b) {
  REQUIRE(a.steps.size() == b.steps.size());
  for (std::size_t i = 0; i < a.steps.size(); ++i) {
    INFO("step " << i);
    CHECK(a.steps[i].samples == b.steps[i].samples);
    CHECK(a.steps[i].loss == Approx(b.steps[i].loss).epsilon(1e-5));
    CHECK(a.steps[i].grad_norm == Approx(b.steps[i].grad_norm).epsilon(1e-4));
  }
  check_same(a.gradients, b.gradients);
  check_same(a.weights, b.weights);
}

}  // namespace

TEST_CASE("Stepper: batches that are accumulated step as one batch of all their records", "[train]") {
  // Live through the whole network, from the freeze line on, and the head alone.
  const Freeze freeze = GENERATE(Freeze::none(), Freeze::up_to("encoder.layer.0"), Freeze::all());
  const std::vector<double> class_weights = GENERATE(std::vector<double>{}, std::vector<double>{0.2, 1.0, 5.0});
  TrainerOptions large = plain_options(), small = plain_options();
  large.batch_size = 16;
  small.batch_size = 4;
  small.accumulate = 4;
  // The last window has ten records: batches of 4, 4 and 2.
  const Recorder a = run(model_of(freeze, class_weights), large, 42), b = run(model_of(freeze, class_weights), small, 42);
  REQUIRE(a.steps.size() == 6);
  CHECK(a.steps[2].samples == 10);
  check_same(a, b);
}

TEST_CASE("Stepper: pieces of like length step as one padded batch", "[train]") {
  const Freeze freeze = GENERATE(Freeze::none(), Freeze::up_to("encoder.layer.0"));
  const std::vector<double> class_weights = GENERATE(std::vector<double>{}, std::vector<double>{0.2, 1.0, 5.0});
  TrainerOptions padded = plain_options(), pieces = plain_options();
  // All records are one batch, so that both have the same.
  padded.epochs = pieces.epochs = 4;
  padded.batch_size = pieces.batch_size = 24;
  pieces.group_by_length = true;
  const Data data(std::make_shared<LongAndShort>(test::toy_messages(24)));
  const Recorder a = run(model_of(freeze, class_weights), padded, data), b = run(model_of(freeze, class_weights), pieces, data);
  REQUIRE(a.steps.size() == 4);
  CHECK(a.gradients.size() > 3);
  check_same(a, b);
}

TEST_CASE("Stepper: class weights are a mean over the window, not over its batches", "[train]") {
  // Told apart only if the batches' weights differ, as they do here: with equal ones the mean of means would pass, too.
  TrainerOptions options = plain_options();
  options.batch_size = 2;
  options.accumulate = 8;
  options.epochs = 1;
  const Recorder found = run(model_of(Freeze::none(), {0.1, 1.0, 10.0}), options, 16);
  const Model model = model_of(Freeze::none(), {0.1, 1.0, 10.0});
  double sum = 0, weight = 0;
  const Data data = test::toy_messages(16);
  Loader loader(data, model.preprocess(), target_function(model), {.batch_size = 1, .threads = 0});
  while (const auto batch = loader.next()) {
    for (const LossTerm& term : loss_terms(model.head(), model(batch->inputs), batch->targets, 1)) {
      sum += term.sum.item<double>();
      weight += term.weight.item<double>();
    }
  }
  REQUIRE(found.steps.size() == 1);
  CHECK(found.steps[0].loss == Approx(sum / weight).epsilon(1e-5));
}

TEST_CASE("Stepper: each kind of clipping reaches the step", "[train]") {
  // By formula, and by autograd.
  const Freeze freeze = GENERATE(Freeze::all(), Freeze::none());
  const auto moves = [&](const Clip& clip) {
    TrainerOptions options = plain_options();
    options.epochs = 1;
    options.batch_size = 32;
    options.momentum = 0;
    options.weight_decay = 0;
    options.clip = clip;
    Model model = model_of(freeze);
    std::map<std::string, at::Tensor> before, moved;
    for (const auto& [name, tensor] : model.trainable()) before[name] = tensor.detach().clone();
    const Recorder found = run(std::move(model), options, 32);
    REQUIRE(found.steps.size() == 1);
    for (const auto& [name, tensor] : found.weights) moved[name] = (before.at(name) - tensor) / options.lr;
    return std::pair(found, moved);
  };
  const auto norm_of = [](const std::map<std::string, at::Tensor>& tensors) {
    double squares = 0;
    for (const auto& [name, tensor] : tensors) squares += tensor.to(at::kDouble).square().sum().item<double>();
    return std::sqrt(squares);
  };
  const auto [free, whole] = moves({.kind = Clip::Kind::None, .limit = 1e-6});  // not read
  const double norm = free.steps[0].grad_norm;
  CHECK(norm_of(whole) == Approx(norm).epsilon(1e-3));
  CHECK(norm > 0.05);
  const auto [by_norm, shorter] = moves({.kind = Clip::Kind::Norm, .limit = norm / 4});
  CHECK(norm_of(shorter) == Approx(norm / 4).epsilon(1e-3));
  const auto [loose, same] = moves({.kind = Clip::Kind::Norm, .limit = norm * 4});
  CHECK(norm_of(same) == Approx(norm).epsilon(1e-3));
  double largest = 0;
  for (const auto& [name, move] : whole) largest = std::max(largest, move.abs().max().item<double>());
  const auto [by_value, clamped] = moves({.kind = Clip::Kind::Values, .limit = largest / 2});
  for (const auto& [name, move] : clamped) {
    INFO(name);
    CHECK(test::max_difference(move, whole.at(name).clamp(-largest / 2, largest / 2)) < 1e-3 * largest);
  }
  CHECK(norm_of(clamped) < norm);
  const auto [adaptive, relative] = moves({.kind = Clip::Kind::Adaptive, .limit = 1e-3});
  CHECK(relative.at("head.bias").norm().item<double>() <= 1.01e-6);  // it is 0 at first, which counts as 1e-3
  for (const Recorder* each : {&by_norm, &by_value, &adaptive}) CHECK(each->steps[0].grad_norm == Approx(norm).epsilon(1e-4));
}

TEST_CASE("Stepper: momentum, decay and kind of the optimizer are the options'", "[train]") {
  const auto weights = [](OptimizerKind kind, double momentum) {
    TrainerOptions options = plain_options();
    options.optimizer = kind;
    options.momentum = momentum;
    return run(model_of(Freeze::all()), options, 16).weights.at("head.weight");
  };
  const at::Tensor sgd = weights(OptimizerKind::Sgd, 0.9), plain = weights(OptimizerKind::Sgd, 0.0),
                   adam = weights(OptimizerKind::AdamW, 0.9), lion = weights(OptimizerKind::Lion, 0.9);
  CHECK_FALSE(sgd.equal(plain));
  CHECK_FALSE(adam.equal(lion));
  CHECK_FALSE(sgd.equal(lion));
  CHECK(weights(OptimizerKind::AdamW, 0.5).equal(adam));
}

TEST_CASE("Trainer: gradient checkpointing gives the losses of the run without, dropout included", "[train]") {
  const Splits data{test::toy_messages(24), {}, {}};
  const Freeze freeze = GENERATE(Freeze::none(), Freeze::up_to("embeddings"));
  const auto losses = [&](bool checkpointing) {
    class Losses final : public Callback {
     public:
      Action on_step(const StepRecord& step) override {
        values.push_back(step.loss);
        return Action::Continue;
      }
      std::vector<double> values;
    };
    Model model = test::toy_model(freeze);
    const auto recorded = std::make_shared<Losses>();
    Trainer({.epochs = 2, .batch_size = 8, .lr = 1e-2, .gradient_checkpointing = checkpointing}).add(recorded).fit(model, data);
    return recorded->values;
  };
  const auto plain = losses(false), checkpointed = losses(true);
  REQUIRE(plain.size() == 6);
  REQUIRE(checkpointed.size() == 6);
  for (std::size_t i = 0; i < plain.size(); ++i) CHECK(checkpointed[i] == Approx(plain[i]).epsilon(1e-4));
}
