#include "graft/train/trainer.h"

#include <map>

#include "graft/eval/evaluator.h"
#include "graph/network.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

std::map<std::string, at::Tensor> saved_state(Model& model) {
  const test::TempDir folder;
  model.save(folder.file("m.pt"));
  const graph::Network backbone = graph::Network::load(folder.file("m.pt")).child("backbone");
  std::map<std::string, at::Tensor> state;
  for (const auto& tensors : {backbone.parameters(), backbone.buffers()}) {
    for (const auto& [name, tensor] : tensors) state[name] = tensor.clone();
  }
  return state;
}

class Recorder final : public Callback {
 public:
  Action on_step(const StepRecord& step) override {
    losses.push_back(step.loss);
    return stop_after != 0 && losses.size() >= stop_after ? Action::Stop : Action::Continue;
  }
  Action on_epoch(const EpochRecord& epoch) override {
    epochs.push_back(epoch);
    return Action::Continue;
  }
  std::vector<double> losses;
  std::vector<EpochRecord> epochs;
  std::size_t stop_after = 0;
};

std::vector<double> losses_of(Model& model, const Splits& data, TrainerOptions options) {
  const auto recorder = std::make_shared<Recorder>();
  Trainer(options).add(recorder).fit(model, data);
  return recorder->losses;
}

}  // namespace

TEST_CASE("Trainer: frozen means bit-for-bit frozen, parameters and buffers", "[train]") {
  SECTION("a text network, partly frozen, with dropout") {
    Model model = test::toy_model(Freeze::up_to("encoder.layer.0"));
    const auto before = saved_state(model);
    Trainer({.epochs = 2, .batch_size = 8, .lr = 1e-2}).fit(model, {test::toy_messages(32), {}, {}});
    for (const auto& [name, tensor] : saved_state(model)) {
      INFO(name);
      CHECK(at::equal(tensor, before.at(name)) == !name.starts_with("encoder.layer.1."));
    }
  }
  SECTION("a vision network with batch norm, scripted and traced") {
    const std::string file = GENERATE(as<std::string>(), "vision_script.pt", "vision_trace.pt");
    Model model = test::toy_vision_model(Freeze::up_to("layer1"), file);
    const auto before = saved_state(model);
    Trainer({.epochs = 2, .batch_size = 8, .lr = 1e-2}).fit(model, {test::toy_pictures(32), {}, {}});
    bool moved = false;
    for (const auto& [name, tensor] : saved_state(model)) {
      INFO(file << " " << name);
      if (name.starts_with("layer2.")) {
        moved |= !at::equal(tensor, before.at(name));
      } else {
        CHECK(at::equal(tensor, before.at(name)));
      }
    }
    CHECK(moved);
  }
  SECTION("a wholly frozen backbone") {
    Model model = test::toy_model(Freeze::all(), 0.1, 8);
    const auto before = saved_state(model);
    Trainer({.epochs = 2}).fit(model, {test::toy_messages(32), {}, {}});
    for (const auto& [name, tensor] : saved_state(model)) CHECK(at::equal(tensor, before.at(name)));
  }
}

TEST_CASE("Trainer: the same seed gives the same losses, whatever the loader's threads", "[train]") {
  const Splits data{test::toy_messages(40), {}, {}};
  const auto run = [&](std::uint64_t seed, int threads) {
    Model model = test::toy_model(Freeze::none());
    return losses_of(model, data, {.epochs = 2, .batch_size = 8, .seed = seed, .threads = threads});
  };
  const auto first = run(1, 0);
  CHECK(first == run(1, 2));
  CHECK(first != run(2, 0));
}

TEST_CASE("Trainer: the loss falls", "[train]") {
  SECTION("all layers, text") {
    Model model = test::toy_model(Freeze::none());
    const auto losses =
        losses_of(model, {test::toy_messages(96), {}, {}}, {.epochs = 6, .batch_size = 16, .lr = 5e-3, .backbone_lr_ratio = 0.5});
    CHECK(losses.back() < 0.5 * losses.front());
  }
  SECTION("the head alone, on stored features") {
    Model model = test::toy_model(Freeze::all(), 0.1, 16);
    const auto losses = losses_of(model, {test::toy_messages(96), {}, {}}, {.epochs = 30, .batch_size = 16, .lr = 1e-2});
    CHECK(losses.back() < 0.5 * losses.front());
  }
  SECTION("a user's head") {
    Model model(test::tiny_bert(), test::Regressor(32),
                text::Tokenizer::load(test::golden_path("tiny_bert/vocab.txt"), {.text = "message"}), {.device = "cpu"});
    const auto losses = losses_of(model, {test::toy_messages(64), {}, {}}, {.epochs = 20, .lr = 1e-1});
    CHECK(losses.back() < 0.5 * losses.front());
  }
}

TEST_CASE("Trainer: stored features give the losses of features computed anew", "[train]") {
  // The store is bypassed by a policy that leaves one parameter to train at rate 0.
  const Splits data{test::toy_messages(32), {}, {}};
  const TrainerOptions options{.epochs = 2,
                               .batch_size = 8,
                               .backbone_lr_ratio = 0.0,
                               .weight_decay = 0.0,
                               .clip = {.kind = Clip::Kind::None},
                               .precision = Precision::Float32,
                               .group_by_length = false};
  Model stored = test::toy_model(Freeze::all(), 0.0);
  Model live = test::toy_model(
      Freeze::matching({"embeddings", "encoder.layer.0", "encoder.layer.1.attention", "encoder.layer.1.intermediate", "*dense*"}), 0.0);
  REQUIRE(live.backbone_trains());
  const auto a = losses_of(stored, data, options), b = losses_of(live, data, options);
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == Approx(b[i]).epsilon(1e-5));
}

TEST_CASE("Trainer: in the form exact stored and computed anew are the same run, to the bit", "[train]") {
  const Freeze freeze = GENERATE(Freeze::all(), Freeze::up_to("encoder.layer.0"));
  const Splits data{test::toy_messages(45), test::toy_messages(20, 3), {}};
  const auto run = [&](const FeatureStore& store) {
    Model model(test::tiny_bert(0.0), head::Classifier({.label = "queue", .labels = {"A", "B", "C"}}),
                text::Tokenizer::load(test::golden_path("tiny_bert/vocab.txt"), {.text = "message"}),
                {.freeze = freeze, .device = "cpu", .prefix = PrefixForm::Exact});
    return losses_of(model, data, {.epochs = 2, .batch_size = 8, .lr = 1e-2, .store = store});
  };
  const auto stored = run(FeatureStore());
  CHECK(stored.size() == 12);
  CHECK(stored == run(FeatureStore::off()));
}

TEST_CASE("Trainer: the frozen part has the wanted precision while it trains, and its former one afterwards", "[train]") {
  const Splits data{test::toy_messages(24), {}, {}};
  Model model = test::toy_model(Freeze::all(), 0.0);
  const auto report_with = [&](Precision precision) { return Trainer({.epochs = 1, .precision = precision}).fit(model, data); };
  CHECK(report_with(Precision::BFloat16).precision == Precision::BFloat16);
  CHECK(model.precision() == Precision::Float32);
  CHECK(report_with(Precision::Float32).precision == Precision::Float32);
  model.set_precision(Precision::Auto);
  const Precision chosen = model.precision();
  model.set_precision(Precision::Float32);
  CHECK(report_with(Precision::Auto).precision == chosen);
}

TEST_CASE("Trainer: the best weights on validation data are restored, and history tells the epochs", "[train]") {
  Model model = test::toy_model(Freeze::none());
  const Data valid = test::toy_messages(24, 5);
  const auto recorder = std::make_shared<Recorder>();
  // A rate that is far too large: later epochs are worse than some earlier one.
  const TrainReport report =
      Trainer({.epochs = 6, .batch_size = 8, .lr = 3e-2, .backbone_lr_ratio = 1.0, .schedule = Schedule(Schedule::Kind::Constant, 0.0)})
          .add(recorder)
          .fit(model, {test::toy_messages(48), valid, {}});
  REQUIRE(report.history.size() == 6);
  double lowest = 1e9;
  for (const EpochRecord& epoch : report.history) lowest = std::min(lowest, epoch.valid_loss.value());
  CHECK(report.history[static_cast<std::size_t>(report.best_epoch - 1)].valid_loss == lowest);
  CHECK(recorder->epochs.size() == 6);
  CHECK(recorder->epochs.front().samples == 48);
  CHECK(value_of(recorder->epochs.front().metrics, "accuracy") >= 0);
  CHECK_FALSE(model.is_training());
  CHECK(Evaluator().run(model, valid).metric("loss") == Approx(lowest).epsilon(1e-5));
}

TEST_CASE("Trainer: ends early when validation does not improve, when a callback says so, and on a stop", "[train]") {
  const Splits data{test::toy_messages(32), test::toy_messages(16, 3), {}};
  Model model = test::toy_model(Freeze::all(), 0.1, 8);
  SECTION("early stopping") {
    const auto report = Trainer({.epochs = 200, .lr = 0.5, .patience = 2}).fit(model, data);
    CHECK(report.ended.starts_with("early stopping: no better \"loss\""));
    CHECK(report.history.size() == static_cast<std::size_t>(report.best_epoch) + 2);
  }
  SECTION("a callback") {
    const auto recorder = std::make_shared<Recorder>();
    recorder->stop_after = 3;
    const auto report = Trainer({.epochs = 10, .batch_size = 8}).add(recorder).fit(model, data);
    CHECK(report.ended == "stopped by a callback");
    CHECK_FALSE(report.history.back().finished);
    CHECK(report.history.back().json().at("finished") == false);
    CHECK(recorder->losses.size() == 3);
  }
  SECTION("a stop token") {
    std::stop_source stop;
    stop.request_stop();
    const auto report = Trainer({.epochs = 10}).fit(model, data, stop.get_token());
    CHECK(report.ended == "stopped");
    CHECK(report.history.empty());
  }
}

TEST_CASE("Trainer: mistakes are told before the first step, all of them", "[train][error]") {
  SECTION("options") {
    const auto error = test::error_of<ConfigError>([] { Trainer({.epochs = 0, .batch_size = -1, .lr = -1}); });
    CHECK(error.problems().size() == 3);
  }
  SECTION("labels that the head does not have, in any part, with their places") {
    Model model = test::toy_model();
    const Data wrong = test::toy_messages(3).map([](Record record) {
      record.values["queue"] = std::string("Z");
      return record;
    });
    const auto error = test::error_of<DataError>([&] { Trainer().fit(model, {test::toy_messages(8), wrong, wrong}); });
    CHECK(error.problems().size() == 6);
    CHECK(error.place() == "toy:0");
  }
  SECTION("no training data") {
    Model model = test::toy_model();
    CHECK(test::error_of<DataError>([&] { Trainer().fit(model, {}); }).code() == "graft-D019");
  }
  SECTION("a loss that is not finite") {
    Model model = test::toy_model(Freeze::all(), 0.1, 8);
    {
      const c10::NoGradGuard no_grad;
      model.head().parameters()["weight"].fill_(std::numeric_limits<float>::quiet_NaN());
    }
    CHECK(test::error_of<NumericsError>([&] { Trainer().fit(model, {test::toy_messages(8), {}, {}}); }).code() == "graft-N001");
  }
}

TEST_CASE("Trainer: what lies below the freeze line computed once trains as computed anew", "[train]") {
  const Splits data = test::toy_messages(60).split({.valid = 0.2});
  const auto losses = [&](const FeatureStore& store) {
    Model model = test::toy_model(Freeze::up_to("encoder.layer.0"), 0.0);
    std::vector<double> found;
    for (const EpochRecord& epoch : Trainer({.epochs = 3, .batch_size = 8, .store = store}).fit(model, data).history)
      found.push_back(epoch.train_loss);
    return found;
  };
  const auto stored = losses(FeatureStore()), anew = losses(FeatureStore::off());
  REQUIRE(stored.size() == 3);
  for (std::size_t i = 0; i < stored.size(); ++i) CHECK(stored[i] == Approx(anew[i]).epsilon(1e-4));
  CHECK(losses(FeatureStore({.budget = 0})) == stored);
}
