#include "graft/head/question_answering.h"

#include "head/builtin.h"
#include "support.h"

using namespace graft;
using head::QuestionAnswering;

namespace {

constexpr std::int64_t sep = 3;

/// [CLS] q [SEP] and four tokens of "ab cd ef gh" [SEP].
Sample window(int shift = 0) {
  Sample sample;
  sample.inputs.set("input_ids", at::tensor({2, 9, 3, 5, 6, 7, 8, 3}, at::kLong));
  at::Tensor offsets = at::full({8, 2}, -1, at::kInt);
  for (int i = 0; i < 4; ++i) {
    offsets[3 + i][0] = shift + 3 * i;
    offsets[3 + i][1] = shift + 3 * i + 2;
  }
  sample.inputs.set("offsets", offsets);
  return sample;
}

Record question(std::vector<std::string> answers, std::int64_t start) {
  return {{{"context", std::string("ab cd ef gh")}, {"answers", answers}, {"answer_starts", at::tensor({start}, at::kLong)}}, "x.json:7"};
}

/// A head over tokens [N, L, 2] that are the logits themselves.
QuestionAnswering plain(bool unanswerable = false) {
  QuestionAnswering head({.end_token = sep, .max_answer = 3, .unanswerable = unanswerable, .dropout = 0, .width = 2});
  head.parameters()["weight"].detach().copy_(at::eye(2));
  return head;
}

Fields features(const at::Tensor& logits) {
  return {{"tokens", logits}, {"attention_mask", at::ones({1, 8}, at::kLong)}, {"ids", window().inputs["input_ids"].unsqueeze(0)}};
}

/// Start and end logits, one pair a token.
at::Tensor logits_of(std::vector<double> start, std::vector<double> end) {
  return at::stack({at::tensor(start, at::kFloat), at::tensor(end, at::kFloat)}, -1).unsqueeze(0);
}

Decoded answer_of(const QuestionAnswering& head, const at::Tensor& logits) {
  const Sample sample = window();
  const Batch batch{{{"offsets", sample.inputs["offsets"].unsqueeze(0)}}, {}, {0}};
  const std::vector<Decoded> decoded = head.decode(head.forward(features(logits)), batch, {});
  return head.merge(decoded, question({}, 0));
}

}  // namespace

TEST_CASE("QuestionAnswering: the best span lies in the text, ends after it begins and within reach", "[head]") {
  // Highest of all are the question and [CLS]; then an end before the start; then a span of four tokens.
  const auto answer = answer_of(plain(), logits_of({9, 9, 0, 5, 0, 4, 0, 9}, {9, 9, 0, 0, 1, 0, 3, 9}));
  CHECK(answer.label == "ef gh");  // 4 + 3, as 5 + 3 is too long
  REQUIRE(answer.spans.size() == 5);
  CHECK(answer.spans[0].begin == 6);
  CHECK(answer.spans[0].end == 11);
  CHECK(answer.spans[1].text == "ab cd");  // 5 + 1
  CHECK(answer.spans[0].score / answer.spans[1].score == Approx(std::exp(1.0)));
  CHECK(answer.score == answer.spans[0].score);
  CHECK_FALSE(answer.rejected);
}

TEST_CASE("QuestionAnswering: windows of a record are put together, equal spans once", "[head]") {
  const QuestionAnswering head = plain();
  const auto decoded = [&](double best) {
    const Batch batch{{{"offsets", window().inputs["offsets"].unsqueeze(0)}}, {}, {0}};
    return head.decode(head.forward(features(logits_of({0, 0, 0, best, 0, 0, 0, 0}, {0, 0, 0, best, 0, 0, 0, 0}))), batch, {}).at(0);
  };
  const std::vector<Decoded> both{decoded(1), decoded(3)};
  const Decoded merged = head.merge(both, question({}, 0));
  CHECK(merged.label == "ab");
  for (std::size_t i = 1; i < merged.spans.size(); ++i) CHECK(merged.spans[i].begin + merged.spans[i].end != 2);
  // 9 spans lie in four tokens within a reach of three: 3 begin at the first, the best of which has 3 + 3.
  CHECK(merged.score == Approx(std::exp(6) / (std::exp(6) + 2 * std::exp(3) + 6)));
}

TEST_CASE("QuestionAnswering: without an answer it points at the first token, and none is what beats the best by the threshold", "[head]") {
  QuestionAnswering head = plain(true);
  const at::Tensor logits = logits_of({2, 0, 0, 1, 0, 0, 0, 0}, {1.5, 0, 0, 1, 0, 0, 0, 0});  // none 3.5, best 2
  Decoded answer = answer_of(head, logits);
  CHECK(answer.rejected);
  CHECK(answer.label.empty());
  CHECK(*answer.rejection_score == Approx(-1.5));
  CHECK(answer.top.front().first == "ab");
  head.set_threshold(-2);
  answer = answer_of(head, logits);
  CHECK(answer.label == "ab");
  CHECK_FALSE(answer.rejected);
}

TEST_CASE("QuestionAnswering: targets are the first and last token of the answer, or the first of a window without it", "[head]") {
  const QuestionAnswering head = plain();
  std::vector<Sample> samples{window(), window(100)};
  head.targets(question({"cd ef"}, 3), samples);
  CHECK(samples[0].targets["start"].item<std::int64_t>() == 4);
  CHECK(samples[0].targets["end"].item<std::int64_t>() == 5);
  CHECK(samples[1].targets["start"].item<std::int64_t>() == 0);
  CHECK(samples[1].targets["end"].item<std::int64_t>() == 0);
  head.targets(question({}, 0), samples);
  CHECK(samples[0].targets["end"].item<std::int64_t>() == 0);
}

TEST_CASE("QuestionAnswering: the loss is half the cross-entropy of both ends, and padding is no candidate", "[head]") {
  QuestionAnswering head = plain();
  head.set_training(true);
  Fields read = features(logits_of({0, 0, 0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0, 0}));
  const Fields targets{{"start", at::tensor({4}, at::kLong)}, {"end", at::tensor({5}, at::kLong)}};
  const Fields outputs = head.forward(read);
  CHECK_FALSE(outputs.has("spans"));  // of which training has no need
  CHECK(head.loss(outputs, targets)["cross_entropy"].item<double>() == Approx(std::log(8.0)));
  read.set("attention_mask", at::tensor({1, 1, 1, 1, 1, 1, 0, 0}, at::kLong).unsqueeze(0));
  CHECK(head.loss(head.forward(read), targets)["cross_entropy"].item<double>() == Approx(std::log(6.0)));
}

TEST_CASE("QuestionAnswering: truths, and answers that are right in other words", "[head]") {
  const QuestionAnswering head = plain();
  const Record record = question({"The Thames", "river"}, 0);
  CHECK(head.truth(record) == "The Thames");
  CHECK(head.is_right({.label = "thames!"}, record));
  CHECK(head.is_right({.label = "River"}, record));
  CHECK_FALSE(head.is_right({.label = "Rhine"}, record));
  CHECK_FALSE(head.has_classes());
}

TEST_CASE("QuestionAnswering: it comes back from its config", "[head]") {
  const QuestionAnswering head({.end_token = 7, .separators = 2, .max_answer = 9, .unanswerable = true, .threshold = 1.5, .width = 4});
  CHECK(head::make_builtin(head.config())->config() == head.config());
}

TEST_CASE("QuestionAnswering: an answer that does not stand in its place is told", "[head][error]") {
  std::vector<Sample> samples{window()};
  const auto error = test::error_of<DataError>([&] { plain().targets(question({"cd"}, 4), samples); });
  CHECK(error.code() == "graft-D042");
  CHECK(error.place() == "x.json:7");
  CHECK_THROWS_AS(plain().targets(question({"gh ij"}, 9), samples), DataError);
  CHECK_THROWS_AS(QuestionAnswering({.max_answer = 0}), ConfigError);
  CHECK(test::error_of<ModelError>([] { QuestionAnswering().build({{"output", at::zeros({2, 8})}}); }).code() == "graft-M030");
}

TEST_CASE("QuestionAnswering: a record that does not say what answers it is no record without an answer", "[head][error]") {
  Sample sample = window();
  Record record = question({}, 0);
  plain().targets(record, std::span(&sample, 1));
  record.values.erase("answers");
  const auto error = test::error_of<DataError>([&] { plain().targets(record, std::span(&sample, 1)); });
  CHECK(error.code() == "graft-D080");
  CHECK(error.place() == "x.json:7");
}
