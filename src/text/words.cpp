#include "graft/text/words.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <span>

#include "core/json.h"
#include "data/word_spans.h"
#include "graft/core/error.h"
#include "graft/core/runtime.h"
#include "text/tokenizer_json.h"

namespace graft::text {
namespace {

struct Word {
  std::size_t begin, end;
  std::vector<Piece> pieces;
};

void check(const WordsOptions& options, const Frame& frame) {
  const std::int64_t room = options.max_length - static_cast<std::int64_t>(frame.num_tokens(false));
  if (options.stride >= 0 && room > options.stride) return;
  throw ConfigError({.code = "graft-C061",
                     .message = "[Words] windows of " + std::to_string(options.max_length) + " tokens leave " +
                                std::to_string(std::max<std::int64_t>(room, 0)) + " of the text; more than the stride of " +
                                std::to_string(options.stride) + " are wanted.",
                     .remedy = "Take a larger max_length or a smaller stride; 256 and 32 suit most texts.",
                     .place = ""});
}

/// The words as the record gives them, or as the text is cut.
std::vector<std::pair<std::size_t, std::size_t>> spans_of(const Record& record, const WordsOptions& options, std::string_view text) {
  if (!record.has(options.words)) return data::word_spans(text);
  const at::Tensor given = record.tensor(options.words).to(at::kLong).contiguous();
  const bool is_table = given.dim() == 2 && given.size(1) == 2;
  std::vector<std::pair<std::size_t, std::size_t>> spans;
  bool fits = is_table;
  for (std::int64_t i = 0; fits && i < given.size(0); ++i) {
    const auto* row = given.const_data_ptr<std::int64_t>() + 2 * i;
    fits = row[0] >= 0 && row[0] < row[1] && static_cast<std::size_t>(row[1]) <= text.size();
    spans.emplace_back(row[0], row[1]);
  }
  if (fits) return spans;
  throw DataError({.code = "graft-D041",
                   .message = "[Words] byte offsets [W, 2] of words inside the text of " + std::to_string(text.size()) +
                              " bytes are wanted in \"" + options.words + "\", got " + shape_text(given.sizes()) +
                              (is_table ? " with a word outside it, or an empty one." : "."),
                   .remedy = "Give [begin, end) of each word in \"" + options.text + "\", or leave the field out.",
                   .place = record.place});
}

Sample window(const Frame& frame, std::span<const Word> words, std::size_t first) {
  std::vector<Piece> pieces;
  for (const Word& word : words) pieces.insert(pieces.end(), word.pieces.begin(), word.pieces.end());
  const FramedText text = framed(frame, pieces);
  const auto length = static_cast<std::int64_t>(text.ids.size());
  at::Tensor ids = at::empty({length}, at::kLong), places = at::full({length, 3}, -1, at::kInt);
  std::ranges::copy(text.ids, ids.mutable_data_ptr<std::int64_t>());
  auto* place = places.mutable_data_ptr<int>() + 3 * text.first;
  for (std::size_t i = 0; i < words.size(); ++i) {
    place[0] = static_cast<int>(first + i);
    place[1] = static_cast<int>(words[i].begin);
    place[2] = static_cast<int>(words[i].end);
    place += 3 * words[i].pieces.size();
  }
  Sample sample;
  sample.inputs.set("input_ids", std::move(ids));
  sample.inputs.set("words", std::move(places));
  return sample;
}

}  // namespace

Words::Words(std::shared_ptr<const Subwords> subwords, WordsOptions options)
    : subwords_(std::move(subwords)), options_(std::move(options)), frame_(subwords_->frame()) {
  runtime();
  check(options_, frame_);
}

Words Words::from_config(const Json& config, std::string_view tokenizer_json) {
  return Words(
      subwords_from_json(tokenizer_json),
      {.text = config.at("text"), .words = config.at("words"), .max_length = config.at("max_length"), .stride = config.at("stride")});
}

std::vector<Sample> Words::operator()(const Record& record, Rng&, Mode) const {
  const std::string text = record.text(options_.text);
  const std::size_t room = static_cast<std::size_t>(options_.max_length) - frame_.num_tokens(false);
  const auto stride = static_cast<std::size_t>(options_.stride);
  std::vector<Word> words;
  for (const auto& [begin, end] : spans_of(record, options_, text)) {
    // Words are encoded one by one, so that none of their tokens belongs to two; byte-level vocabularies tell by the space that one begins.
    Word word{begin, end, subwords_->encode(" " + text.substr(begin, end - begin))};
    if (word.pieces.empty()) word.pieces.push_back({frame_.unknown.value_or(frame_.pad), 0, end - begin});
    if (word.pieces.size() > room) word.pieces.resize(room);
    words.push_back(std::move(word));
  }
  std::vector<Sample> windows;
  for (std::size_t start = 0;;) {
    std::size_t end = start, tokens = 0;
    while (end < words.size() && tokens + words[end].pieces.size() <= room) tokens += words[end++].pieces.size();
    windows.push_back(window(frame_, std::span(words).subspan(start, end - start), start));
    if (end == words.size()) return windows;
    std::size_t next = end, shared = 0;
    while (next > start + 1 && shared < stride) shared += words[--next].pieces.size();
    start = std::max(next, start + 1);
  }
}

Json Words::config() const {
  return {{"type", "words"},
          {"text", options_.text},
          {"words", options_.words},
          {"max_length", options_.max_length},
          {"stride", options_.stride}};
}

std::vector<std::pair<std::string, std::string>> Words::files() const {
  return {{"tokenizer.json", detail::in_windows(subwords_->to_json(options_.max_length), options_.stride, /*pairs=*/false)}};
}

Padding Words::padding() const { return {{{"input_ids", static_cast<double>(frame_.pad)}, {"words", -1}}, "attention_mask"}; }

Record Words::example() const { return {{{options_.text, std::string("An example of a text that is not too short.")}}, "example"}; }

}  // namespace graft::text
