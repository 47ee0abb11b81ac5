#include "graft/data/squad.h"

#include <ATen/ATen.h>

#include <filesystem>
#include <unordered_map>

#include "core/code_points.h"
#include "core/file.h"
#include "core/json.h"
#include "core/table.h"
#include "data/file_checks.h"
#include "graft/core/error.h"
#include "graft/core/runtime.h"

namespace graft::data {
namespace {

constexpr std::size_t most_problems = 100;

struct Paragraph {
  std::string title, context;
};

struct Question {
  std::string id, text, place;
  std::size_t paragraph = 0;
  std::vector<std::string> answers = {};
  std::vector<std::int64_t> starts = {};
  /// The file says what answers it, or that nothing does.
  bool is_answered = false;
};

struct Contents {
  std::vector<Paragraph> paragraphs;
  std::vector<Question> questions;
};

bool is_blank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; }

/// "the context holds it once ...": where an answer may be meant to stand.
std::string remedy_for(const std::string& answer, const std::string& context, const CodePoints& characters) {
  std::size_t times = 0, first = 0;
  for (std::size_t at = context.find(answer); at != std::string::npos; at = context.find(answer, at + 1)) {
    if (times++ == 0) first = at;
  }
  if (times == 0) return "The context does not hold this text: mend one of them.";
  const std::string start = std::to_string(characters.at_byte(static_cast<std::int64_t>(first)));
  if (times == 1) return "It stands in the context once: write \"answer_start\": " + start + ".";
  return "It stands in the context " + std::to_string(times) + " times, first at " + start +
         ": write the offset of the one that is meant, counted in characters.";
}

/// Takes the file apart; what is wrong is collected, and what it belongs to left out.
class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  Contents read(Json file) {
    int number = 0;
    for (Json& article : array_of(file, "data", path_)) read_article(article, "article " + std::to_string(++number));
    if (!problems_.empty()) throw DataError(problems_);
    return std::move(contents_);
  }

 private:
  void read_article(Json& article, const std::string& where) {
    const std::string title = article.is_object() && article.contains("title") ? text_of(article, "title", where) : "";
    int number = 0;
    for (Json& paragraph : array_of(article, "paragraphs", where)) {
      read_paragraph(paragraph, title, where + ", paragraph " + std::to_string(++number));
    }
  }

  void read_paragraph(Json& paragraph, const std::string& title, const std::string& where) {
    Json& questions = array_of(paragraph, "qas", where);
    if (questions.empty()) return;
    contents_.paragraphs.push_back({title, filled_text_of(paragraph, "context", where)});
    const CodePoints characters(contents_.paragraphs.back().context);
    int number = 0;
    for (Json& question : questions) read_question(question, where + ", question " + std::to_string(++number), characters);
  }

  void read_question(Json& json, std::string where, const CodePoints& characters) {
    if (problems_.size() >= most_problems) return;
    Question question{.id = text_of(json, "id", where), .text = {}, .place = {}, .paragraph = contents_.paragraphs.size() - 1};
    if (!question.id.empty()) where += " (" + question.id + ")";
    question.text = filled_text_of(json, "question", where);
    question.place = where;
    const auto [first, is_new] = places_.emplace(question.id, where);
    if (!is_new && !question.id.empty()) {
      tell("graft-D034", "the id \"" + question.id + "\" is wanted once, " + first->second + " has it too.",
           "Give each question its own id.", where);
    }
    if (json.is_object() && json.contains("answers")) {
      for (Json& answer : array_of(json, "answers", where)) read_answer(answer, question, where, characters);
    }
    const bool says = json.is_object() && json.contains("is_impossible"), impossible = says && json["is_impossible"] == true;
    question.is_answered = impossible || !question.answers.empty() || (!says && json.is_object() && json.contains("answers"));
    if (!question.answers.empty() && impossible) {
      tell("graft-D035", "no answers are wanted where is_impossible is true, got " + std::to_string(question.answers.size()) + ".",
           "Take the answers out, or write \"is_impossible\": false.", where);
    }
    contents_.questions.push_back(std::move(question));
  }

  void read_answer(Json& json, Question& question, const std::string& where, const CodePoints& characters) {
    const std::string text = filled_text_of(json, "text", where);
    const std::string& context = contents_.paragraphs.back().context;
    if (text.empty() || context.empty()) return;
    const auto start = json.find("answer_start");
    if (start == json.end() || !start->is_number_integer()) {
      return tell("graft-D031", "a whole number \"answer_start\" is wanted beside the answer \"" + shortened(text, 40) + "\".",
                  remedy_for(text, context, characters), where);
    }
    const auto byte = characters.byte_of(start->get<std::int64_t>());
    if (!byte || context.compare(static_cast<std::size_t>(*byte), text.size(), text) != 0) {
      const std::string found = byte && *byte < static_cast<std::int64_t>(context.size())
                                    ? "where \"" + shortened(context.substr(static_cast<std::size_t>(*byte), 200), 40) + "\" stands"
                                    : "and the context has " + std::to_string(characters.size());
      return tell("graft-D032",
                  "the answer \"" + shortened(text, 40) + "\" is wanted at character " + start->dump() + " of its context, " + found + ".",
                  remedy_for(text, context, characters), where);
    }
    question.answers.push_back(text);
    question.starts.push_back(*byte);
  }

  /// The array of that name in what should be an object; an empty one where it is not there, which is told.
  Json& array_of(Json& object, const char* name, const std::string& where) {
    if (object.is_object() && object.contains(name) && object[name].is_array()) return object[name];
    tell_shape("an array", object, name, where);
    return none_ = Json::array();
  }

  /// The text of that name; an empty one where it is not there, which is told. Numbers pass for ids.
  std::string text_of(const Json& object, const char* name, const std::string& where) {
    if (object.is_object() && object.contains(name)) {
      if (object[name].is_string()) return object[name].get<std::string>();
      if (object[name].is_number_integer()) return object[name].dump();
    }
    tell_shape("a text", object, name, where);
    return {};
  }

  /// A text that must have a character that is seen.
  std::string filled_text_of(const Json& object, const char* name, const std::string& where) {
    const std::size_t before = problems_.size();
    std::string text = text_of(object, name, where);
    if (problems_.size() > before || !is_blank(text)) return text;
    tell("graft-D033", std::string("a text is wanted in \"") + name + "\", which is empty.", "Fill it in, or take it out of the file.",
         where);
    return {};
  }

  void tell_shape(const std::string& wanted, const Json& object, const char* name, const std::string& where) {
    tell("graft-D031", wanted + " named \"" + name + "\" in an object is wanted, got " + shortened(object.dump().substr(0, 200), 60) + ".",
         "Bring the file into the form of SQuAD: data, paragraphs, context, qas, question, id, answers.", where);
  }

  void tell(const std::string& code, const std::string& message, const std::string& remedy, const std::string& where) {
    if (problems_.size() < most_problems)
      problems_.push_back({code, "[Squad] " + message, remedy, where == path_ ? path_ : path_ + ":" + where});
  }

  std::string path_;
  Contents contents_;
  std::vector<Problem> problems_;
  /// Of each id, the question that had it first.
  std::unordered_map<std::string, std::string> places_;
  Json none_;
};

class Squad final : public Dataset {
 public:
  explicit Squad(const std::string& path) : name_(std::filesystem::path(path).filename().string()) {
    runtime();
    const std::shared_ptr<const Mapping> file = Mapping::open(path);
    require_clean_utf8(file->bytes(), path, "Squad");
    contents_ = Reader(path).read(parse_json(file->bytes(), path));
    if (contents_.questions.empty()) refuse_empty("at least one question is wanted, there is none", path, "Squad");
  }

  std::size_t size() const override { return contents_.questions.size(); }

  Record get(std::size_t index) const override {
    const Question& question = contents_.questions.at(index);
    const Paragraph& paragraph = contents_.paragraphs[question.paragraph];
    Record record{{{"id", question.id}, {"title", paragraph.title}, {"question", question.text}, {"context", paragraph.context}},
                  name_ + ":" + question.place};
    if (question.is_answered) {
      record.values["answers"] = question.answers;
      record.values["answer_starts"] = at::tensor(question.starts, at::kLong);
    }
    return record;
  }

 private:
  std::string name_;
  Contents contents_;
};

}  // namespace

Data squad(const std::string& path) { return Data(std::make_shared<Squad>(path)); }

}  // namespace graft::data
