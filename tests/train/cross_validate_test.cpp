#include "graft/train/cross_validate.h"

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
