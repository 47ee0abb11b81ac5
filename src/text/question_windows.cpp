#include "graft/text/question_windows.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <span>

#include "core/json.h"
#include "graft/core/error.h"
#include "graft/core/runtime.h"
#include "text/tokenizer_json.h"

namespace graft::text {
namespace {

void check(const QuestionWindowsOptions& options, const Frame& frame) {
  const std::int64_t room = options.max_length - options.max_question - static_cast<std::int64_t>(frame.num_tokens(true));
  if (options.max_question >= 1 && options.stride >= 0 && room > options.stride) return;
  throw ConfigError({.code = "graft-C060",
                     .message = "[QuestionWindows] windows of " + std::to_string(options.max_length) + " tokens, with " +
                                std::to_string(options.max_question) + " of the question and " + std::to_string(frame.num_tokens(true)) +
                                " around both, leave " + std::to_string(std::max<std::int64_t>(room, 0)) +
                                " of the context; more than the stride of " + std::to_string(options.stride) + " are wanted.",
                     .remedy = "Take a larger max_length or a smaller stride; 384 and 128 are usual.",
                     .place = ""});
}

/// The window of these pieces of the context.
Sample window(const Frame& frame, std::span<const Piece> question, std::span<const Piece> part) {
  const FramedText text = framed(frame, question, part);
  const auto length = static_cast<std::int64_t>(text.ids.size());
  at::Tensor ids = at::empty({length}, at::kLong), offsets = at::full({length, 2}, -1, at::kInt);
  std::ranges::copy(text.ids, ids.mutable_data_ptr<std::int64_t>());
  auto* place = offsets.mutable_data_ptr<int>() + 2 * text.second;
  for (const Piece& piece : part) {
    *place++ = static_cast<int>(piece.begin);
    *place++ = static_cast<int>(piece.end);
  }
  Sample sample;
  sample.inputs.set("input_ids", std::move(ids));
  if (frame.types) {
    at::Tensor types = at::zeros({length}, at::kLong);
    types.narrow(0, static_cast<std::int64_t>(text.second), length - static_cast<std::int64_t>(text.second)).fill_(1);
    sample.inputs.set("token_type_ids", std::move(types));
  }
  sample.inputs.set("offsets", std::move(offsets));
  return sample;
}

}  // namespace

QuestionWindows::QuestionWindows(std::shared_ptr<const Subwords> words, QuestionWindowsOptions options)
    : words_(std::move(words)), options_(std::move(options)), frame_(words_->frame()) {
  runtime();
  check(options_, frame_);
}

QuestionWindows QuestionWindows::from_config(const Json& config, std::string_view tokenizer_json) {
  return QuestionWindows(subwords_from_json(tokenizer_json), {.question = config.at("question"),
                                                              .context = config.at("context"),
                                                              .max_length = config.at("max_length"),
                                                              .stride = config.at("stride"),
                                                              .max_question = config.at("max_question")});
}

std::vector<Sample> QuestionWindows::operator()(const Record& record, Rng&, Mode) const {
  const std::vector<Piece> asked = words_->encode(record.text(options_.question)), context = words_->encode(record.text(options_.context));
  if (asked.empty()) {
    throw DataError({.code = "graft-D040",
                     .message = "[QuestionWindows] a question is wanted in \"" + options_.question + "\", it is empty.",
                     .remedy = "Write the question, or leave the record out.",
                     .place = record.place});
  }
  const auto question = std::span(asked).first(std::min(asked.size(), static_cast<std::size_t>(options_.max_question)));
  const std::size_t room = static_cast<std::size_t>(options_.max_length) - question.size() - frame_.num_tokens(true);
  std::vector<Sample> windows;
  for (std::size_t start = 0;; start += room - static_cast<std::size_t>(options_.stride)) {
    const std::size_t end = std::min(start + room, context.size());
    windows.push_back(window(frame_, question, std::span(context).subspan(start, end - start)));
    if (end == context.size()) return windows;
  }
}

Json QuestionWindows::config() const {
  return {{"type", "question_windows"},        {"question", options_.question}, {"context", options_.context},
          {"max_length", options_.max_length}, {"stride", options_.stride},     {"max_question", options_.max_question}};
}

std::vector<std::pair<std::string, std::string>> QuestionWindows::files() const {
  return {{"tokenizer.json", detail::in_windows(words_->to_json(options_.max_length), options_.stride, /*pairs=*/true)}};
}

Padding QuestionWindows::padding() const {
  return {{{"input_ids", static_cast<double>(frame_.pad)}, {"token_type_ids", 0}, {"offsets", -1}}, "attention_mask"};
}

std::int64_t QuestionWindows::cut(const Record& record) const {
  const auto tokens = static_cast<std::int64_t>(words_->encode(record.text(options_.question)).size());
  return std::max<std::int64_t>(0, tokens - options_.max_question);
}

Record QuestionWindows::example() const {
  return {{{options_.question, std::string("What is the answer?")},
           {options_.context, std::string("The answer stands here, in a text that is not too short.")}},
          "example"};
}

}  // namespace graft::text
