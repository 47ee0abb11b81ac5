#include "text/byte_pairs_json.h"

#include <filesystem>
#include <sstream>
#include <string_view>
#include <utility>

#include "graft/core/error.h"

namespace graft::text::detail {
namespace {

bool is_off(const Json& model, const char* key) {
  const Json value = model.value(key, Json());
  return value.is_null() || value == false || value == "" || value == 0;
}

/// "a b"
std::pair<std::string, std::string> read_merge(std::string_view line, const std::string& place) {
  const std::size_t space = line.find(' ');
  if (space != std::string_view::npos && space > 0 && space + 1 < line.size() && line.find(' ', space + 1) == std::string_view::npos)
    return {std::string(line.substr(0, space)), std::string(line.substr(space + 1))};
  throw CheckpointError({.code = "graft-K027",
                         .message = "[BytePairs] a pair of tokens with a space between them is wanted, got \"" + std::string(line) + "\".",
                         .remedy = "Give the merges that were published with the vocabulary.",
                         .place = place});
}

BytePairs::Rules read_merges(const Json& model, const std::string& place) {
  BytePairs::Rules merges;
  for (const Json& merge : model.at("merges")) {
    merges.push_back(merge.is_string() ? read_merge(merge.get_ref<const std::string&>(), place)
                                       : std::pair(merge.at(0).get<std::string>(), merge.at(1).get<std::string>()));
  }
  return merges;
}

std::vector<AddedToken> read_added(const Json& file, const std::string& place) {
  std::vector<AddedToken> tokens;
  for (const Json& added : file.at("added_tokens")) {
    if (added.at("single_word") == true) refuse_tokenizer("added tokens must not ask to be words of their own", added.dump(), place);
    tokens.push_back({.token = added.at("content"),
                      .strips_left = added.at("lstrip"),
                      .strips_right = added.at("rstrip"),
                      .normalized = added.at("normalized"),
                      .special = added.at("special")});
  }
  return tokens;
}

/// The steps of a post_processor.
std::vector<Json> steps_of(const Json& post_processor) {
  if (post_processor.is_null()) return {};
  if (post_processor.at("type") != "Sequence") return {post_processor};
  return post_processor.at("processors").get<std::vector<Json>>();
}

void read_post_processor(const Json& post_processor, const std::string& place, BytePairsOptions& options) {
  options.trim_offsets = false;
  options.frame.emplace();
  for (const Json& step : steps_of(post_processor)) {
    if (const Frame frame = read_frame(step, place); frame.begin || frame.end) options.frame = frame;
    if (!step.value("trim_offsets", false)) continue;
    options.trim_offsets = true;
    options.keeps_first_space = step.at("add_prefix_space");
  }
}

}  // namespace

BytePairsFile read_byte_pairs(const Json& file, const std::string& place) {
  BytePairsFile found;
  reading_tokenizer_json(place, [&] {
    expect_type(file, "model", "BPE", place);
    expect_type(file, "normalizer", "", place);
    expect_type(file, "pre_tokenizer", "ByteLevel", place);
    const Json &model = file.at("model"), &words = file.at("pre_tokenizer");
    expect(words.value("use_regex", true), words, "use_regex", "use_regex must be true, for words as GPT-2 has them", place);
    for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback", "ignore_merges"})
      expect(is_off(model, key), model, key, std::string(key) + " must be off", place);
    found.options.add_prefix_space = words.at("add_prefix_space");
    read_post_processor(file.value("post_processor", Json()), place, found.options);
    found.options.added = read_added(file, place);
    found.vocabulary = read_vocabulary(file, place);
    found.merges = read_merges(model, place);
  });
  return found;
}

BytePairsFile read_byte_pairs_of(const Json& vocabulary, const std::string& path) {
  BytePairsFile found;
  reading_tokenizer_json(path, [&] { found.vocabulary = read_vocabulary({{"model", {{"vocab", vocabulary}}}}, path); });
  const std::string merges = (std::filesystem::path(path).parent_path() / "merges.txt").string();
  std::istringstream lines(read_tokenizer_file(merges));
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty() && !line.starts_with("#version")) found.merges.push_back(read_merge(line, merges + ":" + std::to_string(number)));
  }
  return found;
}

std::string write_byte_pairs(const BytePairs& words, const std::vector<std::string>& vocabulary, const BytePairs::Rules& merges,
                             std::int64_t max_length) {
  const BytePairsOptions& options = words.options();
  Json file = new_tokenizer_json(max_length, words.frame());
  file["added_tokens"] = Json::array();
  for (const AddedToken& added : *options.added) {
    file["added_tokens"].push_back({{"id", words.id(added.token)},
                                    {"content", added.token},
                                    {"special", added.special},
                                    {"single_word", false},
                                    {"lstrip", added.strips_left},
                                    {"rstrip", added.strips_right},
                                    {"normalized", added.normalized}});
  }
  const auto byte_level = [&](bool add_prefix_space) -> Json {
    return {{"type", "ByteLevel"}, {"add_prefix_space", add_prefix_space}, {"trim_offsets", options.trim_offsets}, {"use_regex", true}};
  };
  const Json frame = write_frame(words.frame(), [&](std::int64_t id) -> const std::string& { return words.token(id); });
  const Json offsets = byte_level(options.keeps_first_space);
  file["normalizer"] = nullptr;
  file["pre_tokenizer"] = byte_level(options.add_prefix_space);
  file["post_processor"] = frame.is_null() ? offsets : Json{{"type", "Sequence"}, {"processors", {offsets, frame}}};
  file["decoder"] = byte_level(true);
  Json rules = Json::array();
  for (const auto& [left, right] : merges) rules.push_back(left + " " + right);
  file["model"] = {{"type", "BPE"},
                   {"dropout", nullptr},
                   {"unk_token", nullptr},
                   {"continuing_subword_prefix", nullptr},
                   {"end_of_word_suffix", nullptr},
                   {"fuse_unk", false},
                   {"byte_fallback", false},
                   {"vocab", write_vocabulary(vocabulary)},
                   {"merges", std::move(rules)}};
  return file.dump();
}

}  // namespace graft::text::detail
