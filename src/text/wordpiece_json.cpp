#include "text/wordpiece_json.h"

#include <optional>
#include <utility>

namespace graft::text::detail {
namespace {

/// The library's users put [CLS] and [SEP] around texts by this class's frame; a file that frames them otherwise means another model.
void check_frame(const Json& file, const std::string& place) {
  const Json& tokens = file.at("model").at("vocab");
  const auto id = [&](const char* token) {
    return tokens.contains(token) ? std::optional(tokens.at(token).get<std::int64_t>()) : std::nullopt;
  };
  const Frame wanted{.begin = id("[CLS]"), .end = id("[SEP]"), .separators = 1, .types = true};
  expect(read_frame(file.at("post_processor"), place) == wanted, file, "post_processor",
         "the post_processor must make [CLS] A [SEP] of a text and [CLS] A [SEP] B [SEP] of a pair", place);
}

std::vector<std::string> read_special_tokens(const Json& file, const std::string& place) {
  const Json& vocabulary = file.at("model").at("vocab");
  std::vector<std::string> tokens;
  for (const Json& added : file.at("added_tokens")) {
    const auto content = added.at("content").get<std::string>();
    const bool is_plain = !added.at("single_word") && !added.at("lstrip") && !added.at("rstrip") && !added.at("normalized");
    if (!is_plain || vocabulary.value(content, Json()) != added.at("id")) {
      refuse_tokenizer("added tokens must be in the vocabulary and be read literally", added.dump(), place);
    }
    tokens.push_back(content);
  }
  return tokens;
}

}  // namespace

WordPieceFile read_wordpiece(const Json& file, const std::string& place) {
  WordPieceFile found;
  reading_tokenizer_json(place, [&] {
    expect_type(file, "model", "WordPiece", place);
    expect_type(file, "normalizer", "BertNormalizer", place);
    expect_type(file, "pre_tokenizer", "BertPreTokenizer", place);
    check_frame(file, place);
    const Json& normalizer = file.at("normalizer");
    const Json& model = file.at("model");
    expect(normalizer.at("clean_text") == true, normalizer, "clean_text", "clean_text must be true", place);
    const Json& strip = normalizer.at("strip_accents");
    found.options = {.lowercase = normalizer.at("lowercase"),
                     .strip_accents = strip.is_null() ? std::optional<bool>() : strip.get<bool>(),
                     .split_cjk = normalizer.at("handle_chinese_chars"),
                     .unknown = model.at("unk_token"),
                     .prefix = model.at("continuing_subword_prefix"),
                     .max_word_characters = model.at("max_input_chars_per_word"),
                     .special_tokens = read_special_tokens(file, place)};
    found.vocabulary = read_vocabulary(file, place);
  });
  return found;
}

std::string write_wordpiece(const WordPiece& words, const std::vector<std::string>& vocabulary, std::int64_t max_length) {
  const WordPieceOptions& options = words.options();
  Json file = new_tokenizer_json(max_length, words.frame());
  file["added_tokens"] = Json::array();
  for (const std::string& token : options.special_tokens) {
    file["added_tokens"].push_back({{"id", words.id(token)},
                                    {"content", token},
                                    {"special", true},
                                    {"single_word", false},
                                    {"lstrip", false},
                                    {"rstrip", false},
                                    {"normalized", false}});
  }
  file["normalizer"] = {{"type", "BertNormalizer"},
                        {"clean_text", true},
                        {"handle_chinese_chars", options.split_cjk},
                        {"strip_accents", options.strip_accents ? Json(*options.strip_accents) : Json()},
                        {"lowercase", options.lowercase}};
  file["pre_tokenizer"] = {{"type", "BertPreTokenizer"}};
  file["post_processor"] = write_frame(words.frame(), [&](std::int64_t id) -> const std::string& { return words.token(id); });
  file["decoder"] = {{"type", "WordPiece"}, {"prefix", options.prefix}, {"cleanup", true}};
  file["model"] = {{"type", "WordPiece"},
                   {"unk_token", options.unknown},
                   {"continuing_subword_prefix", options.prefix},
                   {"max_input_chars_per_word", options.max_word_characters},
                   {"vocab", write_vocabulary(vocabulary)}};
  return file.dump();
}

}  // namespace graft::text::detail
