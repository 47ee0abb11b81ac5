// What heads learn of a sample that is mixed of two.
#include <ATen/ATen.h>

#include "graft/head/classifier.h"
#include "graft/head/detector.h"
#include "graft/head/multilabel.h"
#include "graft/head/regressor.h"
#include "support.h"

using namespace graft;

namespace {

/// The loss terms' sum for one row of scores.
at::Tensor loss(const Head& head, const std::string& name, const at::Tensor& scores, const Fields& target) {
  Fields row;
  for (const auto& [key, tensor] : target) row.set(key, tensor.unsqueeze(0));
  at::Tensor sum = at::zeros({}, scores.options());
  for (const auto& [key, term] : head.loss({{name, scores}}, row)) sum = sum + term;
  return sum;
}

at::Tensor gradient(const Head& head, const std::string& name, const at::Tensor& scores, const Fields& target) {
  const at::Tensor leaf = scores.detach().clone().requires_grad_(true);
  loss(head, name, leaf, target).backward();
  return leaf.grad();
}

Fields target(const Head& head, const Record& record) {
  std::vector<Sample> samples(1);
  head.targets(record, samples);
  return samples.front().targets;
}

/// The loss, where it is linear in the target, and its gradient are those of the two targets in their shares.
void check_shares(const Head& head, const std::string& name, const Record& first, const Record& second, bool is_linear = true) {
  const at::Tensor scores = at::tensor({0.3F, -1.2F, 0.8F}).view({1, 3});
  const Fields one = target(head, first), other = target(head, second), both = head.mixed(one, other, 0.3);
  if (is_linear) {
    const double expected = 0.3 * loss(head, name, scores, one).item<double>() + 0.7 * loss(head, name, scores, other).item<double>();
    CHECK(loss(head, name, scores, both).item<double>() == Approx(expected).epsilon(1e-5));
  }
  const at::Tensor mean = 0.3 * gradient(head, name, scores, one) + 0.7 * gradient(head, name, scores, other);
  CHECK(test::max_difference(gradient(head, name, scores, both), mean) < 1e-6);
}

}  // namespace

TEST_CASE("Classifier: a mixture has shares of both classes", "[head]") {
  const head::Classifier head({.labels = {"a", "b", "c"}, .width = 2});
  const Fields b = target(head, {{{"label", "b"}}, ""}), c = target(head, {{{"label", "c"}}, ""});
  CHECK(head.mixed(b, c, 0.25)["label"].equal(at::tensor({0.0F, 0.25F, 0.75F})));
  CHECK(head.mixed(c, c, 0.25)["label"].equal(at::tensor({0.0F, 0.0F, 1.0F})));
  const Fields soft = target(head, {{{"label", at::tensor({0.5F, 0.5F, 0.0F})}}, ""});
  CHECK(head.mixed(soft, c, 0.5)["label"].equal(at::tensor({0.25F, 0.25F, 0.5F})));
}

TEST_CASE("Heads: the loss of a mixture is that of both in their shares", "[head]") {
  const Record a{{{"label", "a"}}, ""}, c{{{"label", "c"}}, ""};
  SECTION("Classifier, by all its losses") {
    head::ClassifierOptions options{.labels = {"a", "b", "c"}, .width = 2};
    const int kind = GENERATE(0, 1, 2, 3);
    if (kind == 1) options.class_weights = {1, 2, 4};
    if (kind == 2) options.label_smoothing = 0.1;
    if (kind == 3) options.focal_gamma = 2;
    check_shares(head::Classifier(options), "logits", a, c);
  }
  SECTION("MultiLabel") {
    const double gamma = GENERATE(0.0, 2.0);
    check_shares(head::MultiLabel({.labels = {"a", "b", "c"}, .positive_weights = {1, 3, 2}, .focal_gamma = gamma, .width = 2}), "logits",
                 {{{"labels", "a;b"}, {"label", "a;b"}}, ""}, {{{"labels", "c"}, {"label", "c"}}, ""});
  }
  SECTION("Regressor: of the gradient") {
    check_shares(head::Regressor({.targets = {"x", "y", "z"}, .scale = {1, 2, 3}, .width = 2}), "values",
                 {{{"x", 1.0}, {"y", 2.0}, {"z", -1.0}}, ""}, {{{"x", 4.0}, {"y", 0.0}, {"z", 1.0}}, ""}, /*is_linear=*/false);
  }
}

TEST_CASE("Heads: places of objects are not mixed", "[head][error]") {
  const head::Detector head({.labels = {"cell"}, .levels = {"map"}, .maps = {{.width = 8, .stride = 8, .rows = 2, .columns = 2}}});
  Record record;
  set_boxes(record, {});
  const Fields places = target(head, record);
  const auto error = test::error_of<ConfigError>([&] { head.mixed(places, places, 0.5); });
  CHECK(error.code() == "graft-C113");
  CHECK(error.message() ==
        "[Head] targets of floating numbers, of one shape, are wanted to learn mixtures; this head's \"labels\" are none.");
}
