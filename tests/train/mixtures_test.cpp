// Runs on pictures that are mixed.
#include "train/mixtures.h"

#include "graft/core/log.h"
#include "graft/data/tensor_inputs.h"
#include "graft/head/classifier.h"
#include "graft/train/fine_tune.h"
#include "scenario.h"
#include "train/course.h"

using namespace graft;
using namespace graft::test;

namespace {

TrainerOptions options(double mixup = 0.4, double cutmix = 1) {
  return {.epochs = 3, .batch_size = 8, .lr = 1e-2, .precision = Precision::Float32, .mixup = mixup, .cutmix = cutmix, .seed = 3};
}

std::vector<double> losses(const TrainerOptions& how, const Freeze& freeze = Freeze::none()) {
  Model model = toy_vision_model(freeze);
  const TrainReport report = Trainer(how).fit(model, {toy_pictures(40), toy_pictures(16, 3), {}});
  std::vector<double> all;
  for (const EpochRecord& record : report.history) all.push_back(record.train_loss);
  return all;
}

}  // namespace

TEST_CASE("Trainer: mixtures are the same by the seed, whatever the loader's threads", "[train]") {
  TrainerOptions threads = options();
  threads.threads = 3;
  const std::vector<double> mixed = losses(options());
  CHECK(mixed == losses(threads));
  CHECK(mixed != losses(options(0, 0)));
  CHECK(mixed != losses(options(0.4, 0)));
  CHECK(mixed.back() < mixed.front());
}

TEST_CASE("resume: a run on mixtures", "[train][resume]") {
  const Freeze freeze = GENERATE(Freeze::none(), Freeze::all());
  const Scenario scenario{[freeze] { return toy_vision_model(freeze); }, {toy_pictures(40), toy_pictures(16, 3), {}}, options()};
  const Outcome unbroken = run(scenario);
  check_stops(scenario, unbroken, {{.step = 3}, {.evaluation = 1}, {.step = 6}, {.epoch = 3}});
  check_every_checkpoint(scenario, unbroken, 4);
}

TEST_CASE("Trainer: with a frozen backbone mixtures run through it anew in each epoch", "[train]") {
  std::string told;
  set_log_sink([&](LogLevel, std::string_view text) { told += std::string(text) + "\n"; });
  TrainerOptions how = options();
  const std::vector<double> with_store = losses(how, Freeze::all());
  set_log_sink({});
  CHECK(told.find("no stored features of training data: its pictures are mixed anew in each epoch") != std::string::npos);
  how.store = FeatureStore::off();
  CHECK(with_store == losses(how, Freeze::all()));
}

TEST_CASE("settle: mixtures are learned by steps", "[train]") {
  Model model = toy_vision_model();
  const train::Course course = train::settle(model, {toy_pictures(20), {}, {}}, Preset::Auto, options());
  CHECK(course.steps);
  CHECK(course.text.starts_with("finetune (mixed pictures are learned by steps): "));
  Model other = toy_vision_model();
  const auto error = error_of<ConfigError>([&] { train::settle(other, {toy_pictures(20), {}, {}}, Preset::Probe, options()); });
  CHECK(error.code() == "graft-C115");
}

TEST_CASE("Trainer says what mixtures need, before the first step", "[train][error]") {
  SECTION("pictures") {
    Model model = toy_model();
    const auto error = error_of<ConfigError>([&] { Trainer(options()).fit(model, {toy_messages(8), {}, {}}); });
    CHECK(error.code() == "graft-C114");
    Model other = toy_model();
    CHECK(error_of<ConfigError>([&] {
            fine_tune(other, {toy_messages(40), {}, {}}, {.preset = Preset::Finetune, .trainer = options()});
          }).code() == "graft-C114");
  }
  SECTION("numbers") {
    CHECK(error_of<ConfigError>([] { Trainer({.mixup = -0.1}); }).code() == "graft-C018");
    CHECK(error_of<ConfigError>([] { Trainer({.cutmix = std::numeric_limits<double>::infinity()}); }).code() == "graft-C018");
  }
}
