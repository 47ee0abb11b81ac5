// What callbacks see of a run, in which order, and how they end it.
#include "graft/train/callback.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "graft/train/stopping.h"
#include "graft/train/trainer.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

using Calls = std::vector<std::string>;

/// Writes down every call but progress; wants a stop, or throws, at the one that is named.
class Witness final : public Callback {
 public:
  explicit Witness(std::string stop_at = "", std::string throw_at = "") : stop_at_(std::move(stop_at)), throw_at_(std::move(throw_at)) {}

  void on_fit_begin(const Model& model, const FitPlan& plan) override {
    model_ = &model;
    note("fit_begin " + std::to_string(plan.epochs) + " x " + std::to_string(plan.steps_per_epoch) + " = " + std::to_string(plan.steps) +
         " from " + std::to_string(plan.first_step));
  }
  Action on_epoch_begin(int epoch) override { return note("epoch_begin " + std::to_string(epoch)); }
  Action on_batch(const BatchRecord& batch) override {
    batches.push_back(batch);
    return note("batch " + std::to_string(batch.step));
  }
  void on_backward(const Model& model, std::int64_t step) override {
    CHECK(&model == model_);
    CHECK(model.trainable().back().second.grad().defined());
    note("backward " + std::to_string(step));
  }
  Action on_step(const StepRecord& step) override {
    steps.push_back(step);
    return note("step " + std::to_string(step.step));
  }
  Action on_evaluation(const EpochRecord& epoch) override {
    CHECK(epoch.valid_loss.has_value());
    return note("evaluation " + std::to_string(epoch.epoch));
  }
  Action on_epoch(const EpochRecord& epoch) override { return note("epoch " + std::to_string(epoch.epoch)); }
  void on_checkpoint(const CheckpointRecord& checkpoint) override {
    note("checkpoint " + std::to_string(checkpoint.step) + " " + std::to_string(checkpoint.epoch));
  }
  void on_exception(const std::exception& error) override { note(std::string("exception ") + error.what()); }
  void on_fit_end(const TrainReport& report) override { note("fit_end " + report.ended); }

  Calls calls;
  std::vector<BatchRecord> batches;
  std::vector<StepRecord> steps;

 private:
  Action note(const std::string& call) {
    calls.push_back(call);
    if (call == throw_at_) throw std::runtime_error("thrown");
    return call == stop_at_ ? Action::Stop : Action::Continue;
  }

  std::string stop_at_, throw_at_;
  const Model* model_ = nullptr;
};

Splits toy_data() { return {test::toy_messages(12), test::toy_messages(6, 3), {}}; }

TrainerOptions options() { return {.epochs = 2, .batch_size = 6}; }

/// Calls of a run with 2 epochs of 2 steps.
Calls calls_of(const std::shared_ptr<Witness>& witness, TrainReport* report = nullptr, const Freeze& freeze = Freeze::all()) {
  Model model = test::toy_model(freeze);
  const TrainReport found = Trainer(options()).add(witness).fit(model, toy_data());
  CHECK_FALSE(model.is_training());
  if (report != nullptr) *report = found;
  return witness->calls;
}

std::size_t count(const Calls& calls, const std::string& kind) {
  return static_cast<std::size_t>(std::ranges::count_if(calls, [&](const std::string& call) { return call.starts_with(kind + " "); }));
}

}  // namespace

TEST_CASE("Callback: the order of all calls", "[train]") {
  const test::TempDir folder;
  const auto witness = std::make_shared<Witness>();
  Model model = test::toy_model(GENERATE(Freeze::all(), Freeze::none()));
  TrainerOptions how = options();
  how.checkpoints = {.folder = folder.path(), .every_steps = 1, .every_seconds = 0};
  Trainer(how).add(witness).fit(model, toy_data());
  CHECK(witness->calls == Calls{"fit_begin 2 x 2 = 4 from 0",
                                "epoch_begin 1",
                                "batch 1",
                                "backward 1",
                                "step 1",
                                "checkpoint 1 1",
                                "batch 2",
                                "backward 2",
                                "step 2",
                                "evaluation 1",
                                "epoch 1",
                                "checkpoint 2 2",
                                "epoch_begin 2",
                                "batch 3",
                                "backward 3",
                                "step 3",
                                "checkpoint 3 2",
                                "batch 4",
                                "backward 4",
                                "step 4",
                                "evaluation 2",
                                "epoch 2",
                                "checkpoint 4 3",
                                "fit_end all epochs"});
}

TEST_CASE("Callback: batches name their records where these are read in the step", "[train]") {
  const auto witness = std::make_shared<Witness>();
  calls_of(witness, nullptr, Freeze::none());
  REQUIRE(witness->batches.size() == 4);
  std::vector<std::int64_t> records;
  for (const BatchRecord& batch : witness->batches) {
    CHECK(batch.samples == 6);
    CHECK(batch.epoch == (batch.step + 1) / 2);
    if (batch.epoch == 1) records.insert(records.end(), batch.records.begin(), batch.records.end());
  }
  std::ranges::sort(records);
  CHECK(records == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  const auto stored = std::make_shared<Witness>();
  calls_of(stored);
  for (const BatchRecord& batch : stored->batches) {
    CHECK(batch.records.empty());
    CHECK(batch.samples == 6);
  }
}

TEST_CASE("Callback: every call that can stop the run does", "[train]") {
  struct Case {
    std::string at;
    std::int64_t steps;
    std::size_t epochs;  // in the history
  };
  const Case stop = GENERATE(Case{"epoch_begin 1", 0, 0}, Case{"epoch_begin 2", 2, 1}, Case{"batch 1", 1, 1}, Case{"step 1", 1, 1},
                             Case{"step 3", 3, 2}, Case{"evaluation 1", 2, 1}, Case{"epoch 1", 2, 1});
  INFO(stop.at);
  TrainReport report;
  const Calls calls = calls_of(std::make_shared<Witness>(stop.at), &report);
  CHECK(report.ended == "stopped by a callback");
  CHECK(report.steps == stop.steps);
  CHECK(report.history.size() == stop.epochs);
  CHECK(count(calls, "step") == static_cast<std::size_t>(stop.steps));
  CHECK(calls.back() == "fit_end stopped by a callback");
}

TEST_CASE("Callback: all of them hear a call that one of them wanted to stop at", "[train]") {
  const auto first = std::make_shared<Witness>("step 1"), second = std::make_shared<Witness>();
  Model model = test::toy_model();
  Trainer(options()).add(first).add(second).fit(model, toy_data());
  CHECK(first->calls == second->calls);
}

TEST_CASE("Callback: the report tells which one ended the run, the first of them", "[train]") {
  Model model = test::toy_model();
  const auto target = std::make_shared<TargetMetric>("loss", 1e9);
  const auto ended = [&](const std::shared_ptr<Callback>& first, const std::shared_ptr<Callback>& second) {
    return Trainer(options()).add(first).add(second).fit(model, toy_data()).ended;
  };
  CHECK(ended(target, std::make_shared<Witness>("evaluation 1")).starts_with("target reached: \"loss\" is "));
  CHECK(ended(std::make_shared<Witness>("evaluation 1"), target) == "stopped by a callback");
  CHECK(ended(target, std::make_shared<Witness>("step 1")) == "stopped by a callback");
  CHECK(Trainer(options()).fit(model, toy_data()).ended == "all epochs");
}

TEST_CASE("Callback: an exception is told to all, thrown on, and no end of the run is", "[train][error]") {
  const std::string at = GENERATE("fit_begin 2 x 2 = 4 from 0", "epoch_begin 1", "batch 1", "step 2", "evaluation 1", "epoch 2");
  const auto thrower = std::make_shared<Witness>("", at), other = std::make_shared<Witness>();
  Model model = test::toy_model(Freeze::none());
  INFO(at);
  CHECK_THROWS_WITH(Trainer(options()).add(thrower).add(other).fit(model, toy_data()), "thrown");
  CHECK(thrower->calls.back() == "exception thrown");
  CHECK(other->calls.back() == "exception thrown");
  CHECK(count(thrower->calls, "fit_end") == 0);
  CHECK_FALSE(model.is_training());
  // The model is as good as before for another run.
  CHECK(Trainer(options()).fit(model, toy_data()).ended == "all epochs");
}

TEST_CASE("Callback: mistakes that are found before the first step are told as well", "[train][error]") {
  const auto witness = std::make_shared<Witness>();
  Model model = test::toy_model();
  CHECK_THROWS_AS(Trainer(options()).add(witness).fit(model, {}), DataError);
  REQUIRE(witness->calls.size() == 1);
  CHECK(witness->calls[0].starts_with("exception [Trainer] at least one training record is wanted"));
}
