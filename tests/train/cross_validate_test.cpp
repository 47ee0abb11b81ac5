#include "graft/train/cross_validate.h"

#include <filesystem>
#include <set>

#include "support.h"
#include "toys.h"

using namespace graft;

TEST_CASE("cross_validate: every record is measured once, by a model that has not seen it", "[train]") {
  const Data data = test::toy_messages(60);
  const CrossValidation found =
      cross_validate([] { return test::toy_model(); }, data, {.folds = 3, .valid = 0.2, .stratify = "queue", .seed = 1});
  REQUIRE(found.folds.size() == 3);
  std::int64_t samples = 0;
  for (const EvalReport& fold : found.folds) samples += fold.samples;
  CHECK(samples == 60);
  CHECK(value_of(found.mean(), "accuracy") > 0.6);
}

TEST_CASE("cross_validate: mean and deviation over the folds", "[train]") {
  CrossValidation found;
  for (const double accuracy : {0.5, 0.7, 0.9}) {
    EvalReport fold;
    fold.metrics = {{"accuracy", accuracy}};
    fold.samples = 10;
    found.folds.push_back(fold);
  }
  CHECK(value_of(found.mean(), "accuracy") == Approx(0.7));
  CHECK(value_of(found.deviation(), "accuracy") == Approx(0.2));
  CHECK(found.json().at("samples") == 30);
  CHECK(found.text().find("0.7000") != std::string::npos);
  CHECK_FALSE(found.json().contains("interrupted"));
}

TEST_CASE("cross_validate: one fold has no deviation, and a stop is told", "[train]") {
  CrossValidation found{.folds = {}, .planned = 3};
  CHECK(found.text() == "Cross-validation, 0 of 3 folds\n");
  EvalReport fold;
  fold.metrics = {{"accuracy", 0.5}};
  found.folds.push_back(fold);
  CHECK(found.deviation().empty());
  CHECK(found.text().starts_with("Cross-validation, 1 of 3 folds\n"));
  CHECK(found.text().find("nan") == std::string::npos);
  CHECK(found.json().at("interrupted") == true);
  CHECK(found.json().at("folds_planned") == 3);
}

TEST_CASE("cross_validate: each fold gets what is new for it, and no fold meets the checkpoints of another", "[train]") {
  const test::TempDir folder;
  std::vector<std::size_t> numbers;
  const CrossValidation found = cross_validate(
      [] { return test::toy_model(Freeze::none()); }, test::toy_messages(24),
      {.folds = 2,
       .valid = 0.25,
       .fine_tune = {.preset = Preset::Full,
                     .trainer = {.epochs = 1, .batch_size = 4, .checkpoints = {.folder = folder.file("kept"), .every_steps = 1}}},
       .prepare = [&](FineTuneOptions& options, const Splits& parts, std::size_t fold) {
         numbers.push_back(fold);
         CHECK(parts.train.size() == 9);
         CHECK(parts.test.size() == 12);
         options.trainer.sampler = Sampler::balanced(parts.train, "queue");
       }});
  CHECK(found.folds.size() == 2);
  CHECK(numbers == std::vector<std::size_t>{1, 2});
  CHECK_FALSE(std::filesystem::exists(folder.file("kept")));
}

TEST_CASE("cross_validate: fewer than two folds are refused", "[train][error]") {
  CHECK_THROWS_AS(cross_validate([] { return test::toy_model(); }, test::toy_messages(10), {.folds = 1}), ConfigError);
}

TEST_CASE("cross_validate: a stop ends it with the folds so far", "[train]") {
  std::stop_source source;
  source.request_stop();
  const CrossValidation found =
      cross_validate([] { return test::toy_model(); }, test::toy_messages(30), {.folds = 3, .fine_tune = {.stop = source.get_token()}});
  CHECK(found.folds.empty());
  CHECK(found.mean().empty());
}
