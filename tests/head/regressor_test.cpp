#include "graft/head/regressor.h"

#include <cmath>

#include "gradients.h"
#include "graft/data/tensors.h"
#include "head/builtin.h"
#include "support.h"

using namespace graft;
using head::Regressor;

namespace {

/// Two targets with a spread of 2 and 300.
Regressor prices(std::int64_t hidden = 0) {
  return Regressor({.targets = {"price", "weight"}, .mean = {10, -5000}, .scale = {2, 300}, .hidden = hidden, .width = 3});
}

at::Tensor rows_of(std::vector<double> values) { return at::tensor(values, at::kDouble).view({-1, 2}); }

}  // namespace

TEST_CASE("Regressor: outputs are in the units of the data", "[head]") {
  const Regressor head = prices();
  const at::Tensor x = at::randn({4, 3});
  const at::Tensor scores = at::linear(x, head.parameters()["weight"], head.parameters()["bias"]);
  const at::Tensor values = head.forward({{"pooled", x}})["values"];
  CHECK(values.sizes() == at::IntArrayRef({4, 2}));
  CHECK(test::max_difference(values.detach(), (scores * at::tensor({2.F, 300.F}) + at::tensor({10.F, -5000.F})).detach()) < 1e-3);
  CHECK(head.buffers().names() == std::vector<std::string>{"mean", "scale"});
}

TEST_CASE("Regressor: the loss is the squared error of standardized targets, summed over rows", "[head]") {
  const auto terms = loss_terms(prices(), {{"values", rows_of({12, -5000, 10, -4700})}}, {{"values", rows_of({10, -5600, 11, -4700})}}, 2);
  REQUIRE(terms.size() == 1);
  CHECK(terms[0].sum.item<double>() == Approx(((1.0 + 4.0) + (0.25 + 0)) / 2));  // (2/2)^2, (600/300)^2, (1/2)^2
  CHECK(terms[0].weight.item<double>() == 2);
}

TEST_CASE("Regressor: targets are numbers of the record, however they are written", "[head]") {
  std::vector<Sample> samples(2);
  prices().targets({{{"price", std::string("12.5")}, {"weight", std::int64_t{-4}}}, "here:1"}, samples);
  for (const Sample& sample : samples) CHECK(at::equal(sample.targets["values"], at::tensor({12.5F, -4.F})));
}

TEST_CASE("Regressor: an answer has its numbers by name, and a label where it is one number", "[head]") {
  const Fields outputs{{"values", rows_of({1, 2, 3, 4}).to(at::kFloat)}};
  const auto answers = prices().decode(outputs, Batch{{}, {}, {0, 1}}, {});
  REQUIRE(answers.size() == 2);
  CHECK(answers[1].values["price"].item<double>() == 3);
  CHECK(answers[1].values["weight"].item<double>() == 4);
  CHECK(answers[1].label.empty());
  CHECK(answers[1].top.empty());
  const Regressor one({.targets = {"price"}});
  const auto answer = one.decode({{"values", at::full({1, 1}, 1234.5)}}, Batch{{}, {}, {0}}, {}).at(0);
  CHECK(answer.label == "1234.5");
  CHECK(answer.score == 0);
  CHECK(one.truth({{{"price", 3.0}}, ""}).empty());
  CHECK_FALSE(one.has_classes());
}

TEST_CASE("Regressor: mean and scale are taken from data", "[head]") {
  const Data data = data::tensors({{"price", at::tensor({1.0, 2.0, 6.0})}, {"same", at::full({3}, 0.1)}});
  const head::TargetScale found = Regressor::scale_of(data, {"price", "same"});
  CHECK(found.mean.at(0) == Approx(3));
  CHECK(found.scale.at(0) == Approx(std::sqrt(14.0 / 3)));
  CHECK(found.mean.at(1) == Approx(0.1));
  CHECK(found.scale.at(1) == 1);
}

TEST_CASE("Regressor: gradients agree with finite differences", "[head]") {
  const Regressor head = prices(5);
  const at::Tensor x = at::randn({3, 3}), values = rows_of({10, -5000, 12, -4500, 7, -5200}).to(at::kFloat);
  const auto loss = [&] { return head.loss(head.forward({{"pooled", x}}), {{"values", values}})["squared_error"]; };
  test::check_gradients(head, loss, 5e-3);
}

TEST_CASE("Regressor: its config builds it again", "[head]") {
  const Regressor head = prices(3);
  const auto again = head::make_builtin(head.config());
  REQUIRE(again != nullptr);
  CHECK(again->config() == head.config());
  CHECK(again->parameters().names() == head.parameters().names());
  CHECK(at::equal(again->buffers()["scale"], head.buffers()["scale"]));
}

TEST_CASE("Regressor says what is wrong with options and records", "[head][error]") {
  SECTION("options, all at once") {
    const auto error = test::error_of<ConfigError>([] { Regressor({.targets = {"a", "b"}, .mean = {1}, .scale = {1, 0}, .hidden = -1}); });
    CHECK(error.code() == "graft-C012");
    REQUIRE(error.problems().size() == 3);
    CHECK(error.message() == "[Regressor] one mean for each of the 2 targets is wanted, got 1.");
    CHECK(error.problems()[1].remedy == "Take them from the data: Regressor::scale_of(data.train, targets).");
    CHECK_THROWS_AS(Regressor({.targets = {}}), ConfigError);
    CHECK_THROWS_AS(Regressor({.targets = {"a", "a"}}), ConfigError);
  }
  SECTION("a target that is no number, and one that is missing") {
    std::vector<Sample> samples(1);
    const auto error = test::error_of<DataError>([&] {
      prices().targets({{{"price", std::string("12 EUR")}, {"weight", 1.0}}, "adverts.csv:3"}, samples);
    });
    CHECK(error.code() == "graft-D023");
    CHECK(error.message() == "[Record] a finite number is wanted in \"price\", got \"12 EUR\".");
    CHECK(error.place() == "adverts.csv:3");
    CHECK(test::error_of<DataError>([&] { prices().targets({{{"price", 1.0}}, "a:1"}, samples); }).code() == "graft-D004");
  }
  SECTION("no data to standardize by") {
    CHECK(test::error_of<DataError>([] { Regressor::scale_of(Data(), {"x"}); }).code() == "graft-D019");
  }
  SECTION("a width that does not fit begins with its name") {
    Regressor head = prices();
    const auto error = test::error_of<ModelError>([&] { head.build({{"output", at::zeros({2, 9})}}); });
    CHECK(error.message().starts_with("[Regressor] a width of 3 is wanted"));
  }
}
