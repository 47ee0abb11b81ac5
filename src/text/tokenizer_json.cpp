#include "text/tokenizer_json.h"

#include <fstream>
#include <sstream>
#include <utility>

#include "graft/core/error.h"

namespace graft::text::detail {
namespace {

Json special(const std::string& token, int type) { return {{"SpecialToken", {{"id", token}, {"type_id", type}}}}; }

Json sequence(const char* name, int type) { return {{"Sequence", {{"id", name}, {"type_id", type}}}}; }

/// [CLS] A [SEP], and for a pair what follows.
Json template_of(const std::string& begin, const std::string& end, bool is_pair, int separators, bool types) {
  Json pieces = Json::array();
  if (!begin.empty()) pieces.push_back(special(begin, 0));
  pieces.push_back(sequence("A", 0));
  if (is_pair) {
    for (int i = 0; i < separators && !end.empty(); ++i) pieces.push_back(special(end, 0));
    pieces.push_back(sequence("B", types ? 1 : 0));
  }
  if (!end.empty()) pieces.push_back(special(end, is_pair && types ? 1 : 0));
  return pieces;
}

std::string token_at(const Json& pieces, std::size_t at) {
  const Json piece = at < pieces.size() ? pieces.at(at) : Json();
  return piece.is_object() && piece.contains("SpecialToken") ? piece.at("SpecialToken").at("id").get<std::string>() : "";
}

Frame read_template(const Json& processor, const std::string& place) {
  const Json &single = processor.at("single"), &pair = processor.at("pair");
  const std::string begin = token_at(single, 0), end = token_at(single, begin.empty() ? 1 : 2);
  Frame frame;
  const auto id = [&](const std::string& token) { return processor.at("special_tokens").at(token).at("ids").at(0).get<std::int64_t>(); };
  if (!begin.empty()) frame.begin = id(begin);
  if (!end.empty()) frame.end = id(end);
  for (frame.separators = 1; frame.separators <= 2; ++frame.separators) {
    for (const bool types : {false, true}) {
      frame.types = types;
      if (pair == template_of(begin, end, true, frame.separators, types) && single == template_of(begin, end, false, 1, false))
        return frame;
    }
  }
  refuse_tokenizer("the post_processor must put one token before a text and one behind it, and one or two between the texts of a pair",
                   single.dump() + " and " + pair.dump(), place);
}

Frame read_processing(const Json& processor, int separators, bool types) {
  return {.begin = processor.at("cls").at(1).get<std::int64_t>(),
          .end = processor.at("sep").at(1).get<std::int64_t>(),
          .separators = separators,
          .types = types};
}

}  // namespace

std::string read_tokenizer_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  // Also catches folders, which open but cannot be read, and empty files.
  if (!file || !(content << file.rdbuf())) {
    throw CheckpointError({.code = "graft-K401",
                           .message = "[Tokenizer] the file of a tokenizer was expected, got nothing that can be read.",
                           .remedy = "Give the path of the tokenizer that came with the model.",
                           .place = path});
  }
  return std::move(content).str();
}

void reading_tokenizer_json(const std::string& place, const std::function<void()>& read) {
  try {
    read();
  } catch (const Json::exception& error) {
    throw CheckpointError({.code = "graft-K402",
                           .message = std::string("[Tokenizer] the text of a tokenizer.json was expected, got: ") + error.what() + ".",
                           .remedy = "Save the tokenizer again, or give the vocabulary that was published with the model.",
                           .place = place});
  }
}

Json parse_tokenizer_json(std::string_view json, const std::string& place) {
  Json parsed;
  reading_tokenizer_json(place, [&] { parsed = Json::parse(json); });
  return parsed;
}

void refuse_tokenizer(const std::string& what, const std::string& found, const std::string& place) {
  throw CheckpointError({.code = "graft-K403",
                         .message = "[Tokenizer] " + what + ", got " + found + ".",
                         .remedy = "WordPiece as BERT has it and byte-level BPE as GPT-2 and RoBERTa have it can be read.",
                         .place = place});
}

std::string type_of(const Json& object, const char* part) {
  const Json value = object.is_object() ? object.value(part, Json()) : Json();
  return value.is_object() ? value.value("type", std::string()) : "";
}

void expect(bool holds, const Json& object, const char* key, const std::string& what, const std::string& place) {
  if (holds) return;
  // A short value as it is, of a long one its type.
  const Json value = object.is_object() ? object.value(key, Json()) : Json();
  const std::string type = value.is_object() ? value.value("type", Json()).dump() : value.dump();
  refuse_tokenizer(what, type.size() <= 60 ? type : value.type_name(), place);
}

void expect_type(const Json& file, const char* part, const std::string& type, const std::string& place) {
  file.at(part);  // throws where it is missing
  expect(type_of(file, part) == type, file, part, std::string("the ") + part + " must be " + (type.empty() ? "null" : type), place);
}

std::vector<std::string> read_vocabulary(const Json& file, const std::string& place) {
  Json entries = file.at("model").at("vocab");
  for (const Json& added : file.value("added_tokens", Json::array())) entries[added.at("content").get<std::string>()] = added.at("id");
  std::vector<std::string> tokens(entries.size());
  std::vector<bool> is_taken(entries.size());
  for (const auto& [token, entry] : entries.items()) {
    const auto id = entry.get<std::int64_t>();
    const bool is_free = id >= 0 && id < std::ssize(tokens) && !is_taken[static_cast<std::size_t>(id)];
    if (!is_free) {
      refuse_tokenizer("the ids of " + std::to_string(entries.size()) + " tokens must run from 0 without gaps",
                       "\"" + token + "\": " + entry.dump(), place);
    }
    is_taken[static_cast<std::size_t>(id)] = true;
    tokens[static_cast<std::size_t>(id)] = token;
  }
  return tokens;
}

Json write_vocabulary(const std::vector<std::string>& tokens) {
  Json vocabulary = Json::object();
  for (std::size_t id = 0; id < tokens.size(); ++id) vocabulary[tokens[id]] = id;
  return vocabulary;
}

Frame read_frame(const Json& post_processor, const std::string& place) {
  const std::string type = post_processor.is_object() ? post_processor.at("type").get<std::string>() : "";
  if (type == "BertProcessing") return read_processing(post_processor, 1, true);
  if (type == "RobertaProcessing") return read_processing(post_processor, 2, false);
  if (type == "TemplateProcessing") return read_template(post_processor, place);
  if (type.empty() || type == "ByteLevel") return {};
  refuse_tokenizer("the post_processor must be BertProcessing, RobertaProcessing, TemplateProcessing or ByteLevel", "\"" + type + "\"",
                   place);
}

Json write_frame(const Frame& frame, const std::function<const std::string&(std::int64_t)>& token) {
  if (!frame.begin && !frame.end) return nullptr;
  Json tokens = Json::object();
  for (const auto& id : {frame.begin, frame.end}) {
    if (id) tokens[token(*id)] = {{"id", token(*id)}, {"ids", {*id}}, {"tokens", {token(*id)}}};
  }
  const std::string begin = frame.begin ? token(*frame.begin) : "", end = frame.end ? token(*frame.end) : "";
  return {{"type", "TemplateProcessing"},
          {"single", template_of(begin, end, false, 1, false)},
          {"pair", template_of(begin, end, true, frame.separators, frame.types)},
          {"special_tokens", tokens}};
}

Json new_tokenizer_json(std::int64_t max_length, const Frame& frame) {
  const auto needed = static_cast<std::int64_t>(frame.num_tokens(false)) + 1;
  if (max_length < needed) {
    throw ConfigError(
        {.code = "graft-C401",
         .message = "[Tokenizer] max_length must be " + std::to_string(needed) + " or more, got " + std::to_string(max_length) + ".",
         .remedy = "Give the number of ids that the model reads, such as 128.",
         .place = ""});
  }
  return {{"version", "1.0"},
          {"truncation", {{"direction", "Right"}, {"max_length", max_length}, {"strategy", "LongestFirst"}, {"stride", 0}}},
          {"padding", nullptr}};
}

std::string in_windows(const std::string& tokenizer_json, std::int64_t stride, bool pairs) {
  Json file = Json::parse(tokenizer_json);
  file["truncation"]["stride"] = stride;
  if (pairs) file["truncation"]["strategy"] = "OnlySecond";
  return file.dump();
}

}  // namespace graft::text::detail
