#include <algorithm>
#include <set>
#include <sstream>

#include "graft/data/jsonl.h"
#include "graft/eval/evaluator.h"
#include "graft/head/multilabel.h"
#include "graft/head/regressor.h"
#include "graft/predict/predictor.h"
#include "graft/train/fine_tune.h"
#include "support.h"
#include "toys.h"

// What the other built-in heads learn, from the data to the saved file.

using namespace graft;
using head::MultiLabel;

namespace {

/// The toy messages with what is counted in them: "share", the share of words of the first class (in percent, about 1000), and "marks",
/// which of the words x and y they hold.
Data counted(std::size_t size, std::uint64_t seed = 0) {
  return test::toy_messages(size, seed).map([](Record record) {
    std::istringstream words(record.text("message"));
    std::set<std::string> seen;
    double first = 0, all = 0;
    for (std::string word; words >> word; ++all) {
      first += word <= "c";
      seen.insert(word);
    }
    record.values["share"] = 1000 + 100 * first / all;
    std::string marks;
    for (const std::string mark : {"x", "y"}) {
      if (seen.contains(mark)) marks += (marks.empty() ? "" : ";") + mark;
    }
    record.values["marks"] = marks;
    return record;
  });
}

Splits splits() { return {counted(300), counted(80, 1), counted(80, 2)}; }

text::Tokenizer tokenizer(text::TokenizerOptions options = {}) {
  options.text = "message";
  options.max_length = 32;
  return text::Tokenizer::load(test::golden_path("tiny_bert/vocab.txt"), options);
}

template <class H>
Model model_of(H head, const Freeze& freeze = Freeze::all()) {
  return Model(test::tiny_bert(0.0), std::move(head), tokenizer(), {.freeze = freeze, .device = "cpu"});
}

Model share_model(const Freeze& freeze = Freeze::all(), std::int64_t hidden = 0) {
  const auto found = head::Regressor::scale_of(splits().train, {"share"});
  return model_of(head::Regressor({.targets = {"share"}, .mean = found.mean, .scale = found.scale, .hidden = hidden}), freeze);
}

Model marks_model(const Freeze& freeze = Freeze::all(), std::int64_t hidden = 0) {
  return model_of(MultiLabel({.label = "marks", .labels = MultiLabel::labels_of(splits().train, "marks"), .hidden = hidden}), freeze);
}

const TrainerOptions steps{.epochs = 6, .batch_size = 16, .lr = 5e-3, .backbone_lr_ratio = 0.5};

}  // namespace

TEST_CASE("Tasks: a number is learned by the probe, in its units, and the report is one of numbers", "[train]") {
  Model model = share_model();
  const FineTuneReport report = fine_tune(model, splits());
  CHECK(report.training.ended == "solved");
  CHECK(report.evaluation.metric("r2") > 0.6);
  CHECK(report.evaluation.metric("mae") < 15);  // of values about 1000 with a spread of about 40
  CHECK(report.evaluation.metric("loss") == Approx(1 - report.evaluation.metric("r2")).margin(0.2));
  CHECK(report.evaluation.labels.empty());
  CHECK(report.evaluation.mistakes.empty());
  const std::string text = report.evaluation.text();
  CHECK(text.find("pearson               0.") != std::string::npos);
  CHECK(text.find("Confus") == std::string::npos);
  CHECK(text.find("always") == std::string::npos);
}

TEST_CASE("Tasks: several labels are learned by the probe, and mistakes are told without a confusion of sets", "[train]") {
  Model model = marks_model();
  const FineTuneReport report = fine_tune(model, splits());
  CHECK(report.training.ended == "solved");
  CHECK(report.evaluation.metric("micro_f1") > 0.8);
  CHECK(report.evaluation.metric("exact_match") > 0.6);
  CHECK(report.evaluation.labels.empty());
  REQUIRE_FALSE(report.evaluation.mistakes.empty());
  CHECK(report.evaluation.mistakes.front().expected != report.evaluation.mistakes.front().predicted);
  CHECK(report.evaluation.text().find("Surest mistakes") != std::string::npos);
}

TEST_CASE("Tasks: both are learned by steps through the whole network", "[train]") {
  SECTION("numbers") {
    Model model = share_model(Freeze::none());
    CHECK(fine_tune(model, splits(), {.trainer = steps}).evaluation.metric("r2") > 0.6);
  }
  SECTION("labels") {
    Model model = marks_model(Freeze::none());
    CHECK(fine_tune(model, splits(), {.trainer = steps}).evaluation.metric("micro_f1") > 0.8);
  }
}

TEST_CASE("Tasks: a hidden layer trains on stored features", "[train]") {
  TrainerOptions options = steps;
  options.epochs = 30;
  Model numbers = share_model(Freeze::all(), 16), labels = marks_model(Freeze::all(), 16);
  CHECK(fine_tune(numbers, splits(), {.trainer = options}).evaluation.metric("r2") > 0.5);
  CHECK(fine_tune(labels, splits(), {.trainer = options}).evaluation.metric("micro_f1") > 0.7);
}

TEST_CASE("Tasks: a saved model answers as before, and trains on", "[train]") {
  const test::TempDir folder;
  const Data test = counted(10, 3);
  Model numbers = share_model(), labels = marks_model();
  for (Model* model : {&numbers, &labels}) {
    fine_tune(*model, splits(), {.l2 = {1e-2}});
    model->save(folder.file("m.pt"));
    const Evaluator evaluator;
    const EvalReport before = evaluator.run(*model, test);
    Model again = Model::load(folder.file("m.pt"), {.device = "cpu"});
    const EvalReport after = evaluator.run(again, test);
    for (const auto& [name, value] : before.metrics) CHECK(after.metric(name) == Approx(value).epsilon(1e-4).margin(1e-5));
    const auto answers = Predictor::load(folder.file("m.pt"), {.device = "cpu"}).batch(test);
    REQUIRE(answers.size() == test.size());
    if (model == &labels) {
      std::vector<std::string> wrong;
      for (std::size_t i = 0; i < answers.size(); ++i) {
        if (answers[i].label != model->head().truth(test.get(i))) wrong.push_back(test.get(i).place);
      }
      CHECK(wrong.size() == before.mistakes.size());
    } else {
      double error = 0;
      for (std::size_t i = 0; i < answers.size(); ++i) {
        error += std::abs(answers[i].values["share"].item<double>() - test.get(i).number("share")) / 10;
      }
      CHECK(error == Approx(before.metric("mae")).epsilon(1e-3));
    }
    CHECK(fine_tune(again, splits(), {.l2 = {1e-2}}).training.ended == "solved");
  }
}

TEST_CASE("Tasks: text in two fields is learned, saved and asked for", "[train]") {
  const auto cut = [](Record record) {  // the second half of the message goes to a field of its own
    const std::string message = record.text("message");
    record.values["message"] = message.substr(0, message.size() / 2);
    record.values["more"] = message.substr(message.size() / 2);
    return record;
  };
  const Splits data{counted(150).map(cut), counted(40, 1).map(cut), counted(40, 2).map(cut)};
  const auto accuracy = [&](std::vector<std::string> also) {
    Model model(test::tiny_bert(0.0), head::Classifier({.label = "queue", .labels = {"A", "B", "C"}}), tokenizer({.also = std::move(also)}),
                {.device = "cpu"});
    const double reached = fine_tune(model, data).evaluation.metric("accuracy");
    const test::TempDir folder;
    model.save(folder.file("m.pt"));
    const auto answers = Predictor::load(folder.file("m.pt"), {.device = "cpu"}).batch(data.test);
    double right = 0;
    for (std::size_t i = 0; i < answers.size(); ++i) right += answers[i].label == data.test.get(i).text("queue");
    CHECK(right / 40 == Approx(reached));
    return reached;
  };
  const double both = accuracy({"more"}), half = accuracy({});
  CHECK(both > 0.85);
  CHECK(both > half);
}

TEST_CASE("Tasks: lists of labels come from JSON Lines, and a bad record is told before the first step", "[train][error]") {
  const test::TempDir folder;
  std::string lines;
  for (std::size_t i = 0; i < 60; ++i) {
    const Record record = counted(60).get(i);
    Json marks = Json::array();
    for (const std::string mark : {"x", "y"}) {
      if (record.text("marks").find(mark) != std::string::npos) marks.push_back(mark);
    }
    lines += Json{{"message", record.text("message")}, {"marks", marks}, {"share", record.number("share")}}.dump() + "\n";
  }
  test::write(folder.file("t.jsonl"), lines + "{\"message\": \"a\", \"marks\": [\"z\"], \"share\": \"much\"}\n");
  const Data all = data::jsonl(folder.file("t.jsonl"), {.require = {"message", "marks", "share"}});
  std::vector<std::size_t> good(60);
  for (std::size_t i = 0; i < good.size(); ++i) good[i] = i;
  Model labels = marks_model(), numbers = share_model();
  CHECK(fine_tune(labels, {all.subset(good), {}, {}}).evaluation.metric("micro_f1") > 0.8);
  CHECK(fine_tune(numbers, {all.subset(good), {}, {}}).evaluation.metric("r2") > 0.5);
  const auto label = test::error_of<DataError>([&] { fine_tune(labels, {all, {}, {}}); });
  CHECK(label.code() == "graft-D017");
  CHECK(label.place() == "t.jsonl:61");
  const auto number = test::error_of<DataError>([&] { fine_tune(numbers, {all, {}, {}}); });
  CHECK(number.code() == "graft-D023");
  CHECK(number.place() == "t.jsonl:61");
}

TEST_CASE("Tasks: folds give a model each, and their scores", "[train]") {
  for (const Splits& fold : counted(90).folds(3, {.seed = 1})) {
    Model model = share_model();
    const FineTuneReport report = fine_tune(model, fold);
    CHECK(report.measured_on == "valid");
    CHECK(report.evaluation.samples == 30);
    CHECK(report.evaluation.metric("r2") > 0.3);
  }
}
