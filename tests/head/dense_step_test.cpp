// Steps by formula are the steps of autograd.
#include "head/dense_step.h"

#include "graft/head/classifier.h"
#include "graft/head/multilabel.h"
#include "graft/head/regressor.h"
#include "support.h"

using namespace graft;

namespace {

/// Loss and gradients by both ways, on batches of two sizes.
void compare(const Head& head, const std::function<Fields(std::int64_t)>& targets) {
  const bool summed = GENERATE(false, true);
  INFO("summed " << summed);
  const auto step = head::DenseStep::make(head, summed);
  REQUIRE(step);
  for (const std::int64_t rows : {8, 3, 8}) {
    const Fields features{{"pooled", at::randn({rows, 6})}}, truth = targets(rows);
    const double loss = (*step)(features, truth).item<double>();
    const at::Tensor found = step->parameters().grad().clone();
    const c10::AutoGradMode on(true);
    at::Tensor expected;
    for (const LossTerm& term : loss_terms(head, head.forward(features), truth, rows))
      expected = summed ? term.sum : term.sum / term.weight;
    CHECK(loss == Approx(expected.item<double>()).epsilon(1e-5));
    std::vector<at::Tensor> parameters, flat;
    for (const auto& [name, tensor] : head.parameters()) parameters.push_back(tensor);
    for (at::Tensor& parameter : parameters) parameter.mutable_grad().reset();  // autograd would add to what the step left there
    expected.backward();
    for (at::Tensor& parameter : parameters) {
      flat.push_back(parameter.grad().reshape(-1));
      parameter.mutable_grad().reset();
    }
    CHECK(test::relative_difference(found, at::cat(flat)) < 1e-5);
  }
}

}  // namespace

TEST_CASE("DenseStep: loss and gradients of autograd, for classes, with weights, shares, and a hidden layer", "[head]") {
  at::manual_seed(1);
  const std::int64_t hidden = GENERATE(0, 5);
  const bool weighted = GENERATE(false, true), shares = GENERATE(false, true);
  INFO("hidden " << hidden << ", weighted " << weighted << ", shares " << shares);
  head::Classifier head(
      {.labels = {"a", "b", "c"}, .hidden = hidden, .class_weights = weighted ? std::vector<double>{1, 2, 0.5} : std::vector<double>{}});
  head.build({{"output", at::zeros({2, 6})}});
  compare(head, [&](std::int64_t rows) {
    return Fields{{"label", shares ? at::rand({rows, 3}).softmax(-1) : at::randint(3, {rows}, at::kLong)}};
  });
}

TEST_CASE("DenseStep: loss and gradients of autograd, with smoothing and with the focal loss", "[head]") {
  at::manual_seed(1);
  const double smoothing = GENERATE(0.0, 0.2);
  head::Classifier head({.labels = {"a", "b", "c"},
                         .hidden = 5,
                         .class_weights = {1, 2, 0.5},
                         .label_smoothing = smoothing,
                         .focal_gamma = smoothing > 0 ? 0.0 : 2.0});
  head.build({{"output", at::zeros({2, 6})}});
  compare(head, [](std::int64_t rows) { return Fields{{"label", at::randint(3, {rows}, at::kLong)}}; });
}

TEST_CASE("DenseStep: loss and gradients of autograd, for several labels at once", "[head]") {
  at::manual_seed(1);
  const bool weighted = GENERATE(false, true);
  const double gamma = GENERATE(0.0, 2.0);
  head::MultiLabel head({.labels = {"a", "b", "c"},
                         .positive_weights = weighted ? std::vector<double>{1, 3, 0.5} : std::vector<double>{},
                         .focal_gamma = gamma});
  head.build({{"output", at::zeros({2, 6})}});
  compare(head, [](std::int64_t rows) { return Fields{{"labels", at::randint(2, {rows, 3}, at::kFloat)}}; });
}

TEST_CASE("DenseStep: what steps the flat tensor steps the head, which keeps it afterwards in memory of its own", "[head]") {
  head::Classifier head({.labels = {"a", "b"}});
  head.build({{"output", at::zeros({2, 6})}});
  const at::Tensor weight = head.parameters()["weight"], before = weight.detach().clone();
  {
    const auto step = head::DenseStep::make(head);
    const c10::NoGradGuard no_grad;
    at::Tensor(step->parameters()).add_(1);
  }
  CHECK(weight.detach().equal(before + 1));
  CHECK(weight.storage().nbytes() == weight.nbytes());
  CHECK(weight.requires_grad());
}

TEST_CASE("DenseStep: none for heads without a formula", "[head]") {
  head::Classifier noisy({.labels = {"a", "b"}, .dropout = 0.5});
  head::Regressor regressor({.targets = {"y"}});
  for (Head* head : std::initializer_list<Head*>{&noisy, &regressor}) {
    head->build({{"output", at::zeros({2, 6})}});
    CHECK(head::DenseStep::make(*head) == nullptr);
  }
}
