#include "graft/text/byte_pairs.h"

#include <algorithm>
#include <array>
#include <functional>
#include <unordered_map>

#include "graft/core/error.h"
#include "text/added_tokens.h"
#include "text/byte_level.h"
#include "text/byte_pairs_json.h"
#include "text/lexicon.h"
#include "text/merges.h"

namespace graft::text {
namespace {

using detail::Span;
using Word = std::vector<detail::Merges::Symbol>;

CheckpointError unfit(const std::string& code, const std::string& message, const std::string& place) {
  return CheckpointError({.code = code,
                          .message = "[BytePairs] " + message,
                          .remedy = "Give the vocabulary and the merges that were published with the model.",
                          .place = place});
}

std::size_t spaces_at_begin(std::string_view text) { return std::min(text.find_first_not_of(' '), text.size()); }

std::size_t spaces_at_end(std::string_view text) { return text.size() - 1 - text.find_last_not_of(' '); }

std::size_t num_characters(std::string_view text, Span part) {
  return static_cast<std::size_t>(std::ranges::count_if(text.substr(part.begin, part.end - part.begin), std::not_fn(detail::goes_on)));
}

}  // namespace

struct BytePairs::Vocabulary {
  detail::Lexicon tokens;
  Rules rules;
  BytePairsOptions options;
  detail::Merges merges;
  std::array<std::int32_t, 256> bytes{};
  /// The bytes of tokens, and for those that are what becomes of a word of these bytes, their id.
  std::vector<std::string> spellings;
  std::unordered_map<std::string_view, std::int32_t> words;
  detail::AddedTokens literal, normalized;

  Vocabulary(std::vector<std::string> vocabulary, Rules merge_rules, BytePairsOptions given, const std::string& place);
  void add_rules(const std::string& place);
  void find_words();
  void join(std::string_view word, Word& symbols) const;
  std::vector<Piece> encode(std::string_view text) const;
  void encode_part(std::string_view text, Span part, Word& symbols, std::vector<Piece>& pieces) const;
  void trim(std::string_view text, std::size_t left, std::size_t right, bool is_first, Piece& piece) const;
};

namespace {

const std::vector<AddedToken> usual_tokens{
    {.token = "<s>"},          {.token = "<pad>"}, {.token = "</s>"}, {.token = "<unk>"}, {.token = "<mask>", .strips_left = true},
    {.token = "<|endoftext|>"}};

std::vector<AddedToken> added_of(const detail::Lexicon& tokens, const BytePairsOptions& options) {
  std::vector<AddedToken> added = options.added.value_or(usual_tokens);
  if (!options.added) std::erase_if(added, [&](const AddedToken& token) { return !tokens.has(token.token); });
  std::ranges::sort(added, {}, [&](const AddedToken& token) { return tokens.id(token.token); });
  return added;
}

Frame frame_of(const detail::Lexicon& tokens, const BytePairsOptions& options) {
  Frame frame = options.frame.value_or(Frame{});
  if (!options.frame && tokens.has("<s>") && tokens.has("</s>")) {
    frame = {.begin = tokens.id("<s>"), .end = tokens.id("</s>"), .separators = 2, .types = false};
  }
  for (const auto& id : {frame.begin, frame.end}) {
    if (id) tokens.token(*id);  // throws if there is none
  }
  frame.unknown = tokens.find("<unk>");
  frame.pad = frame.end.value_or(0);
  for (const char* token : {"<|endoftext|>", "[PAD]", "<pad>"}) frame.pad = tokens.find(token).value_or(frame.pad);
  return frame;
}

detail::AddedTokens literals(const detail::Lexicon& tokens, const std::vector<AddedToken>& added, bool normalized) {
  std::vector<detail::Literal> found;
  for (const AddedToken& token : added) {
    if (token.normalized == normalized) found.push_back({token.token, tokens.id(token.token), token.strips_left, token.strips_right});
  }
  return detail::AddedTokens(std::move(found));
}

BytePairsOptions resolved(const detail::Lexicon& tokens, BytePairsOptions options) {
  options.added = added_of(tokens, options);
  options.frame = frame_of(tokens, options);
  return options;
}

}  // namespace

BytePairs::Vocabulary::Vocabulary(std::vector<std::string> vocabulary, Rules merge_rules, BytePairsOptions given, const std::string& place)
    : tokens("BytePairs", std::move(vocabulary), place),
      rules(std::move(merge_rules)),
      options(resolved(tokens, std::move(given))),
      merges(rules.size()),
      literal(literals(tokens, *options.added, false)),
      normalized(literals(tokens, *options.added, true)) {
  for (std::size_t byte = 0; byte < bytes.size(); ++byte) {
    const auto id = tokens.find(detail::spelled(std::string(1, static_cast<char>(byte))));
    if (!id) throw unfit("graft-K028", "every byte must have a token, byte " + std::to_string(byte) + " has none.", place);
    bytes[byte] = static_cast<std::int32_t>(*id);
  }
  add_rules(place);
  find_words();
}

void BytePairs::Vocabulary::add_rules(const std::string& place) {
  for (const auto& [left, right] : rules) {
    const auto a = tokens.find(left), b = tokens.find(right), made = tokens.find(left + right);
    if (!a || !b || !made)
      throw unfit("graft-K027", "\"" + left + "\", \"" + right + "\" and both as one must be tokens, as they are merged.", place);
    merges.add(static_cast<std::int32_t>(*a), static_cast<std::int32_t>(*b), static_cast<std::int32_t>(*made));
  }
}

void BytePairs::Vocabulary::find_words() {
  spellings.reserve(tokens.size());
  words.reserve(tokens.size());
  Word symbols;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    auto spelling = detail::bytes_of(tokens.tokens()[id]);
    if (!spelling || spelling->empty()) continue;
    join(*spelling, symbols);
    if (symbols.size() != 1) continue;  // an added token, or one that other merges come before
    spellings.push_back(std::move(*spelling));
    words.emplace(spellings.back(), symbols.front().id);
  }
}

void BytePairs::Vocabulary::join(std::string_view word, Word& symbols) const {
  symbols.clear();
  for (std::size_t i = 0; i < word.size(); ++i)
    symbols.push_back({bytes[static_cast<unsigned char>(word[i])], static_cast<std::uint32_t>(i + 1)});
  merges.join(symbols);
}

/// As `tokenizers` trims: by the white space at both ends of a piece, in characters of the text.
void BytePairs::Vocabulary::trim(std::string_view text, std::size_t left, std::size_t right, bool is_first, Piece& piece) const {
  if (!options.trim_offsets) return;
  if (left == 1 && options.keeps_first_space && (is_first || piece.begin == 0)) left = 0;
  piece.begin = detail::forward(text, piece.begin, left, piece.end);
  piece.end = detail::backward(text, piece.end, right, piece.begin);
}

void BytePairs::Vocabulary::encode_part(std::string_view text, Span part, Word& symbols, std::vector<Piece>& pieces) const {
  std::string_view read = text.substr(part.begin, part.end - part.begin);
  std::string with_space;
  const std::size_t num_added = options.add_prefix_space && read.front() != ' ' ? 1 : 0;
  if (num_added > 0) read = with_space.append(" ").append(read);
  // A piece of some bytes of a character stands for all of it, and the added space for the first character.
  const auto begin_of = [&](std::size_t at) {
    while (at > 0 && detail::goes_on(read[at])) --at;
    return part.begin + at - std::min(at, num_added);
  };
  const auto end_of = [&](std::size_t at) {
    if (at == num_added) ++at;
    while (at < read.size() && detail::goes_on(read[at])) ++at;
    return part.begin + at - num_added;
  };
  for (std::size_t at = 0, end = 0; at < read.size(); at = end) {
    end = detail::word_end(read, at);
    const std::string_view word = read.substr(at, end - at);
    if (const auto whole = words.find(word); whole != words.end()) {
      symbols.assign(1, {whole->second, static_cast<std::uint32_t>(word.size())});
    } else {
      join(word, symbols);
    }
    std::size_t begin = 0;
    for (const auto& symbol : symbols) {
      const std::string_view bytes_read = word.substr(begin, symbol.end - begin);
      Piece piece{symbol.id, begin_of(at + begin), end_of(at + symbol.end)};
      trim(text, spaces_at_begin(bytes_read), spaces_at_end(bytes_read), pieces.empty(), piece);
      pieces.push_back(piece);
      begin = symbol.end;
    }
  }
}

std::vector<Piece> BytePairs::Vocabulary::encode(std::string_view text) const {
  std::vector<Piece> pieces;
  Word symbols;
  const auto found = [&](std::int64_t id, Span place) {
    Piece piece{id, place.begin, place.end};
    const Span left{place.begin, detail::spaces_after(text, place.begin, place.end)};
    const Span right{detail::spaces_before(text, place.begin, place.end), place.end};
    trim(text, num_characters(text, left), num_characters(text, right), pieces.empty(), piece);
    pieces.push_back(piece);
  };
  const auto between = [&](Span part) {
    normalized.split(
        text, part, [&](Span rest) { encode_part(text, rest, symbols, pieces); }, found);
  };
  literal.split(text, {0, text.size()}, between, found);
  return pieces;
}

BytePairs::BytePairs(detail::BytePairsFile file, const std::string& place)
    : vocabulary_(std::make_shared<const Vocabulary>(std::move(file.vocabulary), std::move(file.merges), std::move(file.options), place)) {}

BytePairs::BytePairs(std::vector<std::string> vocabulary, const Rules& merges, BytePairsOptions options)
    : vocabulary_(std::make_shared<const Vocabulary>(std::move(vocabulary), merges, std::move(options), "")) {}

BytePairs BytePairs::load(const std::string& path, BytePairsOptions options) {
  const detail::Json json = detail::parse_tokenizer_json(detail::read_tokenizer_file(path), path);
  if (json.contains("model")) return BytePairs(detail::read_byte_pairs(json, path), path);
  detail::BytePairsFile file = detail::read_byte_pairs_of(json, path);
  file.options = std::move(options);
  return BytePairs(std::move(file), path);
}

BytePairs BytePairs::from_json(std::string_view json, const std::string& place) {
  return BytePairs(detail::read_byte_pairs(detail::parse_tokenizer_json(json, place), place), place);
}

std::vector<Piece> BytePairs::encode(std::string_view text) const {
  if (detail::is_utf8(text)) return vocabulary_->encode(text);
  const detail::Mended mended = detail::mended(text);
  std::vector<Piece> pieces = vocabulary_->encode(mended.text);
  for (Piece& piece : pieces) {
    const std::size_t begin = piece.begin, end = piece.end;
    const auto place_of = [&](std::size_t at) { return at < mended.places.size() ? mended.places[at].begin : text.size(); };
    piece.begin = place_of(begin);
    piece.end = end > begin ? mended.places[end - 1].end : piece.begin;
  }
  return pieces;
}

std::int64_t BytePairs::id(std::string_view token) const { return vocabulary_->tokens.id(token); }

const std::string& BytePairs::token(std::int64_t id) const { return vocabulary_->tokens.token(id); }

std::size_t BytePairs::size() const { return vocabulary_->tokens.size(); }

Frame BytePairs::frame() const { return *vocabulary_->options.frame; }

const BytePairsOptions& BytePairs::options() const { return vocabulary_->options; }

std::string BytePairs::to_json(std::int64_t max_length) const {
  return detail::write_byte_pairs(*this, vocabulary_->tokens.tokens(), vocabulary_->rules, max_length);
}

}  // namespace graft::text
