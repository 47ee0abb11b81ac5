#include "graft/train/lr_finder.h"

#include <cmath>
#include <optional>

#include "graft/eval/evaluator.h"
#include "graft/train/trainer.h"
#include "heard.h"
#include "support.h"
#include "toys.h"
#include "train/snapshot.h"

using namespace graft;

namespace {

at::Tensor random_state() { return at::globalContext().defaultGenerator(at::kCPU).get_state(); }

std::vector<double> losses_of(Model& model, const Splits& data, const TrainerOptions& options) {
  class Recorder final : public Callback {
   public:
    Action on_step(const StepRecord& step) override {
      losses.push_back(step.loss);
      return Action::Continue;
    }
    std::vector<double> losses;
  };
  const auto recorder = std::make_shared<Recorder>();
  Trainer(options).add(recorder).fit(model, data);
  return recorder->losses;
}

bool same(const Fields& a, const Fields& b) {
  bool same = a.size() == b.size();
  for (const auto& [name, tensor] : a) same = same && at::equal(tensor, b[name]);
  return same;
}

/// Each way in which steps are taken: by formula on stored features, on stored cuts, on the live network, with batch statistics.
struct Way {
  std::string name;
  std::function<Model()> make;
  Splits data;
};
std::vector<Way> ways() {
  const Splits messages{test::toy_messages(60), {}, {}};
  return {{"by formula", [] { return test::toy_model(Freeze::all(), 0.1, 16); }, messages},
          {"above a cut", [] { return test::toy_model(Freeze::up_to("encoder.layer.0")); }, messages},
          {"all layers", [] { return test::toy_model(Freeze::none()); }, messages},
          {"batch norm", [] { return test::toy_vision_model(Freeze::none()); }, {test::toy_pictures(60), {}, {}}}};
}

}  // namespace

TEST_CASE("find_lr: leaves weights, buffers, random numbers, mode, precision and gradients as they were", "[train]") {
  for (const Way& way : ways()) {
    INFO(way.name);
    Model model = way.make();
    const bool training = way.name != "by formula";
    model.set_training(training);
    const Fields before = train::snapshot(model);
    const at::Tensor random = random_state();
    const Precision precision = model.precision();
    const LrFinderReport report = find_lr(model, way.data, {.batch_size = 8}, {.lowest = 1e-3, .highest = 1, .steps = 20});
    REQUIRE(report.rates.size() > 5);
    CHECK(same(train::snapshot(model), before));
    CHECK(at::equal(random_state(), random));
    CHECK(model.is_training() == training);
    CHECK(model.precision() == precision);
    for (const auto& [name, tensor] : model.trainable()) CHECK_FALSE(tensor.grad().defined());
  }
}

TEST_CASE("find_lr: training afterwards is training without it, to the bit", "[train]") {
  for (const Way& way : ways()) {
    INFO(way.name);
    const TrainerOptions options{.epochs = 2, .batch_size = 8, .lr = 1e-2, .store = FeatureStore()};
    Model plain = way.make(), tried = way.make();
    train::restore(tried, train::snapshot(plain));
    find_lr(tried, way.data, options, {.steps = 30});
    CHECK(losses_of(tried, way.data, options) == losses_of(plain, way.data, options));
    CHECK(same(train::snapshot(tried), train::snapshot(plain)));
  }
}

TEST_CASE("find_lr: takes the trainer's steps, epoch after epoch, whatever rate the options name", "[train]") {
  for (const Way& way : ways()) {
    INFO(way.name);
    TrainerOptions options{.epochs = 2, .batch_size = 8, .lr = 1e-2, .schedule = Schedule(Schedule::Kind::Constant, 0), .seed = 3};
    Model model = way.make(), tried = way.make();
    train::restore(tried, train::snapshot(model));
    const std::vector<double> expected = losses_of(model, way.data, options);
    options.lr = 0.5;
    const LrFinderReport report =
        find_lr(tried, way.data, options, {.lowest = 1e-2, .highest = 1e-2 * (1 + 1e-9), .steps = static_cast<int>(expected.size())});
    REQUIRE(report.losses.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(report.losses[i] == Approx(expected[i]).epsilon(1e-4));
  }
}

TEST_CASE("find_lr: rates rise by one factor, and the test ends where the loss grows without bound", "[train]") {
  const Splits data{test::toy_messages(60), {}, {}};
  Model model = test::toy_model(Freeze::all(), 0.1, 16);
  SECTION("all steps") {
    const LrFinderReport report = find_lr(model, data, {.batch_size = 8}, {.lowest = 1e-6, .highest = 1e-2, .steps = 41});
    REQUIRE(report.rates.size() == 41);
    CHECK(report.rates.front() == Approx(1e-6));
    CHECK(report.rates[10] == Approx(1e-5));
    CHECK(report.rates.back() == Approx(1e-2));
    CHECK_FALSE(report.diverged);
  }
  SECTION("a loss that grows") {
    const LrFinderReport report = find_lr(model, data, {.batch_size = 8}, {.highest = 1e3});
    CHECK(report.diverged);
    CHECK(report.rates.back() < 1e3);
    CHECK(report.smoothed[report.smoothed.size() - 2] <= 4 * *std::min_element(report.smoothed.begin() + 10, report.smoothed.end() - 1));
    CHECK(report.smoothed.back() > 4 * *std::ranges::min_element(report.smoothed.begin() + 10, report.smoothed.end()));
  }
  SECTION("a loss that is no number") {
    const Fields before = train::snapshot(model);
    const LrFinderReport report =
        find_lr(model, data, {.batch_size = 8, .optimizer = OptimizerKind::Sgd, .clip = {.kind = Clip::Kind::None}},
                {.lowest = 1, .highest = 1e38, .steps = 10, .diverges = 1e300});
    CHECK(report.diverged);
    CHECK(report.rates.size() < 10);
    for (const double loss : report.losses) CHECK(std::isfinite(loss));
    CHECK(same(train::snapshot(model), before));
  }
  SECTION("no number at the first step is no rate's doing, and everything is as before") {
    const at::Tensor random = random_state();
    const c10::NoGradGuard no_grad;
    for (auto& [name, tensor] : model.head().parameters()) at::Tensor(tensor).fill_(std::nan(""));
    CHECK_THROWS_AS(find_lr(model, data), NumericsError);
    CHECK(at::equal(random_state(), random));
    CHECK_FALSE(model.is_training());
  }
}

TEST_CASE("find_lr: the suggestion trains to a lower loss than rates a hundred times smaller and larger", "[train]") {
  for (const Way& way : ways()) {
    if (way.name == "above a cut") continue;  // the same numbers as all layers, more or less
    INFO(way.name);
    const auto loss_at = [&](double lr) {
      Model model = way.make();
      try {
        Trainer({.epochs = 4, .batch_size = 8, .lr = lr}).fit(model, way.data);
      } catch (const NumericsError&) {
        return std::numeric_limits<double>::infinity();
      }
      return Evaluator({.mistakes = 0}).run(model, way.data.train).metric("loss");
    };
    Model model = way.make();
    const LrFinderReport report = find_lr(model, way.data, {.batch_size = 8});
    REQUIRE(report.suggestion);
    INFO(*report.suggestion);
    const double found = loss_at(*report.suggestion);
    CHECK(found < 0.8 * loss_at(*report.suggestion / 100));
    // Norms over the batch make layers indifferent to their weights' length, so that large rates do them no harm here.
    if (way.name != "batch norm") CHECK(found < 0.8 * loss_at(*report.suggestion * 100));
  }
}

TEST_CASE("find_lr: what trains is what the model's policy says, whatever policies are to come", "[train]") {
  const Splits data{test::toy_messages(40), {}, {}};
  Model model = test::toy_model(Freeze::none());
  const LrFinderOptions finder{.lowest = 1e-4, .steps = 12};
  const LrFinderReport plain = find_lr(model, data, {.batch_size = 8}, finder);
  CHECK(find_lr(model, data, {.batch_size = 8, .unfreeze = {{1, Freeze::all()}}}, finder).losses == plain.losses);
  CHECK(model.policy() == Freeze::none());
}

TEST_CASE("find_lr: keeps as little of a step as the trainer would", "[train]") {
  Model model = test::toy_vision_model(Freeze::none());
  const Splits data{test::toy_pictures(24), {}, {}};
  const auto said = [&](bool checkpointing) {
    const test::Heard heard;
    find_lr(model, data, {.batch_size = 8, .gradient_checkpointing = checkpointing}, {.steps = 10});
    return !heard.with("[Model] gradient checkpointing finds nowhere to cut").empty();  // batch norm forbids it here, so it is told
  };
  CHECK_FALSE(said(false));
  CHECK(said(true));
  CHECK_FALSE(model.gradient_checkpointing());
}

TEST_CASE("find_lr: a stop while features are computed leaves too few for a sampler, and that is no error", "[train]") {
  const Splits data{test::toy_messages(60), {}, {}};
  Model model = test::toy_model(Freeze::all(), 0.1, 8);
  std::stop_source source;
  source.request_stop();
  const TrainerOptions options{.batch_size = 8, .sampler = Sampler::balanced(data.train, "queue")};
  CHECK(find_lr(model, data, options, {.stop = source.get_token()}).rates.empty());
}

TEST_CASE("find_lr: ends at a stop, without a suggestion and with everything as before", "[train]") {
  const Splits data{test::toy_messages(60), {}, {}};
  Model model = test::toy_model(Freeze::none());
  const Fields before = train::snapshot(model);
  std::stop_source source;
  SECTION("before the first step") { source.request_stop(); }
  const bool at_once = source.stop_requested();
  const auto stop = [&](const Progress& progress) {
    if (progress.phase == "rates" && progress.done > 3) source.request_stop();
  };
  const LrFinderReport report = find_lr(model, data, {.batch_size = 8}, {.steps = 2000, .progress = stop, .stop = source.get_token()});
  CHECK(report.rates.empty() == at_once);
  CHECK(report.rates.size() < 2000);
  CHECK_FALSE(report.suggestion);
  CHECK(same(train::snapshot(model), before));
}

TEST_CASE("find_lr says what is wrong with its options, and with the trainer's", "[train][error]") {
  const Splits data{test::toy_messages(20), {}, {}};
  Model model = test::toy_model(Freeze::all(), 0.1, 8);
  const auto code_of = [&](const LrFinderOptions& finder) {
    return test::error_of<ConfigError>([&] { find_lr(model, data, {}, finder); }).code();
  };
  CHECK(code_of({.lowest = 1, .highest = 1}) == "graft-C041");
  CHECK(code_of({.lowest = 0}) == "graft-C041");
  CHECK(code_of({.steps = 9}) == "graft-C041");
  CHECK(code_of({.smoothing = 1}) == "graft-C041");
  CHECK(code_of({.diverges = 1}) == "graft-C041");
  CHECK(test::error_of<ConfigError>([&] { find_lr(model, data, {}, {.lowest = 2, .highest = 1, .steps = 1}); }).problems().size() == 2);
  CHECK(test::error_of<ConfigError>([&] { find_lr(model, data, {.batch_size = -1}); }).code() == "graft-C018");
  CHECK(test::error_of<DataError>([&] { find_lr(model, {}); }).code() == "graft-D019");
}
