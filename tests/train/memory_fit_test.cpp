// Batches that take more memory than they may are computed in parts.
#include "graft/train/memory_fit.h"

#include "heard.h"
#include "scenario.h"
#include "train/in_parts.h"
#include "train/memory_meter.h"

using namespace graft;
using namespace graft::test;

namespace {

constexpr std::int64_t plenty = std::int64_t{1} << 40;

TrainerOptions options(std::int64_t budget) {
  return {.epochs = 2, .batch_size = 16, .lr = 1e-2, .precision = Precision::Float32, .step_budget = budget};
}

/// Losses of the steps, and the bytes that they took at most.
class Watch final : public Callback {
 public:
  void on_fit_begin(const Model&, const FitPlan& plan) override {
    meter_.emplace(c10::kCPU);
    memory = plan.memory;
  }
  Action on_step(const StepRecord& step) override {
    losses.push_back(step.loss);
    bytes = meter_->peak();
    return Action::Continue;
  }
  void on_fit_end(const TrainReport&) override { meter_.reset(); }
  std::vector<double> losses;
  std::int64_t bytes = 0;
  std::optional<MemoryFit> memory;

 private:
  std::optional<train::MemoryMeter> meter_;
};

struct Fitted {
  TrainReport report;
  std::shared_ptr<Watch> watch = std::make_shared<Watch>();
  std::vector<at::Tensor> weights;
};

Fitted fit(const std::function<Model()>& model, const Data& train, const TrainerOptions& options) {
  Fitted fitted;
  at::manual_seed(5);
  Model made = model();
  fitted.report = Trainer(options).add(fitted.watch).fit(made, {train, {}, {}});
  for (const auto& [name, tensor] : made.moving()) fitted.weights.push_back(tensor.detach().clone());
  return fitted;
}

std::int64_t same(const Fitted& a, const Fitted& b) {
  REQUIRE(a.weights.size() == b.weights.size());
  std::int64_t equal = 0;
  for (std::size_t i = 0; i < a.weights.size(); ++i) equal += at::equal(a.weights[i], b.weights[i]) ? 1 : 0;
  return equal;
}

}  // namespace

TEST_CASE("MemoryFit: with a small budget a batch comes in parts, to the same losses, and no more is taken", "[train]") {
  const auto [freeze, accumulate] =
      GENERATE(std::pair{Freeze::none(), 1}, std::pair{Freeze::none(), 2}, std::pair{Freeze::up_to("encoder.layer.0"), 1});
  const auto model = [freeze = freeze] { return toy_model(freeze, 0.0); };
  const Data train = toy_messages(60);
  TrainerOptions free = options(0);
  free.accumulate = accumulate;
  free.store = GENERATE(true, false) ? FeatureStore() : FeatureStore::off();
  free.group_by_length = GENERATE(true, false);
  const Fitted unfitted = fit(model, train, free);
  CHECK_FALSE(unfitted.report.memory.has_value());

  TrainerOptions ample = free;
  ample.step_budget = plenty;
  const Fitted whole = fit(model, train, ample);
  REQUIRE(whole.report.memory.has_value());
  CHECK(whole.report.memory->parts == 1);
  CHECK(whole.report.memory->records == 16);
  CHECK(same(whole, unfitted) == static_cast<std::int64_t>(unfitted.weights.size()));  // measuring changes nothing
  CHECK(unfitted.watch->bytes <= whole.report.memory->bytes);

  TrainerOptions tight = free;
  tight.step_budget = whole.report.memory->bytes * 6 / 10;
  const Fitted parts = fit(model, train, tight);
  const MemoryFit& memory = parts.report.memory.value();
  INFO(memory.text());
  CHECK(parts.watch->memory == memory);
  CHECK(memory.batch == 16);
  CHECK(memory.parts > 1);
  CHECK(memory.records * memory.parts >= 16);
  CHECK(memory.bytes <= tight.step_budget);
  CHECK(parts.watch->bytes <= tight.step_budget);
  CHECK(parts.report.steps == unfitted.report.steps);
  REQUIRE(parts.watch->losses.size() == unfitted.watch->losses.size());
  for (std::size_t i = 0; i < parts.watch->losses.size(); ++i)
    CHECK(parts.watch->losses[i] == Approx(unfitted.watch->losses[i]).epsilon(1e-5));
}

TEST_CASE("MemoryFit: layers that train later count from the start", "[train]") {
  const auto model = [] { return toy_model(Freeze::all(), 0.0); };
  TrainerOptions gradual = options(0);
  gradual.unfreeze = {{1, Freeze::all()}, {2, Freeze::none()}};
  const Data train = toy_messages(48);
  const Fitted unfitted = fit(model, train, gradual);
  gradual.step_budget = plenty;
  const Fitted whole = fit(model, train, gradual);
  CHECK(same(whole, unfitted) == static_cast<std::int64_t>(unfitted.weights.size()));
  gradual.step_budget = whole.report.memory->bytes / 2;
  const Fitted parts = fit(model, train, gradual);
  CHECK(parts.report.memory->parts > 1);
  for (std::size_t i = 0; i < parts.watch->losses.size(); ++i)
    CHECK(parts.watch->losses[i] == Approx(unfitted.watch->losses[i]).epsilon(1e-5));
  // A frozen backbone has nothing to fit.
  CHECK_FALSE(fit(model, train, options(plenty)).report.memory.has_value());
}

TEST_CASE("MemoryFit: the machine's free memory is enough for a toy", "[train]") {
  const Fitted fitted = fit([] { return toy_model(Freeze::none()); }, toy_messages(24), options(free_memory));
  CHECK(fitted.report.memory->parts == 1);
  CHECK(fitted.report.memory->budget > fitted.report.memory->bytes);
}

TEST_CASE("MemoryFit: gradient checkpointing and smaller texts need less", "[train]") {
  TrainerOptions plain = options(plenty);
  const auto bytes = [&](std::int64_t length) {
    const auto model = [length] {
      return Model(tiny_bert(0.0), head::Classifier({.label = "queue", .labels = {"A", "B", "C"}}),
                   text::Tokenizer::load(golden_path("tiny_bert/vocab.txt"), {.text = "message", .max_length = static_cast<int>(length)}),
                   {.freeze = Freeze::none(), .device = "cpu"});
    };
    return fit(model, toy_messages(32), plain).report.memory->bytes;
  };
  const std::int64_t long_texts = bytes(32);
  CHECK(bytes(4) < long_texts);
  plain.gradient_checkpointing = true;
  CHECK(bytes(32) < long_texts);
}

TEST_CASE("MemoryFit: batch norms that train see parts, which is warned of", "[train]") {
  const Heard heard;
  const auto model = [] { return toy_vision_model(Freeze::none()); };
  const Data train = toy_pictures(33);
  const std::int64_t bytes = fit(model, train, options(plenty)).report.memory->bytes;
  CHECK(heard.with("graft-W013").empty());
  const Fitted parts = fit(model, train, options(bytes / 2));
  CHECK(parts.report.memory->parts > 1);
  CHECK(heard.with("graft-W013").find("see parts of " + std::to_string(parts.report.memory->records)) != std::string::npos);
  for (const double loss : parts.watch->losses) CHECK(std::isfinite(loss));
}

TEST_CASE("MemoryFit: where one record takes too much it is told before the first step", "[train][error]") {
  const auto model = [] { return toy_model(Freeze::none()); };
  const auto error = error_of<ConfigError>([&] { fit(model, toy_messages(20), options(10000)); });
  CHECK(error.code() == "graft-C043");
  CHECK(error.message().find("a step of one record at a time takes ") != std::string::npos);
  CHECK(error.message().find("9.8 KB are allowed.") != std::string::npos);
  CHECK(error.remedy().find("gradient checkpointing") != std::string::npos);
  CHECK(error_of<ConfigError>([] { Trainer({.step_budget = -2}); }).code() == "graft-C018");
}

TEST_CASE("MemoryFit: a resumed run keeps to what was found when it began", "[train][resume]") {
  Scenario scenario{texts(), messages(), options(plenty)};
  scenario.options.batch_size = 8;
  scenario.options.ema = 0.9;
  scenario.options.step_budget = run(scenario).report.memory->bytes * 7 / 10;
  const Outcome unbroken = run(scenario);
  REQUIRE(unbroken.report.memory->parts > 1);
  check_stops(scenario, unbroken, {{.step = 2}, {.step = 6}});
  const TempDir folder;
  run(scenario, {.folder = folder.path()}, {.step = 3});
  scenario.options.step_budget = plenty;  // would fit whole batches
  const Outcome resumed = run(scenario, {.folder = folder.path(), .resume = true});
  check_equal(resumed, unbroken);
  CHECK(resumed.report.memory == unbroken.report.memory);
}

TEST_CASE("in_parts: parts are as equal as can be, and hold the rows in their order", "[train]") {
  class One final : public train::Stream {
   public:
    void begin(int, std::int64_t) override {}
    const train::Window* next() override {
      window_ = {
          {{{{"x", at::arange(7)}}, {{"y", at::arange(14).view({7, 2})}}, 7}, {{{"x", at::arange(2)}}, {{"y", at::ones({2, 2})}}, 2}},
          {4, 5}};
      return &window_;
    }
    Fields features(const train::Piece& piece) const override { return piece.inputs; }
    std::int64_t steps_per_epoch() const override { return 1; }

   private:
    train::Window window_;
  };
  const auto parts = train::in_parts(std::make_unique<One>(), 3);
  const train::Window* window = parts->next();
  REQUIRE(window->pieces.size() == 4);
  CHECK(window->rows() == 9);
  CHECK(window->records == std::vector<std::int64_t>{4, 5});
  std::vector<at::Tensor> x, y;
  for (std::size_t i = 0; i < 3; ++i) {
    const train::Piece& piece = window->pieces[i];
    CHECK(piece.rows == std::array{2, 2, 3}[i]);
    CHECK(piece.inputs["x"].size(0) == piece.rows);
    x.push_back(piece.inputs["x"]);
    y.push_back(piece.targets["y"]);
  }
  CHECK(at::equal(at::cat(x), at::arange(7)));
  CHECK(at::equal(at::cat(y), at::arange(14).view({7, 2})));
  CHECK(window->pieces[3].rows == 2);
}
