#include "graft/head/question_answering.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/json.h"
#include "graft/core/error.h"
#include "head/answer_metric.h"
#include "head/layers.h"

namespace graft::head {
namespace {

// Below every score that a span can have, and above what sums of two of them leave of float32's range.
constexpr double never = -1e9;
constexpr double no_span = -1e8;
// How many spans of a window are kept, of those that the tokens of the shortest pair of texts span.
constexpr std::int64_t most_spans = 20, shortest_pair = 4;

void check(const QuestionAnsweringOptions& options) {
  OptionCheck check("QuestionAnswering");
  check.require(options.max_answer >= 1, "a max_answer of at least 1 token is wanted.", "30 is usual.");
  check.require(options.separators >= 1, "at least one separator is wanted.", "Take Frame::separators of the vocabulary.");
  check.require(options.dropout >= 0 && options.dropout < 1, "dropout in [0, 1) is wanted.", "0 switches it off; 0.1 is usual.");
  check.require(std::isfinite(options.threshold), "a finite threshold is wanted.", "0 compares the scores as they are.");
  check.done();
}

metric::SquadRules rules_of(const QuestionAnsweringOptions& options) {
  return options.unanswerable ? metric::SquadRules::V2 : metric::SquadRules::V1;
}

struct Place {
  std::int64_t begin, end;
};

/// The bytes of the first right answer. Throws DataError if they do not hold it.
Place place_of(const Record& record, const QuestionAnsweringOptions& options) {
  const std::string& answer = list_of(record, options.answers).front();
  const at::Tensor starts = record.tensor(options.starts).to(at::kLong);
  const std::int64_t begin = starts.numel() > 0 ? starts.view(-1)[0].item<std::int64_t>() : -1;
  const std::string context = record.text(options.context);
  const auto size = static_cast<std::int64_t>(answer.size());
  const bool inside = begin >= 0 && begin + size <= static_cast<std::int64_t>(context.size());
  if (inside && !answer.empty() && context.compare(static_cast<std::size_t>(begin), answer.size(), answer) == 0)
    return {begin, begin + size};
  throw DataError({.code = "graft-D042",
                   .message = "[QuestionAnswering] the answer \"" + answer + "\" is wanted at byte " + std::to_string(begin) +
                              " of the text, where something else stands.",
                   .remedy = "Give the byte offset at which the answer begins in \"" + options.context + "\".",
                   .place = record.place});
}

/// First and last token of these bytes, or none if the window does not hold all of them: then the first token.
std::pair<std::int64_t, std::int64_t> tokens_of(const at::Tensor& offsets, Place place) {
  const at::Tensor table = offsets.contiguous();
  const int* row = table.const_data_ptr<int>();
  std::int64_t first = -1, last = -1, start = 0, end = -1;
  for (std::int64_t i = 0; i < table.size(0); ++i) {
    if (row[2 * i] < 0) continue;
    if (first < 0) first = i;
    last = i;
    if (row[2 * i] <= place.begin) start = i;
    if (end < 0 && row[2 * i + 1] >= place.end) end = i;
  }
  const bool holds = first >= 0 && row[2 * first] <= place.begin && row[2 * last + 1] >= place.end;
  return holds ? std::pair(start, end) : std::pair(std::int64_t{0}, std::int64_t{0});
}

}  // namespace

QuestionAnswering::QuestionAnswering(QuestionAnsweringOptions options)
    : TokenLayer("QuestionAnswering", 2,
                 {.dropout = options.dropout, .from = options.from, .mask = options.mask, .seed = options.seed, .width = options.width}),
      options_(std::move(options)) {
  check(options_);
}

QuestionAnswering QuestionAnswering::from_config(const Json& config) {
  const TokenLayerOptions layer = layer_from(config);
  return QuestionAnswering({.context = config.at("context"),
                            .answers = config.at("answers"),
                            .starts = config.at("starts"),
                            .ids = config.at("ids"),
                            .end_token = config.at("end_token"),
                            .separators = config.at("separators"),
                            .max_answer = config.at("max_answer"),
                            .unanswerable = config.at("unanswerable"),
                            .threshold = config.at("threshold"),
                            .dropout = layer.dropout,
                            .from = layer.from,
                            .mask = layer.mask,
                            .width = layer.width});
}

std::vector<Feature> QuestionAnswering::reads() const {
  std::vector<Feature> features = TokenLayer::reads();
  features.push_back({.name = "ids", .from = options_.ids, .input = true});
  return features;
}

void QuestionAnswering::targets(const Record& record, std::span<Sample> samples) const {
  if (!record.has(options_.answers)) {
    throw DataError({.code = "graft-D080",
                     .message = "[QuestionAnswering] what answers a question is wanted in \"" + options_.answers +
                                "\"; nothing says so, nor that it has no answer.",
                     .remedy = "Fill the answers in, or write \"is_impossible\": true.",
                     .place = record.place});
  }
  const bool has_answer = !list_of(record, options_.answers).empty();
  const Place place = has_answer ? place_of(record, options_) : Place{};
  for (Sample& sample : samples) {
    const at::Tensor* offsets = sample.inputs.find("offsets");
    const auto [start, end] = has_answer && offsets != nullptr ? tokens_of(*offsets, place) : std::pair(std::int64_t{0}, std::int64_t{0});
    sample.targets.set("start", at::scalar_tensor(start, at::kLong));
    sample.targets.set("end", at::scalar_tensor(end, at::kLong));
  }
}

Fields QuestionAnswering::forward(const Fields& features) const {
  const at::Tensor logits = scores(features), absent = features[options_.mask].eq(0);
  const at::Tensor start = logits.select(-1, 0).masked_fill(absent, never), end = logits.select(-1, 1).masked_fill(absent, never);
  Fields outputs{{"start_logits", start}, {"end_logits", end}};
  if (is_training()) return outputs;
  // Every span of up to max_answer tokens of the text that is searched: the ends that lie within reach of each start.
  const at::Tensor is_end = features["ids"].eq(options_.end_token);
  const at::Tensor outside = is_end.cumsum(1).ne(options_.separators).logical_or(is_end);
  const at::Tensor ends = at::constant_pad_nd(end.masked_fill(outside, never), {0, options_.max_answer - 1}, never);
  const at::Tensor spans = start.masked_fill(outside, never).unsqueeze(-1) + ends.unfold(1, options_.max_answer, 1);
  const auto [scores, index] = spans.flatten(1).topk(std::min(most_spans, shortest_pair * options_.max_answer), 1);
  const at::Tensor first = index.div(options_.max_answer, "floor");
  outputs.set("spans", at::stack({first, first + index.remainder(options_.max_answer)}, -1));
  outputs.set("span_scores", scores);
  return outputs;
}

Terms QuestionAnswering::loss(const Fields& outputs, const Fields& targets) const {
  const auto term = [&](const char* logits, const char* target) {
    return at::cross_entropy_loss(outputs[logits], targets[target], {}, at::Reduction::Sum);
  };
  return {{"cross_entropy", (term("start_logits", "start") + term("end_logits", "end")) / 2}};
}

std::vector<Decoded> QuestionAnswering::decode(const Fields& outputs, const Batch& batch, std::span<const Record>) const {
  const at::Tensor* offsets = batch.inputs.find("offsets");
  if (offsets == nullptr) return Head::decode(outputs, batch, {});
  const auto here = [](const at::Tensor& tensor, at::ScalarType type) { return tensor.to(at::kCPU, type).contiguous(); };
  const at::Tensor spans = here(outputs["spans"], at::kLong), scores = here(outputs["span_scores"], at::kFloat);
  const at::Tensor none = here(outputs["start_logits"].select(1, 0) + outputs["end_logits"].select(1, 0), at::kFloat);
  const at::Tensor places = here(*offsets, at::kInt);
  const std::int64_t count = spans.size(1), length = places.size(1);
  std::vector<Decoded> answers(static_cast<std::size_t>(spans.size(0)));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    const auto* span = spans.const_data_ptr<std::int64_t>() + 2 * row * count;
    const auto* score = scores.const_data_ptr<float>() + row * count;
    const auto* place = places.const_data_ptr<int>() + 2 * row * length;
    for (std::int64_t k = 0; k < count && score[k] > no_span; ++k) {
      // Logits, which merge() makes shares of.
      answers[i].spans.push_back({.begin = static_cast<std::size_t>(place[2 * span[2 * k]]),
                                  .end = static_cast<std::size_t>(place[2 * span[2 * k + 1] + 1]),
                                  .label = {},
                                  .score = score[k],
                                  .text = {}});
    }
    answers[i].values.set("no_answer", none[row]);
  }
  return answers;
}

Decoded QuestionAnswering::merge(std::span<const Decoded> samples, const Record& record) const {
  if (!samples.front().values.has("no_answer")) return samples.front();
  std::vector<TextSpan> spans;
  double none = std::numeric_limits<double>::infinity();
  for (const Decoded& sample : samples) {
    none = std::min(none, sample.values["no_answer"].item<double>());
    spans.insert(spans.end(), sample.spans.begin(), sample.spans.end());
  }
  std::ranges::stable_sort(spans, std::greater<>(), &TextSpan::score);
  Decoded answer;
  const std::string context = record.has_value(options_.context) ? record.text(options_.context) : std::string();
  const double best = spans.empty() ? none : options_.unanswerable ? std::max(none, spans.front().score) : spans.front().score;
  double sum = options_.unanswerable || spans.empty() ? std::exp(none - best) : 0;
  for (TextSpan& span : spans) {
    const auto is_same = [&](const TextSpan& known) { return known.begin == span.begin && known.end == span.end; };
    if (std::ssize(answer.spans) == most_spans) break;
    if (std::ranges::any_of(answer.spans, is_same)) continue;
    if (span.end <= context.size()) span.text = context.substr(span.begin, span.end - span.begin);
    sum += std::exp(span.score - best);
    answer.spans.push_back(std::move(span));
  }
  const double margin = answer.spans.empty() ? -std::numeric_limits<double>::infinity() : answer.spans.front().score - none;
  for (TextSpan& span : answer.spans) span.score = std::exp(span.score - best) / sum;
  if (std::ssize(answer.spans) > top()) answer.spans.resize(static_cast<std::size_t>(top()));
  for (const TextSpan& span : answer.spans) answer.top.emplace_back(span.text, span.score);
  answer.rejected = answer.spans.empty() || (options_.unanswerable && margin < options_.threshold);
  if (options_.unanswerable) answer.rejection_score = margin;
  answer.label = answer.rejected ? std::string() : answer.spans.front().text;
  answer.score = answer.rejected ? std::exp(none - best) / sum : answer.spans.front().score;
  return answer;
}

std::string QuestionAnswering::truth(const Record& record) const {
  const std::vector<std::string>& answers = list_of(record, options_.answers);
  return answers.empty() ? std::string() : answers.front();
}

bool QuestionAnswering::is_right(const Decoded& answer, const Record& record) const {
  return metric::match_answer(answer.label, list_of(record, options_.answers), rules_of(options_)).exact_match == 1;
}

Metrics QuestionAnswering::metrics() const {
  Metrics metrics;
  metrics.push_back(std::make_unique<AnswerMetric>(options_.answers, rules_of(options_)));
  return metrics;
}

Json QuestionAnswering::config() const {
  Json config = layer_config();
  config.update({{"type", "question_answering"},
                 {"context", options_.context},
                 {"answers", options_.answers},
                 {"starts", options_.starts},
                 {"ids", options_.ids},
                 {"end_token", options_.end_token},
                 {"separators", options_.separators},
                 {"max_answer", options_.max_answer},
                 {"unanswerable", options_.unanswerable},
                 {"threshold", options_.threshold}});
  return config;
}

}  // namespace graft::head
