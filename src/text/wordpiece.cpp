#include "graft/text/wordpiece.h"

#include <algorithm>
#include <fstream>
#include <span>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "graft/core/error.h"
#include "text/normalize.h"
#include "text/tokenizer_json.h"

namespace graft::text {
namespace {

using detail::Span;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  // Also catches folders, which open but cannot be read, and empty files.
  if (!file || !(content << file.rdbuf())) {
    throw CheckpointError({.code = "graft-K401",
                           .message = "[WordPiece] a vocab.txt or tokenizer.json was expected, got nothing that can be read.",
                           .remedy = "Give the path of the tokenizer that came with the model.",
                           .place = path});
  }
  return std::move(content).str();
}

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

DataError vocabulary_error(const char* code, const std::string& message, const std::string& remedy, const std::string& place) {
  return DataError({.code = code, .message = "[WordPiece] " + message, .remedy = remedy, .place = place});
}

std::size_t count_characters(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

struct WordPiece::Vocabulary {
  // Keys point into `tokens`, which never changes: a look-up neither copies nor allocates.
  using Ids = std::unordered_map<std::string_view, std::int64_t>;

  std::vector<std::string> tokens;
  WordPieceOptions options;
  Ids ids;
  // Tokens that go on with a word, without their prefix.
  Ids inner;
  // Bytes of the longest token: no longer piece is worth a look-up.
  std::size_t longest = 0;
  std::int64_t unknown = 0;
  // First bytes of the special tokens.
  std::string special_starts;

  void index(const std::string& place);
  void find_special_tokens();
  std::string_view special_at(std::string_view text) const;
  void add_word(std::string_view word, std::span<const Span> places, std::vector<Piece>& pieces) const;
};

void WordPiece::Vocabulary::index(const std::string& place) {
  ids.reserve(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string_view token = tokens[i];
    const auto id = static_cast<std::int64_t>(i);
    if (!detail::is_utf8(token)) {
      throw vocabulary_error("graft-D401", "tokens must be UTF-8, token " + std::to_string(id) + " is not.",
                             "Save the vocabulary as UTF-8.", place);
    }
    const auto [first, is_new] = ids.emplace(token, id);
    if (!is_new) {
      throw vocabulary_error("graft-D402",
                             "a token must stand once, \"" + tokens[i] + "\" is token " + std::to_string(first->second) + " and token " +
                                 std::to_string(id) + ".",
                             "Give the vocabulary as it came with the model.", place);
    }
    if (token.starts_with(options.prefix)) inner.emplace(token.substr(options.prefix.size()), id);
    longest = std::max(longest, token.size());
  }
  for (const std::string& needed : {options.unknown, std::string("[CLS]"), std::string("[SEP]"), std::string("[PAD]")}) {
    if (ids.contains(needed)) continue;
    throw vocabulary_error("graft-D403",
                           "the vocabulary of " + std::to_string(tokens.size()) + " tokens must hold \"" + needed + "\", it does not.",
                           "Give the vocabulary of a BERT model, and the name of its unknown token in WordPieceOptions.", place);
  }
  unknown = ids.at(options.unknown);
}

void WordPiece::Vocabulary::find_special_tokens() {
  std::vector<std::string>& special = options.special_tokens;
  std::erase_if(special, [&](const std::string& token) { return token.empty() || !ids.contains(token); });
  std::sort(special.begin(), special.end(), [&](const auto& a, const auto& b) { return ids.at(a) < ids.at(b); });
  special.erase(std::unique(special.begin(), special.end()), special.end());
  for (const std::string& token : special) special_starts += token.front();
}

/// The longest special token that `text` begins with, or nothing.
std::string_view WordPiece::Vocabulary::special_at(std::string_view text) const {
  std::string_view best;
  for (const std::string& token : options.special_tokens) {
    if (token.size() > best.size() && text.starts_with(token)) best = token;
  }
  return best;
}

/// Spells a word with the longest token that fits, again and again; one token for all of it if that fails.
void WordPiece::Vocabulary::add_word(std::string_view word, std::span<const Span> places, std::vector<Piece>& pieces) const {
  const std::size_t num_before = pieces.size();
  const std::size_t limit = options.max_word_characters;
  bool is_known = word.size() <= limit || count_characters(word) <= limit;
  for (std::size_t begin = 0; is_known && begin < word.size();) {
    const Ids& table = begin == 0 ? ids : inner;
    std::size_t size = std::min(word.size() - begin, longest);
    auto found = table.end();
    while (size > 0 && (found = table.find(word.substr(begin, size))) == table.end()) --size;
    is_known = size > 0;
    if (is_known) pieces.push_back({found->second, places[begin].begin, places[begin + size - 1].end});
    begin += size;
  }
  if (is_known) return;
  pieces.resize(num_before);
  pieces.push_back({unknown, places.front().begin, places.back().end});
}

std::shared_ptr<const WordPiece::Vocabulary> WordPiece::build(std::vector<std::string> tokens, WordPieceOptions options,
                                                              const std::string& place) {
  auto vocabulary = std::make_shared<Vocabulary>();
  vocabulary->tokens = std::move(tokens);
  vocabulary->options = std::move(options);
  vocabulary->index(place);
  vocabulary->find_special_tokens();
  return vocabulary;
}

WordPiece::WordPiece(std::shared_ptr<const Vocabulary> vocabulary) : vocabulary_(std::move(vocabulary)) {}

WordPiece::WordPiece(std::vector<std::string> vocabulary, WordPieceOptions options)
    : WordPiece(build(std::move(vocabulary), std::move(options), "")) {}

WordPiece WordPiece::load(const std::string& path, WordPieceOptions options) {
  const std::string text = read_file(path);
  if (path.ends_with(".json")) return from_json(text, path);
  return WordPiece(build(read_lines(text), std::move(options), path));
}

WordPiece WordPiece::from_json(std::string_view json, const std::string& place) {
  detail::TokenizerFile file = detail::read_tokenizer_json(json, place);
  return WordPiece(build(std::move(file.vocabulary), std::move(file.options), place));
}

std::vector<Piece> WordPiece::encode(std::string_view text) const {
  const Vocabulary& vocabulary = *vocabulary_;
  const WordPieceOptions& options = vocabulary.options;
  const detail::CleanUpOptions clean_up{options.lowercase, options.strip_accents.value_or(options.lowercase), options.split_cjk};
  std::vector<Piece> pieces;
  const detail::WordSink sink = [&](std::string_view word, std::span<const Span> places) { vocabulary.add_word(word, places, pieces); };
  std::size_t begin = 0;  // of the text since the last special token
  std::size_t at = 0;
  while ((at = text.find_first_of(vocabulary.special_starts, at)) != std::string_view::npos) {
    const std::string_view special = vocabulary.special_at(text.substr(at));
    if (special.empty()) {
      ++at;
      continue;
    }
    detail::split_words(text, {begin, at}, clean_up, sink);
    pieces.push_back({vocabulary.ids.at(special), at, at + special.size()});
    begin = at += special.size();
  }
  detail::split_words(text, {begin, text.size()}, clean_up, sink);
  return pieces;
}

std::int64_t WordPiece::id(std::string_view token) const {
  const auto found = vocabulary_->ids.find(token);
  if (found != vocabulary_->ids.end()) return found->second;
  throw vocabulary_error("graft-D404", "a token of the vocabulary was expected, got \"" + std::string(token) + "\".",
                         "Use encode() for text that is not one token.", "");
}

const std::string& WordPiece::token(std::int64_t id) const {
  if (id >= 0 && id < std::ssize(vocabulary_->tokens)) return vocabulary_->tokens[static_cast<std::size_t>(id)];
  throw vocabulary_error("graft-D405", "an id in [0, " + std::to_string(size()) + ") was expected, got " + std::to_string(id) + ".",
                         "Use the vocabulary of the model that the ids are from.", "");
}

std::size_t WordPiece::size() const { return vocabulary_->tokens.size(); }

Frame WordPiece::frame() const {
  return {.begin = id("[CLS]"), .end = id("[SEP]"), .pad = id("[PAD]"), .unknown = vocabulary_->unknown, .separators = 1, .types = true};
}

const WordPieceOptions& WordPiece::options() const { return vocabulary_->options; }

std::string WordPiece::to_json(std::int64_t max_length) const {
  if (max_length < 3) {
    throw ConfigError({.code = "graft-C401",
                       .message = "[WordPiece] max_length must be 3 or more, got " + std::to_string(max_length) + ".",
                       .remedy = "Give the number of ids that the model reads, such as 128.",
                       .place = ""});
  }
  return detail::write_tokenizer_json({vocabulary_->tokens, vocabulary_->options}, max_length);
}

}  // namespace graft::text
