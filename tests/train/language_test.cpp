// What heads learn that answer token by token, from the records to the saved file.
#include <c10/core/GradMode.h>

#include "graft/data/records.h"
#include "graft/eval/evaluator.h"
#include "graft/head/question_answering.h"
#include "graft/head/token_classifier.h"
#include "graft/predict/predictor.h"
#include "graft/text/question_windows.h"
#include "graft/text/wordpiece.h"
#include "graft/text/words.h"
#include "graft/train/data_check.h"
#include "graft/train/fine_tune.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

/// Letters a to h, among which stands one of x, y, z with a digit behind it: the answer to every question, and the entity.
struct Toy {
  std::string text;
  std::vector<std::string> tags;
  std::vector<std::int64_t> words;  // [W, 2]
  std::int64_t begin = 0;
};

Toy toy(Rng& rng, std::uint64_t least, std::uint64_t more) {
  Toy made;
  const auto add = [&](std::string word, const char* tag) {
    if (!made.text.empty()) made.text += " ";
    made.words.push_back(static_cast<std::int64_t>(made.text.size()));
    made.text += word;
    made.words.push_back(static_cast<std::int64_t>(made.text.size()));
    made.tags.emplace_back(tag);
  };
  const std::uint64_t size = least + rng.below(more), place = rng.below(size);
  for (std::uint64_t i = 0; i < size; ++i) {
    if (i == place) {
      made.begin = made.text.empty() ? 0 : static_cast<std::int64_t>(made.text.size()) + 1;
      add(std::string(1, static_cast<char>('x' + rng.below(3))), "B-end");
      add(std::to_string(rng.below(10)), "I-end");
    }
    add(std::string(1, static_cast<char>('a' + rng.below(8))), "O");
  }
  return made;
}

Data records_of(std::size_t size, std::uint64_t seed, std::uint64_t least = 3, std::uint64_t more = 9) {
  std::vector<Record> records;
  for (std::size_t i = 0; i < size; ++i) {
    Rng rng(seed, 7, i);
    const Toy made = toy(rng, least, more);
    Record record{{}, "toy:" + std::to_string(i)};
    record.values["text"] = record.values["context"] = made.text;
    record.values["tags"] = made.tags;
    record.values["words"] = at::tensor(made.words, at::kLong).view({-1, 2});
    record.values["question"] = std::string("which");
    record.values["answers"] = std::vector<std::string>{made.text.substr(static_cast<std::size_t>(made.begin), 3)};
    record.values["answer_starts"] = at::tensor({made.begin}, at::kLong);
    records.push_back(std::move(record));
  }
  return data::records(std::move(records));
}

std::shared_ptr<const text::Subwords> tiny_words() {
  return std::make_shared<const text::WordPiece>(text::WordPiece::load(test::golden_path("tiny_bert/vocab.txt")));
}

Model tagger(const Freeze& freeze = Freeze::none(), PrefixForm form = PrefixForm::Fast) {
  return Model(test::tiny_bert(0.0), head::TokenClassifier({.labels = {"O", "B-end", "I-end"}}),
               text::Words(tiny_words(), {.max_length = 32, .stride = 8}), {.freeze = freeze, .device = "cpu", .prefix = form});
}

Model answerer(const Freeze& freeze = Freeze::none(), bool unanswerable = false) {
  return Model(test::tiny_bert(0.0), head::QuestionAnswering({.end_token = 3, .max_answer = 4, .unanswerable = unanswerable}),
               text::QuestionWindows(tiny_words(), {.max_length = 24, .stride = 8, .max_question = 4}),
               {.freeze = freeze, .device = "cpu"});
}

const TrainerOptions steps{.epochs = 4, .batch_size = 16, .lr = 5e-3, .backbone_lr_ratio = 0.5};

std::vector<double> losses(const TrainReport& report) {
  std::vector<double> all;
  for (const EpochRecord& epoch : report.history) all.push_back(epoch.train_loss);
  return all;
}

}  // namespace

TEST_CASE("Language: entities are learned, measured in windows, saved and found in a text", "[train]") {
  Model model = tagger();
  // Longer than a window of 32.
  const Splits data{records_of(400, 0, 3, 40), records_of(40, 1), records_of(20, 2, 40, 10)};
  const FineTuneReport report = fine_tune(model, data, {.preset = Preset::Full, .trainer = steps});
  CHECK(report.evaluation.metric("f1") > 0.9);
  CHECK(report.evaluation.samples == 20);
  const test::TempDir folder;
  model.save(folder.file("model.pt"));
  const Decoded answer = Predictor::load(folder.file("model.pt"))("a b y 4 c");
  REQUIRE(answer.spans.size() == 1);
  CHECK(answer.spans[0].text == "y 4");
  CHECK(answer.spans[0].label == "end");
  Model again = Model::load(folder.file("model.pt"), {.device = "cpu"});
  CHECK(Evaluator().run(again, data.test).metric("f1") == report.evaluation.metric("f1"));
}

TEST_CASE("Language: answers are learned, and found in a text of many windows", "[train]") {
  Model model = answerer();
  const Splits data{records_of(400, 0), records_of(40, 1), records_of(20, 2, 50, 10)};
  const FineTuneReport report = fine_tune(model, data, {.preset = Preset::Full, .trainer = steps});
  CHECK(report.evaluation.metric("exact_match") > 0.85);
  CHECK(report.evaluation.metric("f1") >= report.evaluation.metric("exact_match"));
  const test::TempDir folder;
  model.save(folder.file("model.pt"));
  std::string context;
  for (int i = 0; i < 60; ++i) context += "a b c d e f g h ";
  const std::size_t place = context.size();
  const Decoded answer =
      Predictor::load(folder.file("model.pt"))(Record{{{"question", std::string("which")}, {"context", context + "z 7 " + context}}, ""});
  CHECK(answer.label == "z 7");
  CHECK(answer.spans.at(0).begin == place);
  CHECK(answer.score > 0.5);
}

TEST_CASE("Language: on a frozen backbone tokens are computed once, and train as those computed anew do", "[train]") {
  const Splits data{records_of(60, 0), records_of(20, 1), {}};
  TrainerOptions options{.epochs = 2, .batch_size = 8, .lr = 5e-3};
  const auto run = [&](const FeatureStore& store) {
    Model model = tagger(Freeze::all(), PrefixForm::Exact);
    options.store = store;
    return losses(Trainer(options).fit(model, data));
  };
  const FeatureStore store;
  const std::vector<double> stored = run(store);
  CHECK(store.computed() == 80);
  CHECK(stored == run(FeatureStore::off()));
  CHECK(stored.back() < stored.front());
}

TEST_CASE("Language: questions without an answer are told by a threshold that validation data chooses", "[train]") {
  const auto some_without = [](std::size_t size, std::uint64_t seed) {
    return records_of(size, seed).map([](Record record) {
      std::string context = record.text("context");
      const auto place = context.find_first_of("xyz");
      if (place % 3 != 0) return record;
      context.replace(place, 3, "a b");
      record.values["context"] = context;
      record.values["answers"] = std::vector<std::string>{};
      return record;
    });
  };
  Model model = answerer(Freeze::none(), true);
  const FineTuneReport report =
      fine_tune(model, {some_without(400, 0), some_without(80, 1), some_without(80, 2)}, {.preset = Preset::Full, .trainer = steps});
  CHECK(report.evaluation.metric("f1") > 0.85);
  CHECK(report.evaluation.metric("no_answer_f1") > 0.85);
  CHECK(dynamic_cast<const head::QuestionAnswering&>(model.head()).options().threshold != 0);
}

TEST_CASE("check_data: entities of kinds that the model does not know are told, with their number and a place", "[train]") {
  const auto tagged = [](const std::vector<std::vector<std::string>>& tags) {
    std::vector<Record> records;
    for (const auto& each : tags) {
      records.push_back(
          {{{"text", std::string("a b c")}, {"tags", each}, {"words", at::tensor({0, 1, 2, 3, 4, 5}, at::kLong).view({3, 2})}},
           "line " + std::to_string(records.size() + 1)});
    }
    return data::records(records);
  };
  const Model model = tagger();
  const auto told = [&](const Splits& splits) {
    std::vector<Problem> found;
    for (const Problem& problem : check_data(model, splits)) {
      if (problem.code == "graft-W026") found.push_back(problem);
    }
    return found;
  };
  const Data known = tagged({{"B-end", "I-end", "O"}});
  CHECK(told({known, known, known}).empty());
  const auto problems = told({known, tagged({{"O", "O", "O"}, {"B-date", "I-date", "B-city"}, {"B-date", "B-date", "B-end"}}), known});
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].message ==
        "[Data] the validation data has entities of 2 kinds that the model does not know: \"city\" 1 times (line 2), \"date\" 3 times "
        "(line 2). They are counted as missed.");
  const Data marked = data::records({{{{"text", std::string("a b c")},
                                       {"spans", at::tensor({2, 3}, at::kLong).view({1, 2})},
                                       {"span_labels", std::vector<std::string>{"date"}}},
                                      "line 9"}});
  REQUIRE(told({known, {}, marked}).size() == 1);
  CHECK(told({known, {}, marked}).front().place == "line 9");
  Model asked = tagger();
  CHECK(Evaluator().run(asked, marked).metric("recall") == 0);  // the one entity there is was missed
}
