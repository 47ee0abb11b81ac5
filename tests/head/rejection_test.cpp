#include "graft/head/rejection.h"

#include <cmath>

#include "graft/head/classifier.h"
#include "head/builtin.h"
#include "head/rejecting.h"
#include "support.h"

using namespace graft;
using head::Classifier;
using head::RejectionOptions;
using head::RejectionScore;

namespace {

Classifier rejecting(RejectionOptions rejection = {.score = RejectionScore::MaxLogit, .label = "oos"},
                     std::vector<double> class_weights = {}) {
  return Classifier({.labels = {"a", "b"}, .class_weights = std::move(class_weights), .rejection = std::move(rejection), .width = 4});
}

/// Three records: of "a", of none, of "b".
const at::Tensor logits = at::tensor({3.0F, 1.0F, 0.5F, 1.0F, 2.0F, 0.0F}).view({3, 2});

Batch batch_of(const Classifier& head, const std::vector<std::string>& labels) {
  std::vector<at::Tensor> targets;
  Batch batch;
  for (const std::string& label : labels) {
    std::vector<Sample> samples(1);
    head.targets({{{"label", label}}, "here:1"}, samples);
    targets.push_back(samples.front().targets["label"]);
    batch.records.push_back(static_cast<std::int64_t>(batch.records.size()));
  }
  batch.targets.set("label", at::stack(targets));
  return batch;
}

}  // namespace

TEST_CASE("Rejection: the three scores of logits", "[head]") {
  const at::Tensor z = at::tensor({1.0, 2.0, 3.0, 0.0, 0.0, 0.0}).view({2, 3});
  const auto scores = [&](RejectionScore kind) { return head::rejection_scores(z, kind); };
  const double e = std::exp(1.0), sum = e + e * e + e * e * e;
  CHECK(scores(RejectionScore::MaxSoftmax).allclose(at::tensor({e * e * e / sum, 1.0 / 3})));
  CHECK(scores(RejectionScore::MaxLogit).equal(at::tensor({3.0, 0.0})));
  CHECK(scores(RejectionScore::Energy).allclose(at::tensor({std::log(sum), std::log(3.0)})));
  for (const std::string& name : head::rejection_score_names())
    CHECK(head::rejection_score_names()[static_cast<std::size_t>(head::rejection_score_from(name))] == name);
}

TEST_CASE("Rejection: the threshold keeps the recall wished for, midway to the next score", "[head]") {
  const std::vector<double> in{4, 1, 9, 3, 7, 2, 8, 5, 10, 6}, none;
  CHECK(head::rejection_threshold({.recall = 0.8}, in, none) == 2.5);
  CHECK(head::rejection_threshold({.recall = 0.75}, in, none) == 2.5);  // 7.5 of 10 are 8
  CHECK(head::rejection_threshold({.recall = 0.8}, in, std::vector{2.5, 11.0}) == 2.75);
  CHECK(head::rejection_threshold({.recall = 1}, in, none) == 1);
  CHECK(head::rejection_threshold({.recall = 0.01}, in, none) == 9.5);
}

TEST_CASE("Rejection: the threshold accepts as many as the precision wished for allows", "[head]") {
  // Accepting down to 5, 4, 3, 2, 1 has the precision 1/1, 2/2, 3/4, 4/5, 5/7.
  const std::vector<double> in{1, 2, 3, 4, 5}, out{3.5, 1.5, 0.5};
  const auto at = [&](double precision) { return head::rejection_threshold({.precision = precision}, in, out); };
  CHECK(at(0.9) == 3.75);
  CHECK(at(0.8) == 1.75);
  CHECK(at(0.7) == (1 + 0.5) / 2);
  SECTION("equal scores are accepted together") {
    const std::vector<double> tied{2, 2, 1}, other{2, 0};
    CHECK(head::rejection_threshold({.precision = 0.7}, tied, other) == 0.5);
    CHECK_THROWS_AS(head::rejection_threshold({.precision = 0.8}, tied, other), ConfigError);
  }
}

TEST_CASE("Rejection says what it cannot choose", "[head][error]") {
  const std::vector<double> one{1}, two{2, 3}, none, broken{1, std::nan("")};
  const auto code = [](const RejectionOptions& options, const std::vector<double>& in, const std::vector<double>& out) {
    return test::error_of<ConfigError>([&] { head::rejection_threshold(options, in, out); }).code();
  };
  CHECK(head::rejection_threshold({}, one, none) == 1);
  CHECK(code({}, none, two) == "graft-C056");
  CHECK(code({}, broken, none) == "graft-C056");
  CHECK(code({.precision = 0.5}, one, none) == "graft-C056");
  const auto missed = test::error_of<ConfigError>([&] { head::rejection_threshold({.precision = 0.5}, one, two); });
  CHECK(missed.code() == "graft-C057");
  CHECK(missed.message().find("reaches 0.3333") != std::string::npos);
  CHECK(test::error_of<ConfigError>([] { head::rejection_score_from("energi"); }).remedy() == "Did you mean \"energy\"?");
  SECTION("options out of range are told together") {
    const auto error = test::error_of<ConfigError>([] { rejecting({.label = "a", .recall = 0, .precision = 1}); });
    CHECK(error.problems().size() == 3);
    CHECK(error.message().find("itself none of the classes, got \"a\"") != std::string::npos);
    Classifier head = rejecting();
    CHECK_THROWS_AS(head.set_rejection(RejectionOptions{.label = "b"}), ConfigError);
    CHECK(head.options().rejection->label == "oos");
  }
}

TEST_CASE("Rejection: records of no class count in neither loss nor metrics of the classes", "[head]") {
  const std::vector<double> class_weights = GENERATE(std::vector<double>{}, std::vector<double>{1, 3});
  const Classifier head = rejecting({.score = RejectionScore::MaxLogit, .label = "oos"}, class_weights);
  const Batch batch = batch_of(head, {"a", "oos", "b"});
  const at::Tensor kept = at::tensor({0, 2}, at::kLong);
  const Fields part = rows(batch.targets, kept);
  const Fields outputs{{"logits", logits}}, part_outputs{{"logits", logits.index_select(0, kept)}};
  CHECK(head.loss(outputs, batch.targets)["cross_entropy"].item<float>() ==
        Approx(head.loss(part_outputs, part)["cross_entropy"].item<float>()));
  CHECK(head.weights(batch.targets)["cross_entropy"].item<double>() == (class_weights.empty() ? 2 : 4));
  Metrics metrics = head.metrics();
  MetricValues values;
  for (const auto& metric : metrics) {
    metric->update(outputs, batch, {});
    for (const auto& value : metric->compute()) values.push_back(value);
  }
  CHECK(value_of(values, "accuracy") == 0.5);         // the first of two
  CHECK(value_of(values, "rejection_auroc") == 1.0);  // 3 and 2 beside 1
  CHECK(value_of(values, "oscr") == 0.5);             // of which 3 alone is right
  CHECK(std::isnan(value_of(values, "accepted_in_scope")));
}

TEST_CASE("Rejection: shares are those of the threshold, in parts as in one", "[head]") {
  const Classifier head = rejecting({.score = RejectionScore::MaxLogit, .label = "oos", .threshold = 2.5});
  const Batch batch = batch_of(head, {"a", "oos", "b"});
  head::Rejection all(*head.options().rejection), first(*head.options().rejection), second(*head.options().rejection);
  all.update({{"logits", logits}}, batch, {});
  first.update({{"logits", logits.narrow(0, 1, 2)}}, batch_of(head, {"oos", "b"}), {});
  second.update({{"logits", logits.narrow(0, 0, 1)}}, batch_of(head, {"a"}), {});
  first.merge(second);
  for (const head::Rejection* metric : {&all, &first}) {
    CHECK(value_of(metric->compute(), "rejection_auroc") == 1);
    CHECK(value_of(metric->compute(), "oscr") == 0.5);
    CHECK(value_of(metric->compute(), "accepted_in_scope") == 0.5);
    CHECK(value_of(metric->compute(), "rejected_out_of_scope") == 1);
  }
  all.reset();
  CHECK(std::isnan(value_of(all.compute(), "accepted_in_scope")));
  CHECK(std::isnan(value_of(all.compute(), "oscr")));
  SECTION("pairs count where the class is right, ties by half") {
    // Inside 3 (right), 2 (wrong), 2 (right); outside 2: 1 + 0 + 1/2 of 3 pairs.
    const at::Tensor tied = at::tensor({3.0F, 1.0F, 2.0F, 0.0F, 1.0F, 2.0F, 2.0F, 1.0F}).view({4, 2});
    all.update({{"logits", tied}}, batch_of(head, {"a", "b", "b", "oos"}), {});
    CHECK(value_of(all.compute(), "oscr") == 0.5);
    CHECK(value_of(all.compute(), "rejection_auroc") == Approx((1 + 0.5 + 0.5) / 3));
  }
}

TEST_CASE("Rejection: an answer below the threshold says so and keeps what was nearest", "[head]") {
  const auto answers =
      rejecting({.score = RejectionScore::MaxLogit, .label = "oos", .threshold = 2.0}).decode({{"logits", logits}}, {}, {});
  CHECK(answers[1].rejected);
  CHECK(answers[1].label == "oos");
  CHECK(answers[1].rejection_score == 1.0);
  CHECK(answers[1].top.front().first == "b");
  CHECK(answers[1].score == answers[1].top.front().second);
  CHECK_FALSE(answers[2].rejected);  // 2 is not below 2
  CHECK(answers[2].label == "a");
  SECTION("nothing is rejected before there is a threshold") {
    CHECK_FALSE(rejecting().decode({{"logits", logits}}, {}, {})[1].rejected);
    CHECK(rejecting().decode({{"logits", logits}}, {}, {})[1].rejection_score == 1.0);
  }
}

TEST_CASE("Rejection: with unit_length the scores do not depend on how long the feature is", "[head]") {
  Classifier head({.labels = {"a", "b"}, .pooling = Pooling::None, .unit_length = true, .rejection = RejectionOptions{}, .width = 4});
  const at::Tensor x = at::randn({3, 4});
  const auto logits_of = [&](const at::Tensor& output) {
    return head.forward(head::features_of(head.reads(), {{"output", output}}, {}))["logits"];
  };
  CHECK(logits_of(x).allclose(logits_of(7 * x), 1e-5, 1e-7));
  CHECK(logits_of(x)[0].allclose(head.forward({{"pooled", x[0] / x[0].square().sum().sqrt()}})["logits"], 1e-5, 1e-7));
  CHECK(logits_of(at::zeros({1, 4})).isfinite().all().item<bool>());
  CHECK(head::make_builtin(head.config())->reads().front().unit_length);
  CHECK(test::error_of<ConfigError>([] {
          Classifier({.labels = {"a", "b"}, .own_layer = false, .unit_length = true});
        }).code() == "graft-C012");
}

TEST_CASE("Rejection: it is part of the config, which needs none", "[head]") {
  const Classifier head =
      rejecting({.score = RejectionScore::MaxSoftmax, .label = "oos", .recall = 0.9, .precision = 0.8, .threshold = 0.1 + 0.2});
  const auto again = head::make_builtin(Json::parse(head.config().dump()));
  const RejectionOptions& back = *head::rejection_of(*again);
  CHECK(back.score == RejectionScore::MaxSoftmax);
  CHECK(back.label == "oos");
  CHECK(back.recall == 0.9);
  CHECK(back.precision == 0.8);
  CHECK(back.threshold == 0.1 + 0.2);
  const Classifier plain({.labels = {"a", "b"}, .width = 4});
  CHECK_FALSE(plain.config().contains("rejection"));
  CHECK(head::rejection_of(*head::make_builtin(plain.config())) == nullptr);
}
