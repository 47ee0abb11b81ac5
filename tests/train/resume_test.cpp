// A run that is stopped and goes on in a new process's place is the run that was never stopped, to the bit.
#include "graft/optim/regularizer.h"
#include "graft/train/fine_tune.h"
#include "graft/train/stopping.h"
#include "scenario.h"

using namespace graft;
using namespace graft::test;

namespace {

/// Five steps an epoch.
TrainerOptions options(int epochs = 3) { return {.epochs = epochs, .batch_size = 8, .lr = 1e-2, .precision = Precision::Float32}; }

}  // namespace

TEST_CASE("resume: dropout, accumulation, EMA, plateau and gradual unfreezing, all at once", "[train][resume]") {
  TrainerOptions all = options(4);
  all.batch_size = 4;
  all.accumulate = 2;
  all.ema = 0.9;
  all.schedule = Schedule({.kind = Schedule::Kind::Plateau, .warmup = 0.1, .decay = 0.5, .patience = 0, .threshold = 0.3});
  all.unfreeze = {{1, Freeze::all()}, {2, Freeze::up_to("encoder.layer.0")}, {3, Freeze::none()}};
  const Scenario scenario{texts(), messages(), all};
  const Outcome unbroken = run(scenario);
  REQUIRE(unbroken.report.steps == 20);
  CHECK(unbroken.report.history.front().lr > unbroken.report.history.back().lr);  // the plateau was met
  SECTION("stopped") {
    check_stops(scenario, unbroken, {{.step = 1}, {.step = 5}, {.step = 6}, {.step = 8}, {.step = 20}});
    check_stops(scenario, unbroken, {{.epoch_begin = 2}, {.evaluation = 2}, {.epoch_begin = 3}, {.epoch = 3}, {.epoch_begin = 4}});
    check_stops(scenario, unbroken, {{.validation = 3}, {.step = 16}, {.epoch = 4}});
  }
  SECTION("killed") { check_every_checkpoint(scenario, unbroken, 1); }
}

TEST_CASE("resume: a vision network with batch norm, its averages with statistics of their own", "[train][resume]") {
  const auto [freeze, ema] =
      GENERATE(std::pair{Freeze::none(), 0.0}, std::pair{Freeze::none(), 0.9}, std::pair{Freeze::up_to("layer1"), 0.9});
  TrainerOptions averaged = options();
  averaged.ema = ema;
  const Scenario scenario{[freeze = freeze] { return toy_vision_model(freeze); }, {toy_pictures(40), toy_pictures(16, 3), {}}, averaged};
  const Outcome unbroken = run(scenario);
  check_stops(scenario, unbroken, {{.step = 3}, {.evaluation = 1}, {.step = 6}, {.epoch = 3}});
  check_every_checkpoint(scenario, unbroken, 6);
}

TEST_CASE("resume: a frozen backbone, its head by formula and by autograd, with and without validation", "[train][resume]") {
  const double dropout = GENERATE(0.0, 0.3);
  Scenario scenario{texts(Freeze::all(), dropout, 8), messages(), options()};
  if (GENERATE(true, false)) scenario.data.valid = Data();
  if (GENERATE(true, false)) scenario.options.ema = 0.8;
  const Outcome unbroken = run(scenario);
  check_stops(scenario, unbroken, {{.step = 2}, {.step = 5}, {.epoch_begin = 2}, {.step = 9}, {.epoch = 3}});
  check_every_checkpoint(scenario, unbroken, 5);
}

TEST_CASE("resume: every optimizer's state", "[train][resume]") {
  Scenario scenario{texts(), messages(), options(2)};
  scenario.options.weight_decay = GENERATE(0.0, 0.01);
  scenario.options.optimizer = GENERATE(OptimizerKind::AdamW, OptimizerKind::Sgd, OptimizerKind::Lion);
  scenario.options.nesterov = scenario.options.optimizer == OptimizerKind::Sgd;
  if (scenario.options.optimizer == OptimizerKind::Lion) scenario.options.lr = 1e-3;
  check_stops(scenario, run(scenario), {{.step = 1}, {.step = 4}, {.step = 7}});
}

TEST_CASE("resume: L2-SP pulls to where the run started, also what trains later", "[train][resume]") {
  Scenario scenario{texts(), messages(), options()};
  scenario.options.regularizers = {[] { return std::make_unique<L2Sp>(1.0, 0.1); }};
  scenario.options.unfreeze = {{1, Freeze::up_to("encoder.layer.0")}, {2, Freeze::none()}};
  const Outcome unbroken = run(scenario);
  check_stops(scenario, unbroken, {{.step = 3}, {.epoch_begin = 2}, {.step = 8}});
  check_every_checkpoint(scenario, unbroken, 4);
}

TEST_CASE("resume: in the model that was stopped, whose weights are not where the run started", "[train][resume]") {
  Scenario scenario{texts(), messages(), options(2)};
  scenario.options.regularizers = {[] { return std::make_unique<L2Sp>(1.0, 0.1); }};
  const Outcome unbroken = run(scenario);
  const TempDir folder;
  std::stop_source source;
  Model model = scenario.model();
  scenario.options.checkpoints.folder = folder.path();
  Trainer(scenario.options).add(std::make_shared<Stopper>(source, Stop{.step = 4}, 5)).fit(model, scenario.data, source.get_token());
  scenario.options.checkpoints.resume = true;
  CHECK(Trainer(scenario.options).fit(model, scenario.data).resumed_at == 4);
  for (const auto& [name, tensor] : model.moving()) CHECK(at::equal(tensor, unbroken.moving.at(name)));
}

TEST_CASE("resume: a sampler, plain batches, steps that repeat, the data's own order", "[train][resume]") {
  Scenario scenario{texts(), messages(37), options(2)};  // the last step is a smaller one
  SECTION("a sampler") { scenario.options.sampler = Sampler::balanced(scenario.data.train, "queue"); }
  SECTION("plain batches") { scenario.options.group_by_length = false; }
  SECTION("the data's own order") { scenario.options.shuffle = false; }
  SECTION("nothing stored") {
    scenario.model = texts(Freeze::up_to("encoder.layer.0"));
    scenario.options.store = FeatureStore::off();
  }
  SECTION("one batch again and again") {
    scenario.options.limit_steps = 3;
    scenario.options.overfit_batch = true;
  }
  check_stops(scenario, run(scenario), {{.step = 2}, {.step = 4}});
}

TEST_CASE("resume: callbacks go on where they were, beside others that come and go", "[train][resume]") {
  Scenario scenario{texts(Freeze::all(), 0.0), messages(), options(30)};
  scenario.options.lr = 0.5;
  scenario.options.patience = 2;  // a callback of the run's own, behind those that are given
  const Outcome unbroken = run(scenario);
  REQUIRE(unbroken.report.ended.starts_with("early stopping"));
  const int last = static_cast<int>(unbroken.report.history.size());
  SECTION("early stopping counts on") {
    for (int epoch = std::max(1, last - 2); epoch < last; ++epoch) check_stops(scenario, unbroken, {{.epoch = epoch}});
    check_every_checkpoint(scenario, unbroken, 4);
  }
  SECTION("a run that early stopping has ended stays so, and goes on with more patience") {
    const TempDir folder;
    check_equal(run(scenario, {.folder = folder.path()}), unbroken);
    check_equal(run(scenario, {.folder = folder.path(), .resume = true}), unbroken);
    scenario.options.patience = 4;
    check_equal(run(scenario, {.folder = folder.path(), .resume = true}), run(scenario));
  }
  SECTION("with another callback in front") {
    const TempDir folder;
    run(scenario, {.folder = folder.path()}, {.epoch = last - 1});
    scenario.callbacks = [] { return Callbacks{std::make_shared<TimeLimit>(3600)}; };
    check_equal(run(scenario, {.folder = folder.path(), .resume = true}), unbroken);
  }
}

TEST_CASE("resume: a time limit ends a run in an epoch, and a longer one goes on with the rest of it", "[train][resume]") {
  Scenario scenario{texts(), messages(), options(2)};
  const Outcome unbroken = run(scenario);
  const TempDir folder;
  scenario.callbacks = [] { return Callbacks{std::make_shared<TimeLimit>(1e-6)}; };
  const Outcome ended = run(scenario, {.folder = folder.path()});
  CHECK(ended.report.ended.starts_with("time limit"));
  CHECK(ended.report.steps == 1);
  CHECK(ended.report.history.size() == 1);
  scenario.callbacks = [] { return Callbacks{std::make_shared<TimeLimit>(3600)}; };
  check_equal(run(scenario, {.folder = folder.path(), .resume = true}), unbroken);
}

TEST_CASE("resume: a finished run, and one that never began", "[train][resume]") {
  const Scenario scenario{texts(), messages(), options(2)};
  const Outcome unbroken = run(scenario);
  const TempDir folder;
  const Outcome stopped = run(scenario, {.folder = folder.path(), .resume = true}, {.epoch_begin = 1});
  CHECK(stopped.report.history.empty());
  CHECK(checkpoints_in(folder.path()).empty());  // there is nothing to keep
  const CheckpointOptions checkpoints{.folder = folder.path(), .every_steps = 5, .resume = true};
  check_equal(run(scenario, checkpoints), unbroken);
  REQUIRE(checkpoints_in(folder.path()).back().first == 10);
  const Outcome again = run(scenario, checkpoints);
  check_equal(again, unbroken);
  CHECK(again.report.resumed_at == 10);
  CHECK(again.told.empty());
}

TEST_CASE("resume: the preset finetune solves the head once", "[train][resume]") {
  const auto tuned = [](const std::string& folder, bool resume, int stop_at) {
    std::stop_source source;
    const auto stopper = std::make_shared<Stopper>(source, Stop{.step = stop_at}, 5);
    Model model = texts(Freeze::all(), 0.0)();
    TrainerOptions trainer = options(2);
    trainer.checkpoints = {.folder = folder, .resume = resume};
    const FineTuneReport report =
        fine_tune(model, messages(),
                  {.preset = Preset::Finetune, .trainer = trainer, .evaluate = false, .callbacks = {stopper}, .stop = source.get_token()});
    CHECK(report.training.resumed_at == (resume ? 3 : 0));
    std::vector<at::Tensor> weights;
    for (const auto& [name, tensor] : model.moving()) weights.push_back(tensor.detach().clone());
    return weights;
  };
  const TempDir folder;
  const auto unbroken = tuned("", false, 0);
  tuned(folder.path(), false, 3);
  const auto resumed = tuned(folder.path(), true, 0);
  REQUIRE(resumed.size() == unbroken.size());
  for (std::size_t i = 0; i < resumed.size(); ++i) CHECK(at::equal(resumed[i], unbroken[i]));
}
