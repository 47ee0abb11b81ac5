#include "graft/optim/linear_solver.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "graft/head/classifier.h"
#include "graft/head/multilabel.h"
#include "graft/head/regressor.h"
#include "support.h"

using namespace graft;
using optim::LinearSolver;
using optim::SolverReport;

namespace {

struct Problem {
  Problem()
      : golden(test::golden("solver.json")),
        features(test::tensor_of(golden.at("features"))),
        labels(test::tensor_of(golden.at("labels"))) {}
  Json golden;
  at::Tensor features, labels;
};

const Problem& problem() {
  static const Problem instance;
  return instance;
}

head::Classifier classifier(head::ClassifierOptions options = {}) {
  options.labels = {"0", "1", "2", "3"};
  options.width = 6;
  return head::Classifier(options);
}

/// A user's head whose parameters are float64.
class DoubleHead final : public Head {
 public:
  DoubleHead() : weight_(parameter("weight", at::zeros({4, 6}, at::kDouble))), bias_(parameter("bias", at::zeros({4}, at::kDouble))) {}
  std::vector<Feature> reads() const override { return {{.name = "pooled"}}; }
  void targets(const Record&, std::span<Sample>) const override {}
  Fields forward(const Fields& features) const override { return {{"logits", at::linear(features["pooled"], weight_, bias_)}}; }
  Terms loss(const Fields& outputs, const Fields& targets) const override {
    return {{"loss", at::cross_entropy_loss(outputs["logits"], targets["label"], {}, at::Reduction::Sum)}};
  }
  std::optional<LinearLayer> linear() const override { return LinearLayer{"pooled", weight_, bias_}; }
  nlohmann::json config() const override { return {}; }

 private:
  at::Tensor weight_, bias_;
};

Fields inputs() { return {{"pooled", problem().features}}; }
Fields hard_targets() { return {{"label", problem().labels}}; }

at::Tensor weight(const Head& head) { return head.parameters()["weight"].detach().to(at::kDouble).clone(); }
at::Tensor bias(const Head& head) { return head.parameters()["bias"].detach().to(at::kDouble).clone(); }
at::Tensor centred(const at::Tensor& values) { return values - values.mean(); }

struct Slope {
  double value, penalty;
  /// Of the gradient's entries.
  double largest;
};

/// The penalized mean loss in float64 at these weights over these features, and its gradient.
Slope slope(const at::Tensor& w, const at::Tensor& b, const at::Tensor& features, const at::Tensor& target, double l2,
            const std::vector<double>& class_weights = {}, double smoothing = 0) {
  const c10::AutoGradMode on(true);
  at::Tensor weights = w.clone().requires_grad_(true), biases = b.clone().requires_grad_(true), of_classes;
  double total = static_cast<double>(features.size(0));
  if (!class_weights.empty()) {
    of_classes = at::tensor(class_weights, at::kDouble);
    if (target.dim() == 1) total = of_classes.index_select(0, target).sum().item<double>();
  }
  const at::Tensor logits = at::linear(features.to(at::kDouble), weights, biases);
  const at::Tensor penalty = l2 / 2 * weights.square().sum();
  const at::Tensor value = at::cross_entropy_loss(logits, target, of_classes, at::Reduction::Sum, -100, smoothing) / total + penalty;
  value.backward();
  return {value.item<double>(), penalty.item<double>(),
          std::max(weights.grad().abs().max().item<double>(), biases.grad().abs().max().item<double>())};
}

}  // namespace

TEST_CASE("LinearSolver: on standardized features it finds the reference's minimum", "[optim]") {
  const at::Tensor mean = test::tensor_of(problem().golden.at("mean"), at::kDouble),
                   deviation = test::tensor_of(problem().golden.at("std"), at::kDouble);
  for (const Json& expected : problem().golden.at("standardized")) {
    const double l2 = expected.at("l2");
    INFO("l2 " << l2);
    const auto head = classifier();
    const SolverReport report = LinearSolver(head, inputs(), hard_targets()).solve({.l2 = l2, .tolerance = 0});
    // the layer reads features as they are; the reference reads them scaled
    const at::Tensor w = weight(head) * deviation, b = bias(head) + weight(head).matmul(mean);
    const double penalty = l2 / 2 * w.square().sum().item<double>();
    CHECK(report.loss + penalty == Approx(expected.at("loss").get<double>()).epsilon(0).margin(1e-6));
    CHECK(test::max_difference(w, test::tensor_of(expected.at("W"), at::kDouble)) < 5e-4);
    CHECK(test::max_difference(centred(b), test::tensor_of(expected.at("b"), at::kDouble)) < 5e-4);
  }
}

TEST_CASE("LinearSolver: in float64 it finds the reference's minimum on raw features too, however they are scaled", "[optim]") {
  for (const Json& expected : problem().golden.at("raw")) {
    const double l2 = expected.at("l2");
    INFO("l2 " << l2);
    const DoubleHead head;
    const Fields features{{"pooled", test::tensor_of(problem().golden.at("features"), at::kDouble)}};
    const SolverReport report =
        LinearSolver(head, features, hard_targets(), false).solve({.l2 = l2, .max_iterations = 5000, .tolerance = 0});
    CHECK(report.converged);
    const double tolerance = l2 < 0.01 ? 5e-3 : 5e-4;  // what a gradient of 1e-5 leaves where the minimum is flat
    const at::Tensor w = weight(head);
    CHECK(report.loss + l2 / 2 * w.square().sum().item<double>() == Approx(expected.at("loss").get<double>()).epsilon(0).margin(5e-8));
    CHECK(test::max_difference(w, test::tensor_of(expected.at("W"), at::kDouble)) < tolerance);
    CHECK(test::max_difference(centred(bias(head)), test::tensor_of(expected.at("b"), at::kDouble)) < tolerance);
  }
}

TEST_CASE("LinearSolver: on raw features in float32 it comes as near as their rounding lets it", "[optim]") {
  for (const Json& expected : problem().golden.at("raw")) {
    const double l2 = expected.at("l2");
    INFO("l2 " << l2);
    const auto head = classifier();
    const SolverReport report =
        LinearSolver(head, inputs(), hard_targets(), false).solve({.l2 = l2, .max_iterations = 5000, .tolerance = 0});
    CHECK(report.loss + l2 / 2 * weight(head).square().sum().item<double>() ==
          Approx(expected.at("loss").get<double>()).epsilon(0).margin(5e-5));
  }
}

TEST_CASE("LinearSolver: more rows than it takes at once give the same minimum", "[optim]") {
  const auto few = classifier(), many = classifier();
  const SolverReport once = LinearSolver(few, inputs(), hard_targets()).solve({.l2 = 0.03, .tolerance = 1e-8});
  const Fields features{{"pooled", problem().features.repeat({150, 1})}}, targets{{"label", problem().labels.repeat({150})}};
  const SolverReport often = LinearSolver(many, features, targets).solve({.l2 = 0.03, .tolerance = 1e-8});
  CHECK(often.loss == Approx(once.loss).epsilon(1e-5));
  CHECK(test::max_difference(weight(few), weight(many)) < 0.01 * weight(few).abs().max().item<double>());
}

TEST_CASE("LinearSolver: the default tolerance comes close to the minimum in few iterations", "[optim]") {
  const Json& expected = problem().golden.at("standardized").at(0);
  const double l2 = expected.at("l2");
  const at::Tensor deviation = test::tensor_of(problem().golden.at("std"), at::kDouble);
  const auto head = classifier();
  const SolverReport report = LinearSolver(head, inputs(), hard_targets()).solve({.l2 = l2});
  CHECK(report.converged);
  CHECK(report.iterations < 100);
  CHECK(report.loss + l2 / 2 * (weight(head) * deviation).square().sum().item<double>() ==
        Approx(expected.at("loss").get<double>()).epsilon(0).margin(1e-5));
}

TEST_CASE("LinearSolver: the gradient is zero where it ends, for every kind of target", "[optim]") {
  const bool weighted = GENERATE(false, true), soft = GENERATE(false, true);
  const double smoothing = GENERATE(0.0, 0.2);
  const std::vector<double> class_weights = weighted ? std::vector<double>{0.3, 1, 2.5, 0.7} : std::vector<double>{};
  const at::Tensor distributions = (at::one_hot(problem().labels, 4).to(at::kDouble) * 2 + at::arange(4, at::kDouble)).div(8);  // sums of 1
  const at::Tensor target = soft ? distributions : problem().labels;
  const auto head = classifier({.class_weights = class_weights, .label_smoothing = smoothing});
  const double l2 = 0.01;
  const at::Tensor mean = test::tensor_of(problem().golden.at("mean"), at::kDouble),
                   deviation = test::tensor_of(problem().golden.at("std"), at::kDouble);
  const at::Tensor scaled = (problem().features.to(at::kDouble) - mean) / deviation;
  const auto slope_now = [&] {
    return slope(weight(head) * deviation, bias(head) + weight(head).matmul(mean), scaled, target, l2, class_weights, smoothing);
  };
  INFO("weighted " << weighted << ", soft " << soft << ", smoothing " << smoothing);
  CHECK(slope_now().largest > 0.01);
  const SolverReport report =
      LinearSolver(head, inputs(), {{"label", soft ? target.to(at::kFloat) : target}}).solve({.l2 = l2, .tolerance = 0});
  const Slope end = slope_now();
  CHECK(end.largest < 1e-4);
  CHECK(report.loss == Approx(end.value - end.penalty).epsilon(0).margin(1e-6));
}

TEST_CASE("LinearSolver: from a near solution it takes fewer iterations", "[optim]") {
  const auto cold_head = classifier(), warm_head = classifier();
  const int cold = LinearSolver(cold_head, inputs(), hard_targets()).solve({.l2 = 0.01}).iterations;
  LinearSolver solver(warm_head, inputs(), hard_targets());
  solver.solve({.l2 = 0.011, .tolerance = 1e-8});
  const int warm = solver.solve({.l2 = 0.01}).iterations;
  CHECK(warm <= cold / 2);
  CHECK(cold > 5);
}

TEST_CASE("LinearSolver: a stronger penalty gives smaller weights and a larger loss", "[optim]") {
  const auto head = classifier();
  LinearSolver solver(head, inputs(), hard_targets());
  const double weak_loss = solver.solve({.l2 = 1e-3}).loss, weak_norm = weight(head).norm().item<double>();
  const double strong_loss = solver.solve({.l2 = 1}).loss, strong_norm = weight(head).norm().item<double>();
  CHECK(strong_loss > weak_loss);
  CHECK(strong_norm < weak_norm);
}

TEST_CASE("LinearSolver: a feature that never changes gets no say, and spoils nothing", "[optim]") {
  const float constant = GENERATE(0.F, 1.F, 0.1F, -1234.567F);
  INFO("constant " << constant);
  at::Tensor features = problem().features.clone();
  features.select(1, 2).fill_(constant);
  const auto head = classifier();
  const SolverReport report = LinearSolver(head, {{"pooled", features}}, hard_targets()).solve({.l2 = 0.01});
  CHECK(report.loss < 1.0);
  CHECK(weight(head).select(1, 2).abs().max().item<double>() < 0.1);
  // what it learned reads other values of that feature calmly
  CHECK(head.loss(head.forward({{"pooled", features}}), hard_targets())["cross_entropy"].item<double>() / 120 ==
        Approx(report.loss).epsilon(1e-3));
}

TEST_CASE("LinearSolver: it leaves no gradients, and the features as they are", "[optim]") {
  const auto head = classifier();
  const at::Tensor features = problem().features.clone();
  LinearSolver(head, {{"pooled", features}}, hard_targets()).solve({});
  CHECK(features.equal(problem().features));
  CHECK_FALSE(head.parameters()["weight"].grad().defined());
  CHECK_FALSE(head.parameters()["bias"].grad().defined());
  CHECK(head.parameters()["weight"].requires_grad());
}

TEST_CASE("LinearSolver: it ends early when told to, with the best point so far", "[optim]") {
  const auto head = classifier();
  const double start = head.loss(head.forward(inputs()), hard_targets())["cross_entropy"].item<double>() / 120;
  const SolverReport few = LinearSolver(head, inputs(), hard_targets()).solve({.max_iterations = 3});
  CHECK(few.iterations == 3);
  CHECK_FALSE(few.converged);
  CHECK(few.loss < start);
  CHECK(head.loss(head.forward(inputs()), hard_targets())["cross_entropy"].item<double>() / 120 == Approx(few.loss).epsilon(1e-4));
  std::stop_source source;
  source.request_stop();
  const SolverReport none = LinearSolver(head, inputs(), hard_targets()).solve({.stop = source.get_token()});
  CHECK(none.iterations == 0);
  CHECK_FALSE(none.converged);
  CHECK(none.loss == Approx(few.loss).epsilon(1e-4));
}

TEST_CASE("LinearSolver: a head that is not one linear layer is refused", "[optim][error]") {
  const head::ClassifierOptions options = GENERATE(head::ClassifierOptions{.hidden = 3}, head::ClassifierOptions{.dropout = 0.1});
  const auto head = classifier(options);
  const auto error = test::error_of<ModelError>([&] { LinearSolver(head, inputs(), hard_targets()); });
  CHECK(error.code() == "graft-M015");
  CHECK(error.message() == "[Solver] a head of one linear layer without dropout, under a convex loss, is wanted.");
  CHECK(error.remedy() == "Train this head with the preset \"full\".");
}

TEST_CASE("LinearSolver: features without what the head reads are told", "[optim][error]") {
  const auto head = classifier();
  CHECK(test::error_of<ModelError>([&] {
          LinearSolver(head, {{"output", problem().features}}, hard_targets());
        }).message() == "[Fields] a tensor named \"pooled\" is wanted, there are: \"output\".");
}

TEST_CASE("LinearSolver: for a regressor it finds the ridge regression, whatever the units of the targets", "[optim]") {
  const Json golden = test::golden("regression.json");
  const at::Tensor features = test::tensor_of(golden.at("features")), truths = test::tensor_of(golden.at("truths"));
  const at::Tensor mean = features.to(at::kDouble).mean(0), deviation = features.to(at::kDouble).std(0, false);
  for (const Json& expected : golden.at("ridge")) {
    const double l2 = expected.at("l2");
    INFO("l2 " << l2);
    const head::Regressor head({.targets = {"a", "b"}, .mean = golden.at("mean"), .scale = golden.at("scale"), .width = 5});
    const SolverReport report = LinearSolver(head, {{"pooled", features}}, {{"values", truths}}).solve({.l2 = l2, .tolerance = 0});
    CHECK(report.loss == Approx(expected.at("loss").get<double>()).epsilon(0).margin(1e-5));
    CHECK(test::max_difference(weight(head) * deviation, test::tensor_of(expected.at("W"), at::kDouble)) < 5e-4);
    CHECK(test::max_difference(bias(head) + weight(head).matmul(mean), test::tensor_of(expected.at("b"), at::kDouble)) < 5e-4);
  }
}

TEST_CASE("LinearSolver: for a multi-label head it finds where the gradient vanishes", "[optim]") {
  const Fields targets{{"labels", at::one_hot(problem().labels, 4).narrow(1, 0, 3).to(at::kFloat)}};
  const head::MultiLabel head({.labels = {"0", "1", "2"}, .positive_weights = {1, 3, 0.5}, .width = 6});
  const double l2 = 0.01;
  LinearSolver(head, inputs(), targets).solve({.l2 = l2, .tolerance = 0});
  const at::Tensor deviation = problem().features.std(0, false);
  const auto terms = loss_terms(head, head.forward(inputs()), targets, 120);
  const at::Tensor penalty = l2 / 2 * (head.parameters()["weight"] * deviation).square().sum();
  (terms.at(0).sum / terms.at(0).weight + penalty).backward();
  CHECK((head.parameters()["weight"].grad() / deviation).abs().max().item<double>() < 1e-3);
  CHECK(head.parameters()["bias"].grad().abs().max().item<double>() < 1e-3);
}
