#include "cli/data.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>

#include "cli/picture_data.h"
#include "core/json.h"
#include "graft/core/error.h"
#include "graft/core/runtime.h"
#include "graft/data/conll.h"
#include "graft/data/csv.h"
#include "graft/data/entity_lines.h"
#include "graft/data/image_list.h"
#include "graft/data/jsonl.h"
#include "graft/data/squad.h"

namespace graft::cli {

namespace {

/// What a line of a .jsonl file says of the kind of file that it stands in; nothing where it would fit into both.
std::optional<bool> has_entities(const std::string& line) {
  const Json record = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!record.is_object() || !record.contains("text")) return false;
  if (record.contains("entities")) return true;
  for (const char* name : {"label", "labels"}) {
    const Json labels = record.value(name, Json());
    if (labels.is_null() || (labels.is_array() && labels.empty())) continue;
    return labels.is_array() && labels.front().is_array();
  }
  return {};
}

/// True if the first line that decides has entities, as data::entity_lines reads them, and not columns.
bool holds_entities(const std::string& path) {
  constexpr int most_lines = 1000;
  std::ifstream file(path);
  std::string line;
  for (int i = 0; i < most_lines && std::getline(file, line); ++i) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (const std::optional<bool> decided = has_entities(line)) return *decided;
  }
  return false;
}

std::optional<int> column_from(const std::string& flag, const std::string& text) {
  if (text.empty()) return {};
  int number = 0;
  const char* end = text.data() + text.size();
  if (const auto [at, error] = std::from_chars(text.data(), end, number); error == std::errc() && at == end) return number;
  throw ConfigError({.code = "graft-C104",
                     .message = "[graft] a number is wanted for --" + flag + ", got \"" + text + "\".",
                     .remedy = "Count columns from 0; -1 is the last.",
                     .place = ""});
}

}  // namespace

void start_runtime(int threads) { runtime({.threads = threads, .keep_memory = true}); }

Data open_data(const std::string& path, const std::vector<std::string>& columns, const WordColumns& words) {
  const auto ends_with = [&](std::initializer_list<const char*> endings) {
    return std::ranges::any_of(endings, [&](const char* ending) { return path.ends_with(ending); });
  };
  const data::ConllOptions tagged{
      .token_column = column_from("token-column", words.token), .tag_column = column_from("tag-column", words.tag), .strict = words.strict};
  const bool any_ending = words.wanted || tagged.token_column || tagged.tag_column || words.strict;
  if (ends_with({".json"})) return data::squad(path);
  if (ends_with({".jsonl"}) && (words.wanted || holds_entities(path))) return data::entity_lines(path);
  if (ends_with({".conll", ".conllu", ".bio", ".iob"}) || (any_ending && !ends_with({".csv", ".tsv", ".jsonl"})))
    return data::conll(path, tagged);
  if (lists_pictures(path)) return data::image_list(path);
  if (path.ends_with(".csv") || path.ends_with(".tsv")) return data::csv(path, {.require = columns});
  if (path.ends_with(".jsonl")) return data::jsonl(path, {.require = columns});
  throw DataError({.code = "graft-D020",
                   .message = "[Data] a .csv, .tsv, .jsonl, .json (SQuAD, COCO) or .conll file, or a folder of pictures, is wanted.",
                   .remedy = "Rename or convert the file; a file of tagged words of any name is read with --task tokens.",
                   .place = path});
}

Splits open_splits(const std::string& path, const std::vector<std::string>& columns, const WordColumns& words) {
  return is_picture_set(path) ? open_picture_set(path) : Splits{open_data(path, columns, words), {}, {}};
}

Data open_part(const std::string& path, const std::vector<std::string>& columns, const WordColumns& words, Data Splits::*part) {
  const Splits splits = open_splits(path, columns, words);
  return (splits.*part).empty() ? splits.train : splits.*part;
}

const Data& measured_part(const Splits& splits) {
  return !splits.test.empty() ? splits.test : !splits.valid.empty() ? splits.valid : splits.train;
}

std::vector<std::string> target_columns(const Json& head_config) {
  std::vector<std::string> columns;
  for (const char* key : {"columns", "targets"}) {
    if (head_config.contains(key)) columns = head_config.at(key).get<std::vector<std::string>>();
    if (!columns.empty()) return columns;
  }
  const std::string type = head_config.value("type", std::string());
  if (type == "question_answering") return {head_config.at("answers")};
  if (type == "detector") return {"classes"};
  if (type == "token_classifier") return {head_config.at("tags")};
  if (head_config.contains("label")) columns.push_back(head_config.at("label"));
  return columns;
}

std::vector<std::string> columns_of(const Model& model) {
  std::vector<std::string> columns = target_columns(model.head().config());
  for (const auto& [name, value] : model.preprocess()->example().values) columns.push_back(name);
  return columns;
}

}  // namespace graft::cli
