#include "graft/metric/regression.h"

#include <cmath>

#include "support.h"

using namespace graft;
using metric::Regression;

namespace {

Approx near(const Json& value) { return Approx(value.get<double>()).epsilon(1e-10); }

void update(Regression& metric, const at::Tensor& predictions, const at::Tensor& truths) {
  metric.update({{"values", predictions}}, Batch{{}, {{"values", truths}}, {}}, {});
}

/// Values of one target, as [N, 1].
at::Tensor column(std::vector<double> values) { return at::tensor(values, at::kDouble).unsqueeze(1); }

MetricValues measured(std::vector<double> predictions, std::vector<double> truths) {
  Regression metric({"price"});
  update(metric, column(std::move(predictions)), column(std::move(truths)));
  return metric.compute();
}

}  // namespace

TEST_CASE("Regression: values counted by hand", "[metric]") {
  const MetricValues values = measured({2, 2, 5}, {1, 2, 6});
  REQUIRE(values.size() == 4);
  CHECK(values[0].first == "mse");
  CHECK(values[0].second == Approx(2.0 / 3));
  CHECK(value_of(values, "mae") == Approx(2.0 / 3));
  CHECK(value_of(values, "r2") == Approx(1 - 2.0 / 14));                    // truths deviate by -2, -1, 3
  CHECK(value_of(values, "pearson") == Approx(9.0 / std::sqrt(14.0 * 6)));  // predictions by -1, -1, 2
}

TEST_CASE("Regression: values equal scikit-learn's and SciPy's, for targets far from 0", "[metric]") {
  const Json golden = test::golden("regression.json");
  Regression metric({"price", "weight"});
  update(metric, test::tensor_of(golden.at("predictions"), at::kDouble), test::tensor_of(golden.at("truths"), at::kDouble));
  const MetricValues values = metric.compute();
  REQUIRE(values.size() == 8);
  for (const auto& [prefix, index] : std::vector<std::pair<std::string, std::size_t>>{{"price_", 0}, {"weight_", 1}}) {
    const Json& expected = golden.at("scores").at(index);
    for (const std::string name : {"mse", "mae", "r2", "pearson"}) {
      INFO(prefix << name);
      CHECK(value_of(values, prefix + name) == near(expected.at(name)));
    }
  }
}

TEST_CASE("Regression: merging halves gives the whole, reset forgets", "[metric]") {
  const Json golden = test::golden("regression.json");
  const at::Tensor predictions = test::tensor_of(golden.at("predictions"), at::kDouble),
                   truths = test::tensor_of(golden.at("truths"), at::kDouble);
  Regression whole({"a", "b"}), first({"a", "b"}), second({"a", "b"});
  update(whole, predictions, truths);
  update(first, predictions.narrow(0, 0, 23), truths.narrow(0, 0, 23));
  update(second, predictions.narrow(0, 23, 57), truths.narrow(0, 23, 57));
  first.merge(second);
  const MetricValues merged = first.compute(), expected = whole.compute();
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(merged[i].second == Approx(expected[i].second).epsilon(1e-10));
  first.reset();
  CHECK(std::isnan(value_of(first.compute(), "a_mse")));
  first.merge(second);
  CHECK(first.compute() == second.compute());
}

TEST_CASE("Regression: a spread that is small beside the mean is not lost", "[metric]") {
  const double far = 1e9;
  const MetricValues values = measured({far + 1, far + 2, far + 4}, {far + 1, far + 2, far + 3});
  CHECK(value_of(values, "r2") == Approx(0.5));
  CHECK(value_of(values, "pearson") == Approx(0.98198050606));
}

TEST_CASE("Regression: what is undefined is NaN", "[metric]") {
  const MetricValues same_truths = measured({1, 2, 3}, {0.1, 0.1, 0.1});
  CHECK(std::isnan(value_of(same_truths, "r2")));
  CHECK(std::isnan(value_of(same_truths, "pearson")));
  CHECK(value_of(same_truths, "mae") == Approx(1.9));
  const MetricValues same_predictions = measured({0.3, 0.3, 0.3}, {1, 2, 3});
  CHECK(value_of(same_predictions, "r2") < 0);
  CHECK(std::isnan(value_of(same_predictions, "pearson")));
  CHECK(std::isnan(value_of(Regression({"x"}).compute(), "mse")));
}

TEST_CASE("Regression: numbers for another number of targets are told", "[metric][error]") {
  Regression metric({"price"});
  const auto error = test::error_of<ModelError>([&] { update(metric, at::zeros({2, 2}), at::zeros({2, 2})); });
  CHECK(error.code() == "graft-M017");
  CHECK(error.message() == "[Regression] predictions and truths [N, 1] are wanted, got [2, 2] and [2, 2].");
  CHECK(error.remedy() == "Make the metric for as many targets as the outputs have.");
}
