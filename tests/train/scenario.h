#pragma once

// Runs that are stopped and go on, compared with the one that was never stopped.
#include <filesystem>
#include <map>

#include "core/file.h"
#include "graft/train/trainer.h"
#include "support.h"
#include "toys.h"

namespace graft::test {

using Callbacks = std::vector<std::shared_ptr<Callback>>;

/// A run as a user would write it down: everything is made anew each time.
struct Scenario {
  std::function<Model()> model;
  Splits data;
  TrainerOptions options;
  std::function<Callbacks()> callbacks = [] { return Callbacks(); };
};

struct Outcome {
  TrainReport report;
  std::map<std::string, at::Tensor> moving;
  std::string file;
  std::vector<int> told;  // epochs
};

/// Where a run is stopped; what is 0 does not count.
struct Stop {
  std::int64_t step = 0;
  int epoch_begin = 0, validation = 0, evaluation = 0, epoch = 0;
};

class Stopper final : public Callback {
 public:
  Stopper(std::stop_source& source, const Stop& stop, std::int64_t steps_per_epoch)
      : source_(source), stop_(stop), steps_per_epoch_(steps_per_epoch) {}
  Action on_epoch_begin(int epoch) override { return ask(epoch == stop_.epoch_begin); }
  Action on_step(const StepRecord& step) override {
    if (step.epoch == stop_.validation && step.step % steps_per_epoch_ == 0) validates = true;
    return ask(step.step == stop_.step);
  }
  Action on_evaluation(const EpochRecord& record) override { return ask(record.epoch == stop_.evaluation); }
  Action on_epoch(const EpochRecord& record) override {
    told.push_back(record.epoch);
    return ask(record.epoch == stop_.epoch);
  }
  Action ask(bool now) {
    if (now) source_.request_stop();
    return Action::Continue;
  }
  bool validates = false;
  std::vector<int> told;

 private:
  std::stop_source& source_;
  Stop stop_;
  std::int64_t steps_per_epoch_;
};

inline std::int64_t steps_per_epoch(const Scenario& scenario) {
  const auto step = static_cast<std::size_t>(scenario.options.batch_size * scenario.options.accumulate);
  return static_cast<std::int64_t>((scenario.data.train.size() + step - 1) / step);
}

inline Outcome run(const Scenario& scenario, const CheckpointOptions& checkpoints = {}, const Stop& stop = {}) {
  std::stop_source source;
  const auto stopper = std::make_shared<Stopper>(source, stop, steps_per_epoch(scenario));
  Splits data = scenario.data;
  if (stop.validation > 0) {  // reading is what validation begins with, where nothing is stored
    data.valid = data.valid.map([&](Record record) {
      if (stopper->validates) source.request_stop();
      return record;
    });
  }
  TrainerOptions options = scenario.options;
  options.checkpoints = checkpoints;
  Trainer trainer(options);
  for (const auto& callback : scenario.callbacks()) trainer.add(callback);
  trainer.add(stopper);
  at::manual_seed(checkpoints.resume ? 11 : 12);  // a new process begins with other random numbers
  Model model = scenario.model();
  Outcome outcome{trainer.fit(model, data, source.get_token()), {}, {}, stopper->told};
  for (const auto& [name, tensor] : model.moving()) outcome.moving[name] = tensor.detach().clone();
  const TempDir folder;
  model.save(folder.file("m.pt"));
  outcome.file = read_file(folder.file("m.pt"));
  return outcome;
}

/// NaN is NaN here.
inline std::string text_of(const EpochRecord& record) {
  Json json = record.json();
  json.erase("seconds");
  return json.dump();
}

inline void check_equal(const Outcome& resumed, const Outcome& unbroken) {
  REQUIRE(resumed.moving.size() == unbroken.moving.size());
  std::size_t different = 0;
  for (const auto& [name, tensor] : resumed.moving) different += at::equal(tensor, unbroken.moving.at(name)) ? 0 : 1;
  CHECK(different == 0);
  CHECK(resumed.file == unbroken.file);
  CHECK(resumed.report.best_epoch == unbroken.report.best_epoch);
  CHECK(resumed.report.ended == unbroken.report.ended);
  CHECK(resumed.report.steps == unbroken.report.steps);
  REQUIRE(resumed.report.history.size() == unbroken.report.history.size());
  for (std::size_t i = 0; i < unbroken.report.history.size(); ++i)
    CHECK(text_of(resumed.report.history[i]) == text_of(unbroken.report.history[i]));
}

/// Stops the run at one place after the other, each time in the run that went on from the place before.
inline void check_stops(const Scenario& scenario, const Outcome& unbroken, const std::vector<Stop>& stops) {
  const TempDir folder;
  CheckpointOptions checkpoints{.folder = folder.path()};
  for (const Stop& stop : stops) {
    INFO("stopped at step " << stop.step << ", epoch's begin " << stop.epoch_begin << ", validation " << stop.validation << ", evaluation "
                            << stop.evaluation << ", epoch " << stop.epoch);
    const Outcome stopped = run(scenario, checkpoints, stop);
    CHECK(stopped.report.ended == "stopped");
    REQUIRE_FALSE(checkpoints_in(folder.path()).empty());
    CHECK(checkpoints_in(folder.path()).back().first == stopped.report.steps);  // nothing was lost
    checkpoints.resume = true;
    if (stop.step > 0) CHECK(stopped.report.steps == stop.step);
    if (stop.validation > 0) CHECK_FALSE(stopped.report.history.back().valid_loss.has_value());
  }
  const Outcome resumed = run(scenario, checkpoints);
  CHECK(resumed.report.resumed_at > 0);
  check_equal(resumed, unbroken);
}

/// Goes on from the checkpoint after every `every`-th step, as after a kill.
inline void check_every_checkpoint(const Scenario& scenario, const Outcome& unbroken, std::size_t every) {
  const TempDir folder;
  const Outcome watched = run(scenario, {.folder = folder.path(), .every_steps = 1, .keep = 1000});
  check_equal(watched, unbroken);  // writing checkpoints changes nothing
  const auto all = checkpoints_in(folder.path());
  CHECK(all.size() == static_cast<std::size_t>(unbroken.report.steps));
  for (std::size_t i = 0; i < all.size(); i += i + 1 == all.size() ? 1 : std::min(every, all.size() - 1 - i)) {
    INFO(all[i].second);
    const TempDir copy;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      const std::string name = entry.path().filename();
      if (name.starts_with("best-") || entry.path() == all[i].second) std::filesystem::copy(entry.path(), copy.path());
    }
    check_equal(run(scenario, {.folder = copy.path(), .resume = true}), unbroken);
  }
}

inline Splits messages(std::size_t size = 40) { return {toy_messages(size), toy_messages(16, 3), {}}; }

inline std::function<Model()> texts(const Freeze& freeze = Freeze::none(), double head_dropout = 0.1, std::int64_t hidden = 0) {
  static const Backbone backbone = tiny_bert(0.1);
  const head::ClassifierOptions head{.label = "queue", .labels = {"A", "B", "C"}, .hidden = hidden, .dropout = head_dropout};
  return [=] {
    return Model(backbone, head::Classifier(head),
                 text::Tokenizer::load(golden_path("tiny_bert/vocab.txt"), {.text = "message", .max_length = 32}),
                 {.freeze = freeze, .device = "cpu"});
  };
}

}  // namespace graft::test
