#include "graft/text/tokenizer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <span>

#include "core/json.h"
#include "graft/core/error.h"
#include "graft/core/runtime.h"

namespace graft::text {

Tokenizer Tokenizer::load(const std::string& path, const TokenizerOptions& options) { return Tokenizer(load_subwords(path), options); }

Tokenizer Tokenizer::from_config(const Json& config, std::string_view tokenizer_json) {
  TokenizerOptions options{.text = config.at("text"), .max_length = config.at("max_length")};
  options.also = config.value("also", options.also);  // files of earlier versions have one text
  options.separator = config.value("separator", options.separator);
  return Tokenizer(subwords_from_json(tokenizer_json), std::move(options));
}

Tokenizer::Tokenizer(WordPiece words, TokenizerOptions options)
    : Tokenizer(std::make_shared<const WordPiece>(std::move(words)), std::move(options)) {}

Tokenizer::Tokenizer(std::shared_ptr<const Subwords> words, TokenizerOptions options)
    : words_(std::move(words)), options_(std::move(options)), frame_(words_->frame()) {
  runtime();
  if (options_.max_length >= 3) return;
  throw ConfigError({.code = "graft-C013",
                     .message = "[Tokenizer] a max_length of at least 3 is wanted, got " + std::to_string(options_.max_length) + ".",
                     .remedy = "[CLS] and [SEP] take two; 128 or 256 suit most texts.",
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

std::vector<Sample> Tokenizer::operator()(const Record& record, Rng&, Mode) const {
  const std::vector<std::int64_t> tokens = ids(text_of(record));
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(tokens.size())}, at::kLong);
  std::ranges::copy(tokens, tensor.mutable_data_ptr<std::int64_t>());
  Sample sample;
  sample.inputs.set("input_ids", std::move(tensor));
  return {std::move(sample)};
}

std::int64_t Tokenizer::cut(const Record& record) const {
  const auto tokens = static_cast<std::int64_t>(words_->encode(text_of(record)).size() + frame_.num_tokens(false));
  return std::max<std::int64_t>(0, tokens - options_.max_length);
}

Json Tokenizer::config() const {
  return {{"type", "tokenizer"},
          {"text", options_.text},
          {"also", options_.also},
          {"separator", options_.separator},
          {"max_length", options_.max_length}};
}

std::vector<std::pair<std::string, std::string>> Tokenizer::files() const {
  return {{"tokenizer.json", words_->to_json(options_.max_length)}};
}

Padding Tokenizer::padding() const { return {{{"input_ids", static_cast<double>(frame_.pad)}}, "attention_mask"}; }

Record Tokenizer::example() const {
  Record record{{{options_.text, std::string("An example of a text that is not too short.")}}, "example"};
  for (const std::string& field : options_.also) record.values.emplace(field, std::string("More of it."));
  return record;
}

}  // namespace graft::text
