#include "graft/metric/accuracy.h"

#include <cmath>

#include "graft/metric/confusion.h"
#include "support.h"

using namespace graft;
using metric::Accuracy;

namespace {

Fields outputs(const at::Tensor& logits) { return {{"logits", logits}}; }

Batch labelled(const at::Tensor& target, const std::string& name = "label") {
  Batch batch;
  batch.targets.set(name, target);
  batch.records.resize(static_cast<std::size_t>(target.size(0)));
  return batch;
}

at::Tensor classes(const std::vector<std::int64_t>& values) { return at::tensor(values, at::kLong); }

double value(const Metric& metric) { return metric.compute().at(0).second; }

// The largest are 2, 0, 1; the second largest 1, 2, 0.
const at::Tensor& logits() {
  static const at::Tensor values = at::tensor({0.F, 1.F, 5.F, 3.F, -1.F, 2.F, 1.F, 4.F, 0.F}).view({3, 3});
  return values;
}

}  // namespace

TEST_CASE("Accuracy: the share of rows whose largest logit is that of their class", "[metric]") {
  Accuracy accuracy;
  accuracy.update(outputs(logits()), labelled(classes({2, 0, 0})), {});
  CHECK(value(accuracy) == Approx(2.0 / 3));
  accuracy.update(outputs(logits()), labelled(classes({0, 2, 2})), {});
  CHECK(value(accuracy) == Approx(2.0 / 6));
}

TEST_CASE("Accuracy: top-k looks at the k largest, and k beyond the classes counts as all", "[metric]") {
  Accuracy two(2), many(7);
  two.update(outputs(logits()), labelled(classes({1, 1, 0})), {});
  many.update(outputs(logits()), labelled(classes({0, 1, 2})), {});
  CHECK(value(two) == Approx(2.0 / 3));
  CHECK(value(many) == 1.0);
}

TEST_CASE("Accuracy: its name tells k", "[metric]") {
  CHECK(Accuracy().compute().at(0).first == "accuracy");
  CHECK(Accuracy(3).compute().at(0).first == "top_3_accuracy");
  CHECK(Accuracy(3).compute().size() == 1);
}

TEST_CASE("Accuracy: equals scikit-learn's", "[metric]") {
  const Json problems = test::golden("metrics.json").at("problems");
  REQUIRE(problems.size() == 3);
  for (const Json& each : problems) {
    INFO(each.at("name"));
    const Fields given = outputs(test::tensor_of(each.at("logits"), at::kDouble));
    const Batch batch = labelled(test::tensor_of(each.at("labels")));
    Accuracy one, two(2), three(3);
    for (Accuracy* accuracy : {&one, &two, &three}) accuracy->update(given, batch, {});
    CHECK(value(one) == Approx(each.at("accuracy").get<double>()).epsilon(0).margin(1e-12));
    CHECK(value(two) == Approx(each.at("top2_accuracy").get<double>()).epsilon(0).margin(1e-12));
    CHECK(value(three) == Approx(each.at("top3_accuracy").get<double>()).epsilon(0).margin(1e-12));
  }
}

TEST_CASE("Accuracy: of a distribution the largest share counts", "[metric]") {
  Accuracy accuracy;
  const at::Tensor soft = at::tensor({0.1F, 0.2F, 0.7F, 0.2F, 0.5F, 0.3F, 0.F, 1.F, 0.F}).view({3, 3});
  accuracy.update(outputs(logits()), labelled(soft), {});  // classes 2, 1, 1
  CHECK(value(accuracy) == Approx(2.0 / 3));
}

TEST_CASE("Accuracy: it reads the target of the name it was given", "[metric]") {
  Accuracy accuracy(1, "queue");
  Batch batch = labelled(classes({2, 0, 1}), "queue");
  batch.targets.set("label", classes({0, 0, 0}));
  accuracy.update(outputs(logits()), batch, {});
  CHECK(value(accuracy) == 1.0);
}

TEST_CASE("Accuracy: merging two halves gives the whole", "[metric]") {
  const Json problem = test::golden("metrics.json").at("problems").at(0);
  const at::Tensor all = test::tensor_of(problem.at("logits")), truths = test::tensor_of(problem.at("labels"));
  Accuracy whole(2), first(2), second(2);
  whole.update(outputs(all), labelled(truths), {});
  first.update(outputs(all.narrow(0, 0, 17)), labelled(truths.narrow(0, 0, 17)), {});
  second.update(outputs(all.narrow(0, 17, 43)), labelled(truths.narrow(0, 17, 43)), {});
  CHECK(value(first) != value(whole));
  first.merge(second);
  CHECK(value(first) == value(whole));
}

TEST_CASE("Accuracy: what has seen nothing is not a number", "[metric]") {
  Accuracy accuracy;
  CHECK(std::isnan(value(accuracy)));
  accuracy.update(outputs(logits()), labelled(classes({2, 0, 1})), {});
  CHECK(value(accuracy) == 1.0);
  accuracy.reset();
  CHECK(std::isnan(value(accuracy)));
  accuracy.update(outputs(logits()), labelled(classes({0, 0, 0})), {});
  CHECK(value(accuracy) == Approx(1.0 / 3));
}

TEST_CASE("Accuracy says what is wrong", "[metric][error]") {
  const auto k = test::error_of<ConfigError>([] { Accuracy(0); });
  CHECK(k.code() == "graft-C010");
  CHECK(k.message() == "[Accuracy] k of at least 1 is wanted, got 0.");
  CHECK(k.remedy() == "Use 1 for plain accuracy.");
  Accuracy accuracy;
  CHECK(test::error_of<ModelError>([&] {
          accuracy.update({{"scores", logits()}}, labelled(classes({2, 0, 1})), {});
        }).message() == "[Fields] a tensor named \"logits\" is wanted, there are: \"scores\".");
  CHECK(test::error_of<ModelError>([&] {
          accuracy.update(outputs(logits()), labelled(classes({2, 0, 1}), "queue"), {});
        }).message() == "[Fields] a tensor named \"label\" is wanted, there are: \"queue\".");
  metric::F1 other(3, metric::Average::Macro);
  CHECK_THROWS_AS(accuracy.merge(other), std::bad_cast);
}

TEST_CASE("Metric: a value is found by its name, or is not a number", "[metric]") {
  const MetricValues values{{"loss", 0.5}, {"accuracy", 0.75}};
  CHECK(value_of(values, "accuracy") == 0.75);
  CHECK(std::isnan(value_of(values, "f1")));
}
