#include "text/tokenizer_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "graft/core/error.h"

namespace graft::text::detail {
namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::string& what, const std::string& found, const std::string& place) {
  throw CheckpointError({.code = "graft-K403",
                         .message = "[WordPiece] " + what + ", got " + found + ".",
                         .remedy = "Only the tokenizers of BERT models can be read: give the tokenizer.json or vocab.txt of one.",
                         .place = place});
}

/// What stands at `object[key]`, for an error: a short value as it is, of a long one its type.
std::string show(const Json& object, const char* key) {
  const Json value = object.is_object() ? object.value(key, Json()) : Json();
  const std::string type = value.is_object() ? value.value("type", Json()).dump() : value.dump();
  return type.size() <= 60 ? type : value.type_name();
}

void expect(bool holds, const Json& object, const char* key, const std::string& what, const std::string& place) {
  if (!holds) refuse(what, show(object, key), place);
}

void expect_type(const Json& file, const char* part, const std::string& type, const std::string& place) {
  const Json& value = file.at(part);
  expect(value.is_object() && value.value("type", Json()) == type, file, part, std::string("the ") + part + " must be " + type, place);
}

Json special(const char* token, int type) { return {{"SpecialToken", {{"id", token}, {"type_id", type}}}}; }

Json sequence(const char* name, int type) { return {{"Sequence", {{"id", name}, {"type_id", type}}}}; }

Json framed_text() { return Json::array({special("[CLS]", 0), sequence("A", 0), special("[SEP]", 0)}); }

/// Pieces come without [CLS] and [SEP], which the library's users put around them; a file that frames its texts otherwise means another
/// model.
void check_frame(const Json& file, const std::string& place) {
  const Json& frame = file.at("post_processor");
  const Json type = frame.is_object() ? frame.value("type", Json()) : Json();
  const bool is_bert = type == "BertProcessing" && frame.at("cls").at(0) == "[CLS]" && frame.at("sep").at(0) == "[SEP]";
  const bool is_template = type == "TemplateProcessing" && frame.at("single") == framed_text();
  expect(is_bert || is_template, file, "post_processor", "the post_processor must put [CLS] before a text and [SEP] after it", place);
}

std::vector<std::string> read_vocabulary(const Json& model, const std::string& place) {
  const Json& entries = model.at("vocab");
  std::vector<std::string> vocabulary(entries.size());
  std::vector<bool> is_taken(entries.size());
  for (const auto& [token, entry] : entries.items()) {
    const auto id = entry.get<std::int64_t>();
    const bool is_free = id >= 0 && id < std::ssize(vocabulary) && !is_taken[static_cast<std::size_t>(id)];
    if (!is_free) {
      refuse("the ids of " + std::to_string(entries.size()) + " tokens must run from 0 without gaps", "\"" + token + "\": " + entry.dump(),
             place);
    }
    is_taken[static_cast<std::size_t>(id)] = true;
    vocabulary[static_cast<std::size_t>(id)] = token;
  }
  return vocabulary;
}

std::vector<std::string> read_special_tokens(const Json& file, const std::string& place) {
  const Json& vocabulary = file.at("model").at("vocab");
  std::vector<std::string> tokens;
  for (const Json& added : file.at("added_tokens")) {
    const auto content = added.at("content").get<std::string>();
    const bool is_plain = !added.at("single_word") && !added.at("lstrip") && !added.at("rstrip") && !added.at("normalized");
    if (!is_plain || vocabulary.value(content, Json()) != added.at("id")) {
      refuse("added tokens must be in the vocabulary and be read literally", added.dump(), place);
    }
    tokens.push_back(content);
  }
  return tokens;
}

TokenizerFile read(const Json& file, const std::string& place) {
  expect_type(file, "model", "WordPiece", place);
  expect_type(file, "normalizer", "BertNormalizer", place);
  expect_type(file, "pre_tokenizer", "BertPreTokenizer", place);
  check_frame(file, place);
  const Json& normalizer = file.at("normalizer");
  const Json& model = file.at("model");
  expect(normalizer.at("clean_text") == true, normalizer, "clean_text", "clean_text must be true", place);
  const Json& strip = normalizer.at("strip_accents");
  WordPieceOptions options{.lowercase = normalizer.at("lowercase"),
                           .strip_accents = strip.is_null() ? std::optional<bool>() : strip.get<bool>(),
                           .split_cjk = normalizer.at("handle_chinese_chars"),
                           .unknown = model.at("unk_token"),
                           .prefix = model.at("continuing_subword_prefix"),
                           .max_word_characters = model.at("max_input_chars_per_word"),
                           .special_tokens = read_special_tokens(file, place)};
  return {read_vocabulary(model, place), std::move(options)};
}

}  // namespace

TokenizerFile read_tokenizer_json(std::string_view json, const std::string& place) {
  try {
    return read(Json::parse(json), place);
  } catch (const Json::exception& error) {
    throw CheckpointError({.code = "graft-K402",
                           .message = std::string("[WordPiece] the text of a tokenizer.json was expected, got: ") + error.what() + ".",
                           .remedy = "Save the tokenizer again, or give the model's vocab.txt.",
                           .place = place});
  }
}

std::string write_tokenizer_json(const TokenizerFile& tokenizer, std::int64_t max_length) {
  const WordPieceOptions& options = tokenizer.options;
  Json vocabulary = Json::object();
  for (std::size_t id = 0; id < tokenizer.vocabulary.size(); ++id) vocabulary[tokenizer.vocabulary[id]] = id;
  const auto frame_token = [&](const char* token) -> Json { return {{"id", token}, {"ids", {vocabulary.at(token)}}, {"tokens", {token}}}; };
  Json added = Json::array();
  for (const std::string& token : options.special_tokens) {
    added.push_back({{"id", vocabulary.at(token)},
                     {"content", token},
                     {"special", true},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false}});
  }
  Json pair = framed_text();
  pair.push_back(sequence("B", 1));
  pair.push_back(special("[SEP]", 1));
  const Json strip = options.strip_accents ? Json(*options.strip_accents) : Json();
  const Json file = {{"version", "1.0"},
                     {"truncation", {{"direction", "Right"}, {"max_length", max_length}, {"strategy", "LongestFirst"}, {"stride", 0}}},
                     {"padding", nullptr},
                     {"added_tokens", added},
                     {"normalizer",
                      {{"type", "BertNormalizer"},
                       {"clean_text", true},
                       {"handle_chinese_chars", options.split_cjk},
                       {"strip_accents", strip},
                       {"lowercase", options.lowercase}}},
                     {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
                     {"post_processor",
                      {{"type", "TemplateProcessing"},
                       {"single", framed_text()},
                       {"pair", pair},
                       {"special_tokens", {{"[CLS]", frame_token("[CLS]")}, {"[SEP]", frame_token("[SEP]")}}}}},
                     {"decoder", {{"type", "WordPiece"}, {"prefix", options.prefix}, {"cleanup", true}}},
                     {"model",
                      {{"type", "WordPiece"},
                       {"unk_token", options.unknown},
                       {"continuing_subword_prefix", options.prefix},
                       {"max_input_chars_per_word", options.max_word_characters},
                       {"vocab", vocabulary}}}};
  return file.dump();
}

}  // namespace graft::text::detail
