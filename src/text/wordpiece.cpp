#include "graft/text/wordpiece.h"

#include <algorithm>
#include <optional>
#include <span>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "graft/core/error.h"
#include "text/added_tokens.h"
#include "text/lexicon.h"
#include "text/normalize.h"
#include "text/wordpiece_json.h"

namespace graft::text {
namespace {

using detail::Span;

std::vector<std::string> read_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(line);
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::size_t count_characters(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

struct WordPiece::Vocabulary {
  detail::Lexicon tokens;
  WordPieceOptions options;
  // Tokens that go on with a word, without their prefix. Keys point into `tokens`: a look-up neither copies nor allocates.
  std::unordered_map<std::string_view, std::int64_t> inner;
  // Bytes of the longest token: no longer piece is worth a look-up.
  std::size_t longest = 0;
  std::int64_t unknown = 0;
  detail::AddedTokens special;

  Vocabulary(std::vector<std::string> vocabulary, WordPieceOptions given, const std::string& place);
  std::optional<std::int64_t> find(std::string_view part, bool is_begin) const;
  void add_word(std::string_view word, std::span<const Span> places, std::vector<Piece>& pieces) const;
};

namespace {

/// Without those that the vocabulary lacks, in the order of their ids.
WordPieceOptions resolved(const detail::Lexicon& tokens, WordPieceOptions options) {
  std::vector<std::string>& special = options.special_tokens;
  std::erase_if(special, [&](const std::string& token) { return token.empty() || !tokens.has(token); });
  std::ranges::sort(special, {}, [&](const std::string& token) { return tokens.id(token); });
  special.erase(std::unique(special.begin(), special.end()), special.end());
  return options;
}

detail::AddedTokens literals(const detail::Lexicon& tokens, const WordPieceOptions& options) {
  std::vector<detail::Literal> found;
  for (const std::string& token : options.special_tokens) found.push_back({token, tokens.id(token)});
  return detail::AddedTokens(std::move(found));
}

}  // namespace

WordPiece::Vocabulary::Vocabulary(std::vector<std::string> vocabulary, WordPieceOptions given, const std::string& place)
    : tokens("WordPiece", std::move(vocabulary), place), options(resolved(tokens, std::move(given))), special(literals(tokens, options)) {
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    const std::string_view token = tokens.tokens()[id];
    if (token.starts_with(options.prefix)) inner.emplace(token.substr(options.prefix.size()), static_cast<std::int64_t>(id));
    longest = std::max(longest, token.size());
  }
  for (const std::string& needed : {options.unknown, std::string("[CLS]"), std::string("[SEP]"), std::string("[PAD]")}) {
    if (tokens.has(needed)) continue;
    throw DataError(
        {.code = "graft-D403",
         .message = "[WordPiece] the vocabulary of " + std::to_string(tokens.size()) + " tokens must hold \"" + needed + "\", it does not.",
         .remedy = "Give the vocabulary of a BERT model, and the name of its unknown token in WordPieceOptions.",
         .place = place});
  }
  unknown = tokens.id(options.unknown);
}

/// The token that begins a word so, or goes on with it.
std::optional<std::int64_t> WordPiece::Vocabulary::find(std::string_view part, bool is_begin) const {
  if (is_begin) return tokens.find(part);
  const auto found = inner.find(part);
  return found == inner.end() ? std::nullopt : std::optional(found->second);
}

/// Spells a word with the longest token that fits, again and again; one token for all of it if that fails.
void WordPiece::Vocabulary::add_word(std::string_view word, std::span<const Span> places, std::vector<Piece>& pieces) const {
  const std::size_t num_before = pieces.size();
  const std::size_t limit = options.max_word_characters;
  bool is_known = word.size() <= limit || count_characters(word) <= limit;
  for (std::size_t begin = 0; is_known && begin < word.size();) {
    std::size_t size = std::min(word.size() - begin, longest);
    std::optional<std::int64_t> id;
    while (size > 0 && !(id = find(word.substr(begin, size), begin == 0))) --size;
    is_known = size > 0;
    if (is_known) pieces.push_back({*id, places[begin].begin, places[begin + size - 1].end});
    begin += size;
  }
  if (is_known) return;
  pieces.resize(num_before);
  pieces.push_back({unknown, places.front().begin, places.back().end});
}

WordPiece::WordPiece(detail::WordPieceFile file, const std::string& place)
    : vocabulary_(std::make_shared<const Vocabulary>(std::move(file.vocabulary), std::move(file.options), place)) {}

WordPiece::WordPiece(std::vector<std::string> vocabulary, WordPieceOptions options)
    : WordPiece(detail::WordPieceFile{std::move(vocabulary), std::move(options)}, "") {}

WordPiece WordPiece::load(const std::string& path, WordPieceOptions options) {
  const std::string text = detail::read_tokenizer_file(path);
  if (path.ends_with(".json")) return from_json(text, path);
  return WordPiece(detail::WordPieceFile{read_lines(text), std::move(options)}, path);
}

WordPiece WordPiece::from_json(std::string_view json, const std::string& place) {
  return WordPiece(detail::read_wordpiece(detail::parse_tokenizer_json(json, place), place), place);
}

std::vector<Piece> WordPiece::encode(std::string_view text) const {
  const Vocabulary& vocabulary = *vocabulary_;
  const WordPieceOptions& options = vocabulary.options;
  const detail::CleanUpOptions clean_up{options.lowercase, options.strip_accents.value_or(options.lowercase), options.split_cjk};
  std::vector<Piece> pieces;
  const detail::WordSink sink = [&](std::string_view word, std::span<const Span> places) { vocabulary.add_word(word, places, pieces); };
  vocabulary.special.split(
      text, {0, text.size()}, [&](Span part) { detail::split_words(text, part, clean_up, sink); },
      [&](std::int64_t id, Span place) {
        pieces.push_back({id, place.begin, place.end});
      });
  return pieces;
}

std::int64_t WordPiece::id(std::string_view token) const { return vocabulary_->tokens.id(token); }

const std::string& WordPiece::token(std::int64_t id) const { return vocabulary_->tokens.token(id); }

std::size_t WordPiece::size() const { return vocabulary_->tokens.size(); }

Frame WordPiece::frame() const {
  return {.begin = id("[CLS]"), .end = id("[SEP]"), .pad = id("[PAD]"), .unknown = vocabulary_->unknown, .separators = 1, .types = true};
}

const WordPieceOptions& WordPiece::options() const { return vocabulary_->options; }

std::string WordPiece::to_json(std::int64_t max_length) const {
  return detail::write_wordpiece(*this, vocabulary_->tokens.tokens(), max_length);
}

}  // namespace graft::text
