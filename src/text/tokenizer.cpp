#include "graft/text/tokenizer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <span>

#include "core/json.h"
#include "graft/core/error.h"
#include "graft/core/runtime.h"

namespace graft::text {
namespace {

/// How much of two texts is kept where `room` pieces fit: the longer one is cut first, as Hugging Face's `tokenizers` does
/// ("LongestFirst").
std::pair<std::size_t, std::size_t> kept(std::size_t first, std::size_t second, std::size_t room) {
  if (first + second <= room) return {first, second};
  const std::size_t shorter = std::min({first, second, room / 2});
  return first <= second ? std::pair(shorter, room - shorter) : std::pair(room - shorter, shorter);
}

at::Tensor row(std::size_t size) { return at::zeros({static_cast<std::int64_t>(size)}, at::kLong); }

}  // namespace

Tokenizer Tokenizer::load(const std::string& path, const TokenizerOptions& options) { return Tokenizer(load_subwords(path), options); }

Tokenizer Tokenizer::from_config(const Json& config, std::string_view tokenizer_json) {
  TokenizerOptions options{.text = config.at("text"), .max_length = config.at("max_length")};
  options.also = config.value("also", options.also);  // files of earlier versions have one text
  options.separator = config.value("separator", options.separator);
  options.second = config.value("second", options.second);
  return Tokenizer(subwords_from_json(tokenizer_json), std::move(options));
}

Tokenizer::Tokenizer(WordPiece words, TokenizerOptions options)
    : Tokenizer(std::make_shared<const WordPiece>(std::move(words)), std::move(options)) {}

Tokenizer::Tokenizer(std::shared_ptr<const Subwords> words, TokenizerOptions options)
    : words_(std::move(words)), options_(std::move(options)), frame_(words_->frame()) {
  runtime();
  const std::size_t frame = frame_.num_tokens(is_pair()), needed = frame + (is_pair() ? 2 : 1);
  if (options_.max_length >= static_cast<std::int64_t>(needed)) return;
  throw ConfigError({.code = "graft-C013",
                     .message = "[Tokenizer] a max_length of at least " + std::to_string(needed) + " is wanted, got " +
                                std::to_string(options_.max_length) + ".",
                     .remedy = std::to_string(frame) + " tokens stand around the text; 128 or 256 suit most.",
                     .place = ""});
}

std::vector<std::int64_t> Tokenizer::ids(std::string_view text) const {
  const std::vector<Piece> pieces = words_->encode(text);
  const std::size_t room = static_cast<std::size_t>(options_.max_length) - frame_.num_tokens(false);
  return framed(frame_, std::span(pieces).first(std::min(pieces.size(), room))).ids;
}

std::string Tokenizer::text_of(const Record& record) const {
  std::string text = record.text(options_.text);
  for (const std::string& field : options_.also) {
    if (record.has(field) && !record.has_value(field)) continue;
    const std::string part = record.text(field);
    if (!part.empty()) text += (text.empty() ? "" : options_.separator) + part;
  }
  return text;
}

FramedText Tokenizer::pair(std::string_view first, std::string_view second) const {
  const std::vector<Piece> a = words_->encode(first), b = words_->encode(second);
  const std::size_t room = static_cast<std::size_t>(options_.max_length) - frame_.num_tokens(true);
  const auto [of_first, of_second] = kept(a.size(), b.size(), room);
  return framed(frame_, std::span(a).first(of_first), std::span(b).first(of_second));
}

std::vector<Sample> Tokenizer::operator()(const Record& record, Rng&, Mode) const {
  Sample sample;
  const auto set_ids = [&](const std::vector<std::int64_t>& ids) {
    at::Tensor tensor = row(ids.size());
    std::ranges::copy(ids, tensor.mutable_data_ptr<std::int64_t>());
    sample.inputs.set("input_ids", std::move(tensor));
  };
  if (!is_pair()) {
    set_ids(ids(text_of(record)));
    return {std::move(sample)};
  }
  const FramedText both = pair(text_of(record), record.text(options_.second));
  set_ids(both.ids);
  if (frame_.types) {
    at::Tensor types = row(both.ids.size());
    types.slice(0, static_cast<std::int64_t>(both.second)).fill_(1);
    sample.inputs.set("token_type_ids", std::move(types));
  }
  return {std::move(sample)};
}

std::int64_t Tokenizer::cut(const Record& record) const {
  std::size_t tokens = words_->encode(text_of(record)).size() + frame_.num_tokens(is_pair());
  if (is_pair()) tokens += words_->encode(record.text(options_.second)).size();
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(tokens) - options_.max_length);
}

Json Tokenizer::config() const {
  return {{"type", "tokenizer"},       {"text", options_.text},
          {"also", options_.also},     {"separator", options_.separator},
          {"second", options_.second}, {"max_length", options_.max_length}};
}

std::vector<std::pair<std::string, std::string>> Tokenizer::files() const {
  return {{"tokenizer.json", words_->to_json(options_.max_length)}};
}

Padding Tokenizer::padding() const {
  Padding padding{{{"input_ids", static_cast<double>(frame_.pad)}}, "attention_mask"};
  if (is_pair() && frame_.types) padding.values.emplace_back("token_type_ids", 0);
  return padding;
}

Record Tokenizer::example() const {
  Record record{{{options_.text, std::string("An example of a text that is not too short.")}}, "example"};
  for (const std::string& field : options_.also) record.values.emplace(field, std::string("More of it."));
  if (is_pair()) record.values.emplace(options_.second, std::string("The text that stands beside it."));
  return record;
}

}  // namespace graft::text
