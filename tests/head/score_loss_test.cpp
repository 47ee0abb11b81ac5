// Losses by formula are those of loss() and weights() under autograd.
#include "head/score_loss.h"

#include "graft/head/classifier.h"
#include "graft/head/multilabel.h"
#include "support.h"

using namespace graft;

namespace {

using Doubles = std::vector<double>;

/// Loss and derivative both ways, in float32; one after the other, as a step leaves nothing behind for the next.
void compare(const head::DenseHead& head, const std::function<Fields(std::int64_t)>& targets) {
  const bool summed = GENERATE(true, false);
  INFO("summed " << summed);
  const auto loss = head.score_loss(summed);
  REQUIRE(loss != nullptr);
  for (const std::int64_t rows : {9, 2, 9}) {
    const at::Tensor scores = (3 * at::randn({rows, 4})).requires_grad_();
    const Fields truth = targets(rows);
    at::Tensor expected;
    for (const LossTerm& term : loss_terms(head, {{"logits", scores}}, truth, rows)) expected = summed ? term.sum : term.sum / term.weight;
    expected.backward();
    const c10::NoGradGuard no_grad;
    at::Tensor derivative = at::full({rows, 4}, 7.F);
    CHECK((*loss)(scores, truth, derivative).item<double>() == Approx(expected.item<double>()).epsilon(1e-6));
    CHECK(test::relative_difference(derivative, scores.grad()) < 1e-6);
  }
}

}  // namespace

TEST_CASE("ScoreLoss: cross-entropy with smoothing or focus is autograd's, of classes and of shares", "[head]") {
  at::manual_seed(3);
  const auto [smoothing, gamma] = GENERATE(table<double, double>({{0, 0}, {0.1, 0}, {0.7, 0}, {0, 0.5}, {0, 1}, {0, 3}}));
  const Doubles weights = GENERATE(Doubles{}, Doubles{1, 2, 0.5, 4});
  INFO("smoothing " << smoothing << ", gamma " << gamma << ", weighted " << !weights.empty());
  const head::Classifier head(
      {.labels = {"a", "b", "c", "d"}, .class_weights = weights, .label_smoothing = smoothing, .focal_gamma = gamma});
  SECTION("classes") {
    compare(head, [](std::int64_t rows) { return Fields{{"label", at::randint(4, {rows}, at::kLong)}}; });
  }
  SECTION("shares") {
    compare(head, [](std::int64_t rows) { return Fields{{"label", at::randn({rows, 4}).softmax(-1)}}; });
  }
  SECTION("classes and shares in turns") {
    compare(head, [](std::int64_t rows) {
      return Fields{{"label", rows == 2 ? at::randn({rows, 4}).softmax(-1) : at::randint(4, {rows}, at::kLong)}};
    });
  }
}

TEST_CASE("ScoreLoss: binary cross-entropy with focus is autograd's, of labels and of shares", "[head]") {
  at::manual_seed(3);
  const double gamma = GENERATE(0.0, 0.5, 1.0, 3.0);
  const Doubles weights = GENERATE(Doubles{}, Doubles{1, 2, 0.5, 4});
  INFO("gamma " << gamma << ", weighted " << !weights.empty());
  const head::MultiLabel head({.labels = {"a", "b", "c", "d"}, .positive_weights = weights, .focal_gamma = gamma});
  SECTION("labels") {
    compare(head, [](std::int64_t rows) { return Fields{{"labels", at::randint(2, {rows, 4}, at::kFloat)}}; });
  }
  SECTION("shares") {
    compare(head, [](std::int64_t rows) { return Fields{{"labels", at::rand({rows, 4})}}; });
  }
}

TEST_CASE("ScoreLoss: smoothing with class weights, by hand", "[head]") {
  // p = (1/2, 1/2), y = 0, s = 0.2: (1 - s) w_0 log 2 + s / 2 (w_0 + w_1) log 2, divided by w_0
  const head::Classifier head({.labels = {"a", "b"}, .class_weights = {1, 3}, .label_smoothing = 0.2});
  at::Tensor derivative = at::empty({1, 2});
  const auto loss = head.score_loss(/*summed=*/false);
  CHECK((*loss)(at::zeros({1, 2}), {{"label", at::zeros({1}, at::kLong)}}, derivative).item<double>() ==
        Approx((0.8 + 0.1 * 4) * std::log(2.0)).epsilon(1e-6));
  CHECK(test::max_difference(derivative, at::tensor({-0.3F, 0.3F}).unsqueeze(0)) < 1e-6);  // -0.9 + 0.6, -0.3 + 0.6
}

TEST_CASE("ScoreLoss: the focal loss of saturated scores has finite derivatives", "[head]") {
  const double gamma = GENERATE(0.01, 0.5, 1.0, 2.0);
  const at::Tensor scores = at::tensor({1e4F, -1e4F, -1e4F, 1e4F}).view({2, 2});
  at::Tensor derivative = at::empty({2, 2});
  SECTION("classes: one row right, one wrong") {
    const auto loss = head::Classifier({.labels = {"a", "b"}, .focal_gamma = gamma}).score_loss(/*summed=*/true);
    CHECK((*loss)(scores, {{"label", at::tensor({0, 0}, at::kLong)}}, derivative).item<double>() == 2e4);
    CHECK(at::equal(derivative, at::tensor({0.F, 0.F, -1.F, 1.F}).view({2, 2})));
  }
  SECTION("labels: one row right, one wrong") {
    const auto loss = head::MultiLabel({.labels = {"a", "b"}, .focal_gamma = gamma}).score_loss(/*summed=*/true);
    CHECK((*loss)(scores, {{"labels", at::tensor({1.F, 0.F, 1.F, 0.F}).view({2, 2})}}, derivative).item<double>() == 2e4);
    CHECK(at::equal(derivative, at::tensor({0.F, 0.F, -1.F, 1.F}).view({2, 2})));
  }
}
