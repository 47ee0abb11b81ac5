#include "graft/metric/multilabel.h"

#include <cmath>

#include "support.h"

using namespace graft;
using metric::MultiLabel;

namespace {

void update(MultiLabel& metric, const at::Tensor& logits, const at::Tensor& labels) {
  metric.update({{"logits", logits}}, Batch{{}, {{"labels", labels}}, {}}, {});
}

}  // namespace

TEST_CASE("MultiLabel: values equal scikit-learn's, labels never true or never predicted included", "[metric]") {
  const Json golden = test::golden("multilabel.json");
  MultiLabel metric(5);
  update(metric, test::tensor_of(golden.at("logits")), test::tensor_of(golden.at("labels")));
  const MetricValues values = metric.compute();
  REQUIRE(values.size() == golden.at("scores").size());
  for (const auto& [name, value] : values) {
    INFO(name);
    CHECK(value == Approx(golden.at("scores").at(name).get<double>()).epsilon(1e-12));
  }
}

TEST_CASE("MultiLabel: values counted by hand", "[metric]") {
  MultiLabel metric(2);
  // label 0: right, missed; label 1: right, right (and not there)
  update(metric, at::tensor({1.F, 1.F, -1.F, -1.F}).view({2, 2}), at::tensor({1.F, 1.F, 1.F, 0.F}).view({2, 2}));
  const MetricValues values = metric.compute();
  CHECK(value_of(values, "micro_f1") == Approx(0.8));
  CHECK(value_of(values, "macro_f1") == Approx((2.0 / 3 + 1) / 2));
  CHECK(value_of(values, "exact_match") == Approx(0.5));
  CHECK(value_of(values, "hamming_loss") == Approx(0.25));
  CHECK(metric.matrices().at(0).count(1, 0) == 1);
}

TEST_CASE("MultiLabel: the threshold is one of probabilities", "[metric]") {
  MultiLabel low(1, 0.3), high(1, 0.7);
  const at::Tensor logits = at::zeros({1, 1}), labels = at::ones({1, 1});
  update(low, logits, labels);
  update(high, logits, labels);
  CHECK(value_of(low.compute(), "exact_match") == 1);
  CHECK(value_of(high.compute(), "exact_match") == 0);
}

TEST_CASE("MultiLabel: merging halves gives the whole, reset forgets", "[metric]") {
  const Json golden = test::golden("multilabel.json");
  const at::Tensor logits = test::tensor_of(golden.at("logits")), labels = test::tensor_of(golden.at("labels"));
  MultiLabel whole(5), first(5), second(5);
  update(whole, logits, labels);
  update(first, logits.narrow(0, 0, 20), labels.narrow(0, 0, 20));
  update(second, logits.narrow(0, 20, 40), labels.narrow(0, 20, 40));
  first.merge(second);
  CHECK(first.compute() == whole.compute());
  first.reset();
  CHECK(std::isnan(value_of(first.compute(), "micro_f1")));
  first.merge(second);
  CHECK(first.compute() == second.compute());
}

TEST_CASE("MultiLabel: logits for another number of labels are told", "[metric][error]") {
  MultiLabel metric(3);
  const auto error = test::error_of<ModelError>([&] { update(metric, at::zeros({2, 4}), at::zeros({2, 3})); });
  CHECK(error.code() == "graft-M017");
  CHECK(error.message() == "[MultiLabel] logits and targets of 3 labels are wanted, got [2, 4] and [2, 3].");
}
