#include <ATen/ATen.h>

#include <cmath>

#include "graft/eval/choose_rejection.h"
#include "graft/predict/predictor.h"
#include "graft/train/fine_tune.h"
#include "head/rejecting.h"
#include "support.h"
#include "toys.h"
#include "train/preflight.h"

using namespace graft;
using head::RejectionOptions;

namespace {

/// Toy messages, and as many halves of them that belong to no queue.
Data mixed(std::size_t size, std::uint64_t seed) {
  const Data strange = test::toy_messages(size / 2, seed + 100).map([](Record record) {
    std::string text;
    for (const char letter : record.text("message")) text += letter == ' ' ? ' ' : static_cast<char>('0' + letter % 10);
    record.values["message"] = text;
    record.values["queue"] = std::string("oos");
    record.place += " strange";
    return record;
  });
  const std::vector<Data> parts{test::toy_messages(size, seed), strange};
  return data::concat(parts);
}

Model model_that_rejects(const RejectionOptions& rejection, const Freeze& freeze = Freeze::all()) {
  return Model(test::tiny_bert(0.0), head::Classifier({.label = "queue", .labels = {"A", "B", "C"}, .rejection = rejection}),
               text::Tokenizer::load(test::golden_path("tiny_bert/vocab.txt"), {.text = "message", .max_length = 32}),
               {.freeze = freeze, .device = "cpu"});
}

Splits splits() { return {mixed(120, 0), mixed(60, 1), mixed(60, 2)}; }

bool warned(const FineTuneReport& report, const std::string& code) {
  return std::ranges::any_of(report.warnings, [&](const Problem& warning) { return warning.code == code; });
}

}  // namespace

TEST_CASE("Rejection: it is learned and chosen on validation data, and the saved file answers by it", "[train]") {
  const auto [preset, freeze] =
      GENERATE(std::pair(Preset::Probe, Freeze::all()), std::pair(Preset::Full, Freeze::up_to("encoder.layer.0")));
  Model model = model_that_rejects({.label = "oos", .recall = 0.9}, freeze);
  const FineTuneReport report = fine_tune(model, splits(), {.preset = preset, .trainer = {.epochs = 12, .lr = 3e-2}});
  CHECK(report.evaluation.samples == 90);
  CHECK(report.evaluation.metric("accuracy") > 0.85);
  CHECK(report.evaluation.metric("rejection_auroc") > 0.8);
  CHECK(report.evaluation.metric("accepted_in_scope") > 0.7);
  CHECK(report.evaluation.metric("rejected_out_of_scope") > 0.5);
  CHECK(report.evaluation.labels == std::vector<std::string>{"A", "B", "C"});
  CHECK(report.evaluation.confusion.total() == 60);
  CHECK(report.evaluation.confusion.accuracy() == report.evaluation.metric("accuracy"));
  CHECK(warned(report, "graft-W017"));

  const EvalReport valid = Evaluator().run(model, splits().valid);
  CHECK(valid.metric("accepted_in_scope") == Approx(0.9).margin(0.5 / 60));

  const test::TempDir folder;
  model.save(folder.file("m.pt"));
  const auto answers = Predictor::load(folder.file("m.pt"), {.device = "cpu"}).batch(splits().test);
  std::size_t rejected = 0;
  for (std::size_t i = 60; i < answers.size(); ++i) {
    rejected += answers[i].rejected ? 1 : 0;
    CHECK(answers[i].rejected == (answers[i].label == "oos"));
  }
  CHECK(static_cast<double>(rejected) / 30 == Approx(report.evaluation.metric("rejected_out_of_scope")));
  Model again = Model::load(folder.file("m.pt"), {.device = "cpu"});
  CHECK(Evaluator().run(again, splits().test).metric("rejection_auroc") == Approx(report.evaluation.metric("rejection_auroc")));
}

TEST_CASE("Rejection: a probe keeps the strength that tells classes and others best", "[train]") {
  Model model = model_that_rejects({.label = "oos"});
  const std::uint64_t seed = GENERATE(5, 7);  // in the latter a weaker penalty is better by less than 0.001
  const TrainReport report = fine_tune(model, {mixed(120, 0), mixed(120, seed), {}}, {.evaluate = false}).training;
  const auto oscr = [](const EpochRecord& solve) { return value_of(solve.metrics, "oscr"); };
  const double best = oscr(*std::ranges::max_element(report.history, {}, oscr));
  const auto chosen = report.history.begin() + report.best_epoch - 1;
  CHECK(oscr(*chosen) >= best - 1e-3);
  CHECK(std::none_of(report.history.begin(), chosen, [&](const EpochRecord& stronger) { return oscr(stronger) > oscr(*chosen) - 1e-3; }));
  const auto lowest = std::ranges::min_element(report.history, {}, [](const EpochRecord& solve) { return *solve.valid_loss; });
  if (seed == 5) CHECK(lowest->epoch != chosen->epoch);  // else this case shows nothing
}

TEST_CASE("Rejection: training on records of no class changes nothing", "[train]") {
  Model one = model_that_rejects({.label = "oos"}), other = model_that_rejects({.label = "oos"});
  fine_tune(one, {test::toy_messages(120), mixed(60, 1), {}});
  fine_tune(other, {mixed(120, 0), mixed(60, 1), {}});
  CHECK(one.head().parameters()["weight"].equal(other.head().parameters()["weight"]));
  CHECK(head::rejection_of(one.head())->threshold == head::rejection_of(other.head())->threshold);
}

TEST_CASE("Rejection: a recall needs no example of what is rejected", "[train]") {
  Model model = model_that_rejects({.recall = 0.9});
  const FineTuneReport report = fine_tune(model, {test::toy_messages(120), test::toy_messages(60, 1), test::toy_messages(60, 2)});
  REQUIRE(head::rejection_of(model.head())->threshold.has_value());
  CHECK_FALSE(warned(report, "graft-W017"));
}

TEST_CASE("Rejection: a precision that cannot be had is said, and recall decides", "[train]") {
  // Half of what is to be told apart has the very same texts.
  const Data same = data::concat(std::vector<Data>{test::toy_messages(60, 1), test::toy_messages(60, 1).map([](Record record) {
                                                     record.values["queue"] = std::string("oos");
                                                     return record;
                                                   })});
  Model model = model_that_rejects({.label = "oos", .precision = 0.99});
  const FineTuneReport report = fine_tune(model, {test::toy_messages(120), same, {}});
  CHECK(warned(report, "graft-C057"));
  CHECK(head::rejection_of(model.head())->precision == 0.99);
  CHECK(report.evaluation.metric("accepted_in_scope") == Approx(0.95));
  CHECK(report.evaluation.metric("rejection_auroc") == 0.5);
}

TEST_CASE("Rejection: a threshold of another training is forgotten", "[train]") {
  Model model = model_that_rejects({.label = "oos", .threshold = 1e6});
  const TrainReport report = fine_tune(model, splits()).training;
  CHECK(*head::rejection_of(model.head())->threshold < 1e3);
  const auto is_measured = [](const EpochRecord& solve) { return !std::isnan(value_of(solve.metrics, "accepted_in_scope")); };
  CHECK(std::ranges::none_of(report.history, is_measured));
}

TEST_CASE("Rejection: what it lacks is told before the first step", "[train][error]") {
  const auto code = [](const RejectionOptions& rejection, const Splits& data) {
    Model model = model_that_rejects(rejection);
    return test::error_of<ConfigError>([&] { fine_tune(model, data); }).code();
  };
  CHECK(code({.label = "oos"}, {mixed(60, 0), {}, {}}) == "graft-C056");
  CHECK(code({.label = "oos", .precision = 0.9}, {mixed(60, 0), test::toy_messages(20, 1), {}}) == "graft-C056");
  Model model = model_that_rejects({.label = "oos"});
  const auto error = test::error_of<ConfigError>([&] { train::preflight(model, {mixed(60, 0), mixed(20, 1), {}}); });
  CHECK(error.code() == "graft-C059");
  CHECK(error.place() == "toy:0 strange");
  Model plain = test::toy_model();
  CHECK(test::error_of<ConfigError>([&] { choose_rejection(plain, test::toy_messages(20)); }).code() == "graft-C058");
}
