#include "graft/metric/confusion.h"

#include "graft/head/classifier.h"
#include "support.h"

using namespace graft;
using metric::Average;
using metric::ConfusionMatrix;
using metric::F1;

namespace {

Approx near(const Json& value) { return Approx(value.get<double>()).epsilon(0).margin(1e-12); }

Batch labelled(const at::Tensor& target, const std::string& name = "label") {
  Batch batch;
  batch.targets.set(name, target);
  return batch;
}

Fields outputs(const Json& problem) { return {{"logits", test::tensor_of(problem.at("logits"), at::kDouble)}}; }

const Json& problems() {
  static const Json all = test::golden("metrics.json").at("problems");
  return all;
}

const std::vector<std::pair<Average, std::string>> averages{
    {Average::Micro, "micro"}, {Average::Macro, "macro"}, {Average::Weighted, "weighted"}};

}  // namespace

TEST_CASE("F1: averages equal scikit-learn's, classes never predicted or never true included", "[metric]") {
  REQUIRE(problems().size() == 3);
  for (const Json& problem : problems()) {
    for (const auto& [average, name] : averages) {
      INFO(problem.at("name") << ", " << name);
      F1 f1(problem.at("classes"), average);
      f1.update(outputs(problem), labelled(test::tensor_of(problem.at("labels"))), {});
      const Json& expected = problem.at("averages").at(name);
      const MetricValues values = f1.compute();
      REQUIRE(values.size() == 3);
      CHECK(value_of(values, name + "_precision") == near(expected.at("precision")));
      CHECK(value_of(values, name + "_recall") == near(expected.at("recall")));
      CHECK(value_of(values, name + "_f1") == near(expected.at("f1")));
    }
  }
}

TEST_CASE("Confusion: counts and what follows for each class equal scikit-learn's", "[metric]") {
  for (const Json& problem : problems()) {
    INFO(problem.at("name"));
    const auto n = problem.at("classes").get<std::int64_t>();
    F1 f1(n, Average::Macro);
    f1.update(outputs(problem), labelled(test::tensor_of(problem.at("labels"))), {});
    const ConfusionMatrix& matrix = f1.matrix();
    CHECK(matrix.num_classes() == n);
    CHECK(matrix.total() == static_cast<std::int64_t>(problem.at("labels").size()));
    CHECK(matrix.accuracy() == near(problem.at("accuracy")));
    const Json& per_class = problem.at("per_class");
    for (std::int64_t i = 0; i < n; ++i) {
      const auto at = static_cast<std::size_t>(i);
      std::int64_t predicted = 0;
      for (std::int64_t j = 0; j < n; ++j) {
        CHECK(matrix.count(i, j) == problem.at("confusion").at(at).at(static_cast<std::size_t>(j)));
        predicted += problem.at("confusion").at(static_cast<std::size_t>(j)).at(at).get<std::int64_t>();
      }
      CHECK(matrix.support(i) == per_class.at("support").at(at));
      CHECK(matrix.predicted(i) == predicted);
      CHECK(matrix.precision(i) == near(per_class.at("precision").at(at)));
      CHECK(matrix.recall(i) == near(per_class.at("recall").at(at)));
      CHECK(matrix.f1(i) == near(per_class.at("f1").at(at)));
    }
  }
}

TEST_CASE("Confusion: a matrix counted by hand", "[metric]") {
  ConfusionMatrix matrix(3);
  matrix.add(0, 0, 4);
  matrix.add(0, 1);
  matrix.add(1, 0, 2);
  matrix.add(1, 1, 3);
  CHECK(matrix.total() == 10);
  CHECK(matrix.count(1, 0) == 2);
  CHECK(matrix.count(0, 2) == 0);
  CHECK(matrix.support(0) == 5);
  CHECK(matrix.predicted(0) == 6);
  CHECK(matrix.accuracy() == Approx(0.7));
  CHECK(matrix.majority_share() == Approx(0.5));
  CHECK(matrix.precision(0) == Approx(4.0 / 6));
  CHECK(matrix.recall(0) == Approx(0.8));
  CHECK(matrix.f1(0) == Approx(8.0 / 11));
}

TEST_CASE("Confusion: where a denominator is 0 the value is 0", "[metric]") {
  ConfusionMatrix matrix(2);
  CHECK(matrix.accuracy() == 0);
  CHECK(matrix.majority_share() == 0);
  matrix.add(0, 0);
  CHECK(matrix.precision(1) == 0);
  CHECK(matrix.recall(1) == 0);
  CHECK(matrix.f1(1) == 0);
  CHECK(ConfusionMatrix().total() == 0);
}

TEST_CASE("F1: in a batch the rows are truths and the columns predictions", "[metric]") {
  F1 f1(2, Average::Macro);
  f1.update({{"logits", at::tensor({0.F, 1.F, 0.F, 1.F, 1.F, 0.F}).view({3, 2})}}, labelled(at::tensor({0, 1, 0}, at::kLong)), {});
  CHECK(f1.matrix().count(0, 1) == 1);
  CHECK(f1.matrix().count(1, 0) == 0);
  CHECK(f1.matrix().count(1, 1) == 1);
  CHECK(f1.matrix().count(0, 0) == 1);
}

TEST_CASE("F1: of a distribution the largest share counts, and the target may have another name", "[metric]") {
  const Json& problem = problems().at(0);
  const at::Tensor labels = test::tensor_of(problem.at("labels"));
  F1 hard(4, Average::Weighted), soft(4, Average::Weighted, "queue");
  hard.update(outputs(problem), labelled(labels), {});
  const at::Tensor distributions = at::one_hot(labels, 4).to(at::kFloat) * 0.6 + 0.1;
  soft.update(outputs(problem), labelled(distributions, "queue"), {});
  CHECK(soft.compute() == hard.compute());
  CHECK(soft.matrix().count(0, 1) == problem.at("confusion").at(0).at(1));
}

TEST_CASE("F1: merging two halves gives the whole, reset forgets", "[metric]") {
  for (const auto& [average, name] : averages) {
    const Json& problem = problems().at(2);
    const at::Tensor logits = test::tensor_of(problem.at("logits")), labels = test::tensor_of(problem.at("labels"));
    F1 whole(6, average), first(6, average), second(6, average);
    whole.update({{"logits", logits}}, labelled(labels), {});
    first.update({{"logits", logits.narrow(0, 0, 30)}}, labelled(labels.narrow(0, 0, 30)), {});
    second.update({{"logits", logits.narrow(0, 30, 50)}}, labelled(labels.narrow(0, 30, 50)), {});
    CHECK(first.compute() != whole.compute());
    first.merge(second);
    CHECK(first.compute() == whole.compute());
    first.reset();
    CHECK(first.matrix().total() == 0);
    CHECK(first.matrix().num_classes() == 6);
    CHECK(value_of(first.compute(), name + "_f1") == 0);
    first.merge(second);
    CHECK(first.compute() == second.compute());
  }
}

TEST_CASE("Cross-entropy: a classifier's sum over its weight is PyTorch's mean", "[metric]") {
  for (const Json& problem : problems()) {
    const Fields logits = outputs(problem);
    std::vector<std::string> labels;
    for (int i = 0; i < problem.at("classes").get<int>(); ++i) labels.push_back(std::to_string(i));
    const Fields hard{{"label", test::tensor_of(problem.at("labels"))}},
        soft{{"label", test::tensor_of(problem.at("soft_targets"), at::kDouble)}};
    const auto weights = problem.at("class_weights").get<std::vector<double>>();
    const double smoothing = problem.at("label_smoothing");
    const auto check = [&](const std::string& name, const Fields& targets, const std::vector<double>& class_weights,
                           double label_smoothing) {
      INFO(problem.at("name") << ", " << name);
      const head::Classifier head({.labels = labels, .class_weights = class_weights, .label_smoothing = label_smoothing});
      // class weights are float32, so the logits are too; the sums have about seven digits
      const Terms terms = head.loss({{"logits", logits["logits"].to(at::kFloat)}},
                                    {{"label", targets["label"].is_floating_point() ? targets["label"].to(at::kFloat) : targets["label"]}});
      const Terms given = head.weights(targets);
      const double sum = terms["cross_entropy"].item<double>();
      const double weight = given.empty() ? static_cast<double>(logits["logits"].size(0)) : given["cross_entropy"].item<double>();
      const Json& expected = problem.at("cross_entropy").at(name);
      CHECK(sum == Approx(expected.at("sum").get<double>()).epsilon(1e-6));
      CHECK(sum / weight == Approx(expected.at("mean").get<double>()).epsilon(1e-6));
    };
    check("plain", hard, {}, 0);
    check("weighted", hard, weights, 0);
    check("smoothing", hard, {}, smoothing);
    check("weighted_smoothing", hard, weights, smoothing);
    check("soft_targets", soft, {}, 0);
    check("weighted_soft_targets", soft, weights, 0);
  }
}

TEST_CASE("F1 says what is wrong", "[metric][error]") {
  F1 f1(3, Average::Macro);
  CHECK(test::error_of<ModelError>([&] {
          f1.update({{"scores", at::zeros({1, 3})}}, labelled(at::zeros({1}, at::kLong)), {});
        }).message() == "[Fields] a tensor named \"logits\" is wanted, there are: \"scores\".");
  CHECK(test::error_of<ModelError>([&] {
          f1.update({{"logits", at::zeros({1, 3})}}, labelled(at::zeros({1}, at::kLong), "queue"), {});
        }).message() == "[Fields] a tensor named \"label\" is wanted, there are: \"queue\".");
  CHECK(f1.matrix().total() == 0);
}

TEST_CASE("F1: a class that it was not made for is told, not counted somewhere", "[metric][error]") {
  metric::F1 f1(2, metric::Average::Macro);
  const Fields outputs{{"logits", at::eye(2)}};
  const auto update = [&](std::int64_t label) {
    f1.update(outputs, Batch{{}, {{"label", at::tensor({label, std::int64_t{0}})}}, {0, 1}}, {});
  };
  CHECK(test::error_of<ModelError>([&] { update(-100); }).code() == "graft-M017");
  CHECK(test::error_of<ModelError>([&] { update(2); }).code() == "graft-M017");
  update(1);
  CHECK(f1.matrix().total() == 2);
}
