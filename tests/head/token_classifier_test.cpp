#include "graft/head/token_classifier.h"

#include "graft/data/records.h"
#include "head/builtin.h"
#include "support.h"

using namespace graft;
using head::TokenClassifier;

namespace {

const std::vector<std::string> tags{"O", "B-place", "I-place"};

TokenClassifier plain(head::TokenClassifierOptions options = {}) {
  options.labels = tags;
  options.dropout = 0;
  options.width = 3;
  TokenClassifier head(std::move(options));
  head.parameters()["weight"].detach().copy_(at::eye(3));
  return head;
}

at::Tensor table(std::vector<std::int64_t> values, std::int64_t columns, at::ScalarType type = at::kLong) {
  return at::tensor(values, type).view({-1, columns});
}

/// "New York is" in four tokens between [CLS] and [SEP]: New Yo ##rk is.
Sample sample() {
  Sample made;
  made.inputs.set("words", table({-1, -1, -1, 0, 0, 3, 1, 4, 8, -1, -1, -1, 2, 9, 11, -1, -1, -1}, 3, at::kInt));
  return made;
}

Record tagged(std::vector<std::string> given = {"B-place", "I-place", "O"}) {
  return {{{"text", std::string("New York is")}, {"words", table({0, 3, 4, 8, 9, 11}, 2)}, {"tags", std::move(given)}}, "x.conll:4"};
}

Record with_entities() {
  return {{{"text", std::string("New York is")}, {"spans", table({0, 8}, 2)}, {"span_labels", std::vector<std::string>{"place"}}},
          "x.jsonl:2"};
}

/// The label of each token as logits [1, L, 3].
at::Tensor sure(std::vector<std::int64_t> labels) {
  return at::one_hot(at::tensor(labels, at::kLong), 3).to(at::kFloat).mul(5).unsqueeze(0);
}

Decoded answer_of(const TokenClassifier& head, const at::Tensor& logits) {
  const Batch batch{{{"words", sample().inputs["words"].unsqueeze(0)}}, {}, {0}};
  return head.merge(head.decode({{"logits", logits}}, batch, {}), tagged());
}

}  // namespace

TEST_CASE("TokenClassifier: the first token of a word carries its label, nothing else counts", "[head]") {
  std::vector<Sample> samples{sample()};
  plain().targets(tagged(), samples);
  CHECK(at::equal(samples[0].targets["tags"], at::tensor({-100, 1, 2, -100, 0, -100}, at::kLong)));
  plain().targets(with_entities(), samples);
  CHECK(at::equal(samples[0].targets["tags"], at::tensor({-100, 1, 2, -100, 0, -100}, at::kLong)));
  plain().targets(tagged({"B-film", "I-place", "O"}), samples);  // a kind that training data did not have
  CHECK(at::equal(samples[0].targets["tags"], at::tensor({-100, -100, 2, -100, 0, -100}, at::kLong)));
}

TEST_CASE("TokenClassifier: a window that begins inside an entity goes on with it", "[head]") {
  std::vector<Sample> samples(1);
  samples[0].inputs.set("words", table({-1, -1, -1, 1, 4, 8, 2, 9, 11}, 3, at::kInt));
  plain().targets(with_entities(), samples);
  CHECK(at::equal(samples[0].targets["tags"], at::tensor({-100, 2, 0}, at::kLong)));
}

TEST_CASE("TokenClassifier: the loss is a mean over labelled words", "[head]") {
  const Fields targets{{"tags", at::tensor({-100, 1, 2, -100, 0, -100}, at::kLong).unsqueeze(0)}};
  const Fields outputs{{"logits", at::zeros({1, 6, 3})}};
  const auto mean = [&](const TokenClassifier& head) {
    const LossTerm term = loss_terms(head, outputs, targets, 1).at(0);
    return term.sum.item<double>() / term.weight.item<double>();
  };
  CHECK(mean(plain()) == Approx(std::log(3.0)));
  CHECK(loss_terms(plain(), outputs, targets, 1).at(0).weight.item<double>() == 3);
  CHECK(loss_terms(plain({.class_weights = {0.5, 2, 4}}), outputs, targets, 1).at(0).weight.item<double>() == 6.5);
  CHECK(mean(plain({.class_weights = {0.5, 2, 4}})) == Approx(std::log(3.0)));
  // (1 - 1/3)^2 of the cross-entropy
  CHECK(mean(plain({.focal_gamma = 2})) == Approx(std::log(3.0) * 4 / 9));
}

TEST_CASE("TokenClassifier: answers are tags of words, and entities with their bytes", "[head]") {
  const Decoded answer = answer_of(plain(), sure({0, 1, 2, 0, 0, 0}));
  CHECK(answer.tags == std::vector<std::string>{"B-place", "I-place", "O"});
  REQUIRE(answer.spans.size() == 1);
  CHECK(answer.spans[0].text == "New York");
  CHECK(answer.spans[0].label == "place");
  CHECK(answer.label == "New York [place]");
  CHECK(answer.spans[0].score == Approx(std::exp(5) / (std::exp(5) + 2)));
  CHECK(plain().truth(tagged()) == answer.label);
  CHECK(plain().truth(with_entities()) == answer.label);
  // An entity that begins with I-
  CHECK(answer_of(plain(), sure({0, 0, 2, 0, 0, 0})).label == "York [place]");
}

TEST_CASE("TokenClassifier: of a word in two windows the one counts in which it is farther from an end", "[head]") {
  const TokenClassifier head = plain();
  const auto votes = [](std::vector<double> values) {
    Decoded made;
    made.values.set("votes", at::tensor(values, at::kDouble).view({-1, 5}));
    return made;
  };
  // Words 0 to 2, and 1 to 3; word 1 is in the middle of the first, word 2 in that of the second.
  const std::vector<Decoded> windows{votes({0, 0, 1, 0, .9, 1, 2, 3, 1, .9, 2, 4, 5, 0, .9}),
                                     votes({1, 2, 3, 0, .9, 2, 4, 5, 2, .9, 3, 6, 7, 0, .9})};
  CHECK(head.merge(windows, {}).tags == std::vector<std::string>{"O", "B-place", "I-place", "O"});
}

TEST_CASE("TokenClassifier: labels are those of the data, with both of each kind", "[head]") {
  const auto data = [](std::vector<std::string> given) { return data::records({tagged(std::move(given))}); };
  CHECK(TokenClassifier::labels_of(data({"B-x", "O", "I-a"})) == std::vector<std::string>{"O", "B-a", "I-a", "B-x", "I-x"});
  CHECK(TokenClassifier::labels_of(data({"NN", "O", "VB"})) == std::vector<std::string>{"NN", "O", "VB"});
  CHECK(TokenClassifier::labels_of(data::records({with_entities()})) == tags);
}

TEST_CASE("TokenClassifier: it measures entities as seqeval does, and words", "[head]") {
  const TokenClassifier head = plain();
  Metrics metrics = head.metrics();
  for (const auto& metric : metrics) {
    metric->answer(answer_of(head, sure({0, 1, 0, 0, 1, 0})), tagged());  // "New" and "is" for "New York"
    metric->answer(answer_of(head, sure({0, 1, 2, 0, 0, 0})), with_entities());
    metric->update({{"logits", sure({0, 1, 0, 0, 1, 0})}},
                   Batch{{}, {{"tags", at::tensor({-100, 1, 2, -100, 0, -100}, at::kLong).unsqueeze(0)}}, {0}}, {});
  }
  MetricValues values;
  for (const auto& metric : metrics) {
    for (const auto& value : metric->compute()) values.push_back(value);
  }
  CHECK(value_of(values, "accuracy") == Approx(1.0 / 3));
  CHECK(value_of(values, "precision") == Approx(1.0 / 3));
  CHECK(value_of(values, "recall") == Approx(1.0 / 2));
  CHECK(value_of(values, "f1") == Approx(0.4));
}

TEST_CASE("TokenClassifier: an entity that ends beside or inside a word is that of the whole word", "[head]") {
  const TokenClassifier head = plain();
  const auto [begin, end] = GENERATE(std::pair(0, 9), std::pair(1, 6), std::pair(2, 8));
  Record record = with_entities();
  record.values["spans"] = table({begin, end}, 2);
  CHECK(head.truth(record) == "New York [place]");
  const Metrics metrics = head.metrics();
  for (const auto& metric : metrics) metric->answer(answer_of(head, sure({0, 1, 2, 0, 0, 0})), record);
  CHECK(value_of(metrics.back()->compute(), "f1") == 1);
  CHECK(value_of(metrics.back()->compute(), "f1_strict") == 1);
}

TEST_CASE("TokenClassifier: for the strict F1 an I- that no B- begins is no entity", "[head]") {
  const TokenClassifier head = plain();
  const Record record = GENERATE(tagged(), with_entities());
  const Metrics metrics = head.metrics();
  metrics.back()->answer(answer_of(head, sure({0, 2, 2, 0, 0, 0})), record);
  CHECK(value_of(metrics.back()->compute(), "f1") == 1);
  CHECK(value_of(metrics.back()->compute(), "f1_strict") == 0);
  const Metrics others = head.metrics();
  others.back()->answer(answer_of(head, sure({0, 1, 2, 0, 0, 0})), record);
  others.back()->merge(*metrics.back());
  CHECK(value_of(others.back()->compute(), "f1_strict") == Approx(2.0 / 3));  // of 2 entities 1 was predicted, rightly
  others.back()->reset();
  CHECK(std::isnan(value_of(others.back()->compute(), "f1_strict")));
}

TEST_CASE("TokenClassifier: where labels are no BIO each word is a span with its label", "[head]") {
  head::TokenClassifierOptions options{.labels = {"ADJ", "NOUN", "VERB"}, .dropout = 0, .width = 3};
  TokenClassifier head(std::move(options));
  const Decoded answer = answer_of(head, sure({0, 0, 1, 0, 2, 0}));
  REQUIRE(answer.spans.size() == 3);
  CHECK(answer.label == "New [ADJ], York [NOUN], is [VERB]");
  CHECK(answer.spans[1].begin == 4);
  CHECK(answer.spans[1].end == 8);
  CHECK(answer.spans[1].score == Approx(std::exp(5) / (std::exp(5) + 2)));
  CHECK(head.truth(tagged({"ADJ", "NOUN", "VERB"})) == answer.label);
}

TEST_CASE("TokenClassifier: accuracy is undefined where no word has a known label", "[head]") {
  const Metrics metrics = plain().metrics();
  metrics.front()->update({{"logits", sure({0, 1})}}, Batch{{}, {{"tags", at::tensor({-100, -100}, at::kLong).unsqueeze(0)}}, {0}}, {});
  const double accuracy = value_of(metrics.front()->compute(), "accuracy");
  CHECK(std::isnan(accuracy));
  CHECK_FALSE(std::signbit(accuracy));
}

TEST_CASE("TokenClassifier: it comes back from its config", "[head]") {
  const TokenClassifier head = plain({.class_weights = {1, 2, 3}, .label_smoothing = 0.1});
  CHECK(head::make_builtin(head.config())->config() == head.config());
}

TEST_CASE("TokenClassifier: what does not belong together is told with its place", "[head][error]") {
  std::vector<Sample> samples{sample()};
  const auto error = test::error_of<DataError>([&] { plain().targets(tagged({"O", "O"}), samples); });
  CHECK(error.code() == "graft-D044");
  CHECK(error.place() == "x.conll:4");
  Record outside = with_entities();
  outside.values["spans"] = table({4, 40}, 2);
  CHECK_THROWS_AS(plain().targets(outside, samples), DataError);
  CHECK_THROWS_AS(plain().targets({{{"text", std::string("a")}}, "y:1"}, samples), DataError);
  outside.values["spans"] = {};  // a line of JSON that has a text only
  const auto silent = test::error_of<DataError>([&] { plain().targets(outside, samples); });
  CHECK(silent.code() == "graft-D044");
  CHECK(silent.remedy().find("[]") != std::string::npos);
  CHECK(test::error_of<DataError>([] { TokenClassifier::labels_of(data::records({tagged({"x", "x", "x"})})); }).code() == "graft-D043");
  CHECK(test::error_of<ConfigError>([] { plain({.label_smoothing = 0.1, .focal_gamma = 2}); }).code() == "graft-C012");
}
