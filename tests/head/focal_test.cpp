#include "head/focal.h"

#include <cmath>

#include "gradients.h"
#include "graft/head/classifier.h"
#include "graft/head/multilabel.h"
#include "head/builtin.h"
#include "support.h"

using namespace graft;
using head::Classifier;
using head::MultiLabel;

namespace {

const std::vector<std::string> abcd{"a", "b", "c", "d"};

Classifier classifier(double gamma, std::vector<double> weights = {}) {
  return Classifier({.labels = abcd, .hidden = 5, .class_weights = std::move(weights), .focal_gamma = gamma, .width = 6});
}

MultiLabel multilabel(double gamma, std::vector<double> weights = {}) {
  return MultiLabel({.labels = abcd, .positive_weights = std::move(weights), .focal_gamma = gamma, .hidden = 5, .width = 6});
}

/// The sum of a head's only loss term, which must be one over what it would be over without focus.
at::Tensor sum_of(const Head& head, const at::Tensor& logits, const Fields& targets, double weight) {
  const auto terms = loss_terms(head, {{"logits", logits}}, targets, logits.size(0));
  REQUIRE(terms.size() == 1);
  CHECK(terms[0].weight.item<double>() == Approx(weight).epsilon(1e-6));
  return terms[0].sum;
}

void check_golden(const Json& expected, const at::Tensor& logits, const at::Tensor& sum) {
  const double tolerance = expected.at("weighted").get<bool>() ? 1e-6 : 1e-12;  // weights are float32
  CHECK(sum.item<double>() == Approx(expected.at("sum").get<double>()).epsilon(tolerance));
  sum.backward();
  CHECK(test::relative_difference(logits.grad(), test::tensor_of(expected.at("gradient"), at::kDouble)) < tolerance);
}

void to_double(const Head& head) {
  for (auto [name, parameter] : head.parameters()) parameter.set_data(parameter.detach().to(at::kDouble));
}

}  // namespace

TEST_CASE("Focal loss: values and gradients of a classifier equal the formula in Python", "[head]") {
  const Json golden = test::golden("losses.json").at("classes");
  for (const Json& expected : golden.at("focal")) {
    const std::string kind = expected.at("targets");
    const bool weighted = expected.at("weighted");
    INFO(kind << ", weighted " << weighted << ", gamma " << expected.at("gamma"));
    const auto weights = weighted ? golden.at("class_weights").get<std::vector<double>>() : std::vector<double>{};
    const at::Tensor logits = test::tensor_of(golden.at("logits"), at::kDouble).requires_grad_();
    const at::Tensor label = test::tensor_of(golden.at(kind), at::kDouble);
    double sum_of_weights = static_cast<double>(logits.size(0));
    if (weighted && kind == "labels") sum_of_weights = at::tensor(weights).index_select(0, label).sum().item<double>();
    check_golden(expected, logits, sum_of(classifier(expected.at("gamma"), weights), logits, {{"label", label}}, sum_of_weights));
  }
}

TEST_CASE("Focal loss: values and gradients of several labels at once equal the formula in Python", "[head]") {
  const Json golden = test::golden("losses.json").at("labels");
  for (const Json& expected : golden.at("focal")) {
    const std::string kind = expected.at("targets");
    const bool weighted = expected.at("weighted");
    INFO(kind << ", weighted " << weighted << ", gamma " << expected.at("gamma"));
    const auto weights = weighted ? golden.at("positive_weights").get<std::vector<double>>() : std::vector<double>{};
    const at::Tensor logits = test::tensor_of(golden.at("logits"), at::kDouble).requires_grad_();
    const at::Tensor labels = test::tensor_of(golden.at(kind), at::kDouble);
    check_golden(expected, logits, sum_of(multilabel(expected.at("gamma"), weights), logits, {{"labels", labels}}, 48));
  }
}

TEST_CASE("Focal loss: gradients agree with finite differences in float64", "[head]") {
  at::manual_seed(5);
  const double gamma = GENERATE(0.3, 1.0, 2.0);
  const at::Tensor x = at::randn({7, 6}, at::kDouble);
  SECTION("classes") {
    const Classifier head = classifier(gamma, {1, 2, 0.5, 3});
    const at::Tensor label = GENERATE(false, true) ? at::randn({7, 4}, at::kDouble).softmax(-1) : at::randint(4, {7}, at::kLong);
    to_double(head);
    test::check_gradients(
        head,
        [&] {
          return head.loss(head.forward({{"pooled", x}}), {{"label", label}})["cross_entropy"];
        },
        1e-7, 1e-4);
  }
  SECTION("labels") {
    const MultiLabel head = multilabel(gamma, {1, 2, 0.5, 3});
    const at::Tensor labels = at::randint(2, {7, 4}, at::kDouble);
    to_double(head);
    test::check_gradients(
        head,
        [&] {
          return head.loss(head.forward({{"pooled", x}}), {{"labels", labels}})["binary_cross_entropy"];
        },
        1e-7, 1e-4);
  }
}

TEST_CASE("Focal loss: saturated logits leave it and its gradient finite", "[head]") {
  const double gamma = GENERATE(0.01, 0.5, 1.0, 2.0, 5.0);
  const at::ScalarType type = GENERATE(at::kFloat, at::kDouble, at::kHalf);
  INFO("gamma " << gamma << " in " << type);
  const at::Tensor logits = at::tensor({1e4F, -1e4F, -1e4F, -1e4F}).repeat({2, 1}).to(type).requires_grad_();
  SECTION("a class: right, and wrong") {
    sum_of(classifier(gamma), logits, {{"label", at::tensor({0, 1}, at::kLong)}}, 2).backward();
    CHECK(at::equal(logits.grad().to(at::kFloat), at::tensor({0.F, 0.F, 0.F, 0.F, 1.F, -1.F, 0.F, 0.F}).view({2, 4})));
  }
  SECTION("shares of classes") {
    const at::Tensor sum = sum_of(classifier(gamma), logits, {{"label", at::tensor({0.5F, 0.5F, 0.F, 0.F}).repeat({2, 1})}}, 2);
    CHECK(sum.item<double>() == 2e4);
    sum.backward();
    CHECK(test::max_difference(logits.grad().to(at::kFloat), at::tensor({0.5F, -0.5F, 0.F, 0.F}).repeat({2, 1})) < 1e-6);
  }
  SECTION("labels: right, and wrong") {
    const at::Tensor labels = at::tensor({1.F, 0.F, 0.F, 0.F, 0.F, 1.F, 0.F, 0.F}).view({2, 4});
    const at::Tensor sum = sum_of(multilabel(gamma), logits, {{"labels", labels}}, 8);
    CHECK(sum.item<double>() == 2e4);
    sum.backward();
    CHECK(at::equal(logits.grad().to(at::kFloat), at::tensor({0.F, 0.F, 0.F, 0.F, 1.F, -1.F, 0.F, 0.F}).view({2, 4})));
  }
}

TEST_CASE("Focal loss: what is right already counts less", "[head]") {
  // p = 1/2 and gamma = 2: a quarter of log 2
  CHECK(
      sum_of(classifier(2), at::tensor({0.F, 0.F, -99.F, -99.F}).unsqueeze(0), {{"label", at::tensor({1}, at::kLong)}}, 1).item<double>() ==
      Approx(std::log(2.0) / 4));
  CHECK(sum_of(multilabel(2), at::zeros({1, 4}), {{"labels", at::tensor({1.F, 0.F, 0.F, 1.F}).unsqueeze(0)}}, 4).item<double>() ==
        Approx(std::log(2.0)));
}

TEST_CASE("Focal loss: a head under it is not solved, as it is not convex", "[head]") {
  CHECK(Classifier({.labels = abcd, .width = 6}).linear().has_value());
  CHECK_FALSE(Classifier({.labels = abcd, .focal_gamma = 2, .width = 6}).linear().has_value());
  CHECK(MultiLabel({.labels = abcd, .width = 6}).linear().has_value());
  CHECK_FALSE(MultiLabel({.labels = abcd, .focal_gamma = 2, .width = 6}).linear().has_value());
}

TEST_CASE("Focal loss: configs keep it, and files from before it have none", "[head]") {
  const Classifier one = classifier(1.5);
  const MultiLabel many = multilabel(1.5);
  for (const Head* head : std::initializer_list<const Head*>{&one, &many}) {
    Json config = head->config();
    CHECK(config.at("focal_gamma") == 1.5);
    CHECK(head::make_builtin(config)->config() == config);
    config.erase("focal_gamma");
    CHECK(head::make_builtin(config)->config().at("focal_gamma") == 0.0);
  }
  CHECK(one.extended({"a", "new"}).options().focal_gamma == 1.5);
}

TEST_CASE("Focal loss: what it cannot take is told", "[head][error]") {
  const double gamma = GENERATE(-1.0, std::nan(""), static_cast<double>(INFINITY));
  const auto error = test::error_of<ConfigError>([&] { Classifier({.labels = abcd, .focal_gamma = gamma}); });
  CHECK(error.code() == "graft-C012");
  CHECK(error.problems().size() == 1);
  CHECK(error.message() == "[Classifier] a finite focal_gamma of at least 0 is wanted, got " + std::to_string(gamma) + ".");
  CHECK(error.remedy() == "2 is usual; 0 leaves plain cross-entropy.");
  const auto other = test::error_of<ConfigError>([&] { MultiLabel({.labels = abcd, .focal_gamma = gamma}); });
  CHECK(other.code() == "graft-C012");
  CHECK(other.message() == "[MultiLabel] a finite focal_gamma of at least 0 is wanted, got " + std::to_string(gamma) + ".");
}

TEST_CASE("Focal loss: it goes with no smoothing", "[head][error]") {
  const auto error = test::error_of<ConfigError>([] { Classifier({.labels = abcd, .label_smoothing = 0.1, .focal_gamma = 2}); });
  CHECK(error.code() == "graft-C012");
  CHECK(error.message() == "[Classifier] label_smoothing or focal_gamma is wanted, not both, got 0.100000 and 2.000000.");
  CHECK(error.remedy() == "Leave one of them at 0: smoothing draws sure answers back, which the focal loss hardly counts.");
}
