#include "cli/task.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "core/names.h"
#include "data/pictures.h"
#include "graft/core/error.h"
#include "head/record_lists.h"

namespace graft::cli {
namespace {

constexpr std::array<std::string_view, 8> text_names{"text", "message", "sentence", "utterance", "content", "body", "comment", "review"};
constexpr std::array<std::string_view, 11> label_names{"label",  "labels", "category",  "class", "intent", "queue",
                                                       "target", "topic",  "sentiment", "tags",  "score"};
constexpr std::array<std::string_view, 1> picture_names{"image"};
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> pair_names{
    {{"premise", "hypothesis"}, {"sentence1", "sentence2"}, {"question1", "question2"}, {"text1", "text2"}, {"query", "passage"}}};
// Whole numbers of more kinds than this are quantities, not names of classes.
constexpr std::size_t most_numbered_classes = 20;

std::vector<std::string> field_names(const Data& data) {
  std::vector<std::string> names;
  for (const auto& [name, value] : data.get(0).values) names.push_back(name);
  return names;
}

/// The columns that a flag names, one or several between commas, or the one whose name says what it is.
std::vector<std::string> columns(const std::string& given, std::span<const std::string_view> usual, const Data& data,
                                 const std::string& flag, const std::string& file) {
  const std::vector<std::string> names = field_names(data);
  const auto has = [&](std::string_view name) { return std::ranges::find(names, name) != names.end(); };
  if (given.empty()) {
    for (const std::string_view name : usual) {
      if (has(name)) return {std::string(name)};
    }
    throw DataError({.code = "graft-D021",
                     .message = "[graft train] no column is called like a " + flag + "; the file has: " + quoted_list(names) + ".",
                     .remedy = "Name it with --" + flag + " COLUMN.",
                     .place = file});
  }
  const std::vector<std::string> wanted = has(given) ? std::vector<std::string>{given} : split_list(given);
  std::vector<Problem> problems;
  for (const std::string& name : wanted) {
    if (has(name)) continue;
    problems.push_back({"graft-D012", "[graft train] a column \"" + name + "\" is wanted; the file has: " + quoted_list(names) + ".",
                        did_you_mean(name, names, "Name one of these with --" + flag + "."), file});
  }
  if (!problems.empty()) throw DataError(problems);
  return wanted;
}

/// What the values of a column look like.
struct Look {
  bool all_numbers = true, any_fraction = false, all_flags = true, any_list = false, any_separator = false;
  std::set<std::string> distinct;
};

Look look_at(const Data& data, const std::string& column, const std::string& separator) {
  Look look;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const Record record = data.get(i);
    if (!record.has_value(column)) continue;
    const auto found = record.values.find(column);
    if (std::holds_alternative<std::vector<std::string>>(found->second)) {
      look.any_list = true;
      look.all_numbers = look.all_flags = false;
      continue;
    }
    if (std::holds_alternative<at::Tensor>(found->second)) continue;
    if (std::holds_alternative<double>(found->second)) look.any_fraction = true;
    const std::string text = record.text(column);
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = error == std::errc() && end == text.data() + text.size();
    look.all_numbers &= is_number;
    look.any_fraction |= is_number && text.find_first_of(".eE") != std::string::npos;
    look.all_flags &= text == "0" || text == "1";
    look.any_separator |= !separator.empty() && text.find(separator) != std::string::npos;
    if (look.distinct.size() <= most_numbered_classes) look.distinct.insert(text);
  }
  return look;
}

Task::Kind kind_named(const std::string& name) {
  return name == "regress" ? Task::Kind::Regress : name == "multilabel" ? Task::Kind::MultiLabel : Task::Kind::Classify;
}

bool has_answers(const Data& data) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (data.get(i).has("answers")) return true;
  }
  return false;
}

/// Files of questions and of tagged words have columns of fixed names.
std::optional<Task> fixed_task(const TrainSettings& settings, const Data& train) {
  const Record record = train.get(0);
  const auto is = [&](const char* name) { return settings.task == "auto" || settings.task == name; };
  if (is("detect") && record.has("image") && record.has("boxes") && record.has("classes"))
    return Task{.kind = Task::Kind::Detect, .pictures = true, .why = "the pictures have boxes", .texts = {"image"}, .targets = {"classes"}};
  if (is("qa") && record.has("question") && record.has("context") && (settings.task == "qa" || has_answers(train)))
    return Task{
        .kind = Task::Kind::Answers, .why = "the records are questions on texts", .texts = {"question", "context"}, .targets = {"answers"}};
  const bool tags = record.has("tags") && record.has("words");
  if (is("tokens") && record.has("text") && (tags || record.has("spans")))
    return Task{
        .kind = Task::Kind::Tokens, .why = tags ? "every word has a tag" : "texts have entities", .texts = {"text"}, .targets = {"tags"}};
  if (settings.task == "detect") {
    throw DataError(
        {.code = "graft-D045",
         .message = "[graft train] --task detect wants pictures with boxes; the data has: " + quoted_list(field_names(train)) + ".",
         .remedy = "Give a COCO .json, a folder as Pascal VOC's, or YOLO's data.yaml.",
         .place = settings.train});
  }
  if (settings.task != "qa" && settings.task != "tokens") return std::nullopt;
  const bool asks = settings.task == "qa";
  throw DataError(
      {.code = "graft-D045",
       .message = std::string("[graft train] --task ") + settings.task + " wants " +
                  (asks ? "questions, the texts that answer them, and where" : "words with a tag each, or texts with entities") +
                  "; the file has: " + quoted_list(field_names(train)) + ".",
       .remedy = asks ? "Give a .json file as SQuAD's."
                      : "Give a file as CoNLL's (a word and its tag a line), or a .jsonl with \"text\" and \"entities\".",
       .place = settings.train});
}

/// The two columns that are compared, as --text names them or by their usual names.
std::vector<std::string> pair_columns(const TrainSettings& settings, const Data& train) {
  const std::vector<std::string> names = field_names(train);
  const auto has = [&](std::string_view name) { return std::ranges::find(names, name) != names.end(); };
  if (settings.text.empty()) {
    for (const auto& [first, second] : pair_names) {
      if (has(first) && has(second)) return {std::string(first), std::string(second)};
    }
  }
  std::vector<std::string> given =
      settings.text.empty() ? std::vector<std::string>() : columns(settings.text, text_names, train, "text", settings.train);
  if (given.size() == 2) return given;
  throw DataError({.code = "graft-D046",
                   .message = "[graft train] two columns of texts are wanted for pairs, got " + std::to_string(given.size()) +
                              "; the file has: " + quoted_list(names) + ".",
                   .remedy = "Name them with --text FIRST,SECOND.",
                   .place = settings.train});
}

bool has_usual_pair(const TrainSettings& settings, const Data& train) {
  const std::vector<std::string> names = field_names(train);
  const auto has = [&](std::string_view name) { return std::ranges::find(names, name) != names.end(); };
  return settings.text.empty() && settings.task == "auto" &&
         std::ranges::any_of(pair_names, [&](const auto& pair) { return has(pair.first) && has(pair.second); });
}

/// True if the column that is read, by its name or by what its first value is called, names files of pictures.
bool has_pictures(const TrainSettings& settings, const Data& train) {
  const Record record = train.get(0);
  const auto names_picture = [&](const std::string& column) {
    const auto value = record.values.find(column);
    if (value == record.values.end()) return false;
    if (std::holds_alternative<at::Tensor>(value->second)) return true;
    const auto* text = std::get_if<std::string>(&value->second);
    return text != nullptr && data::is_picture(*text);
  };
  if (!settings.text.empty()) return names_picture(settings.text);
  return std::ranges::any_of(picture_names, [&](std::string_view name) { return names_picture(std::string(name)); });
}

void decide(Task& task, const TrainSettings& settings, const Data& train) {
  const auto is = [&](Task::Kind kind, const std::string& why) {
    task.kind = kind;
    task.why = why;
  };
  if (settings.task != "auto" && settings.task != "pairs") return is(kind_named(settings.task), "--task says so");
  if (task.targets.size() > 1) {
    const bool flags = std::ranges::all_of(task.targets, [&](const auto& column) { return look_at(train, column, "").all_flags; });
    return flags ? is(Task::Kind::MultiLabel, "several label columns hold 0 and 1")
                 : is(Task::Kind::Regress, "several label columns hold numbers");
  }
  const std::string column = "column \"" + task.targets.front() + "\"";
  const Look look = look_at(train, task.targets.front(), settings.label_separator);
  if (look.any_list) return is(Task::Kind::MultiLabel, column + " holds lists");
  if (look.all_numbers && look.any_fraction) return is(Task::Kind::Regress, column + " holds numbers with a fraction");
  if (look.all_numbers && look.distinct.size() > most_numbered_classes) return is(Task::Kind::Regress, column + " holds many numbers");
  if (look.any_separator) return is(Task::Kind::MultiLabel, column + " holds labels joined by \"" + settings.label_separator + "\"");
  is(Task::Kind::Classify, column + " holds one label a record");
}

}  // namespace

bool answers_by_token(const Task& task) { return task.kind == Task::Kind::Answers || task.kind == Task::Kind::Tokens; }

bool has_unanswerable(const Data& data) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    const Record record = data.get(i);
    if (record.has("answers") && head::list_of(record, "answers").empty()) return true;
  }
  return false;
}

std::vector<std::string> Task::columns() const {
  std::vector<std::string> all = texts;
  all.insert(all.end(), targets.begin(), targets.end());
  return all;
}

const std::vector<std::string>& task_names() {
  static const std::vector<std::string> names{"auto", "classify", "multilabel", "regress", "pairs", "qa", "tokens", "detect"};
  return names;
}

std::string name_of(const Task& task) {
  if (task.pairs) return "pairs";
  constexpr std::array<const char*, 6> names{"classify", "multilabel", "regress", "qa", "tokens", "detect"};
  return names[static_cast<std::size_t>(task.kind)];
}

std::string what_it_learns(const Task& task) {
  constexpr std::array<const char*, 6> kinds{
      "one class a record",    "any number of labels a record", "numbers", "where the answer to a question stands",
      "a label for each word", "where objects are in pictures"};
  return std::string(kinds[static_cast<std::size_t>(task.kind)]) + (task.pairs ? " of two texts" : "");
}

Task choose_task(const TrainSettings& settings, const Data& train) {
  if (auto fixed = fixed_task(settings, train)) return *fixed;
  Task task;
  task.pairs = settings.task == "pairs" || has_usual_pair(settings, train);
  task.pictures = !task.pairs && has_pictures(settings, train);
  task.texts = task.pairs      ? pair_columns(settings, train)
               : task.pictures ? columns(settings.text, picture_names, train, "text", settings.train)
                               : columns(settings.text, text_names, train, "text", settings.train);
  task.targets = columns(settings.label, label_names, train, "label", settings.train);
  decide(task, settings, train);
  if (settings.rejection() && task.kind != Task::Kind::Classify) {
    throw ConfigError(
        {.code = "graft-C104",
         .message = "[graft train] answers are rejected where a record has one class; this run learns otherwise, as " + task.why + ".",
         .remedy = "Leave the flags --reject-... out, or name the column of the class with --label.",
         .place = settings.train});
  }
  return task;
}

}  // namespace graft::cli
