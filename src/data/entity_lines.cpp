#include "graft/data/entity_lines.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>

#include "core/code_points.h"
#include "core/file.h"
#include "core/json.h"
#include "core/table.h"
#include "data/file_checks.h"
#include "data/word_spans.h"
#include "graft/core/error.h"
#include "graft/core/runtime.h"

namespace graft::data {
namespace {

constexpr std::size_t most_problems = 100;

struct Span {
  std::int64_t begin = 0, end = 0;
  std::string label;
};

struct Line {
  std::size_t number = 0;
  std::string text;
  bool is_marked = false;
  std::vector<Span> spans;
};

[[noreturn]] void refuse(const std::string& code, const std::string& message, const std::string& remedy, const std::string& place) {
  throw DataError({.code = code, .message = "[EntityLines] " + message, .remedy = remedy, .place = place});
}

/// One entity in either of its forms; in characters.
Span span_of(const Json& json, const std::string& place) {
  if (json.is_array() && json.size() == 3 && json[0].is_number_integer() && json[1].is_number_integer() && json[2].is_string()) {
    return {json[0].get<std::int64_t>(), json[1].get<std::int64_t>(), json[2].get<std::string>()};
  }
  const auto is_whole = [&](const char* name) { return json.contains(name) && json[name].is_number_integer(); };
  if (json.is_object() && is_whole("start") && is_whole("end") && json.contains("label") && json["label"].is_string()) {
    return {json["start"].get<std::int64_t>(), json["end"].get<std::int64_t>(), json["label"].get<std::string>()};
  }
  refuse("graft-D029", "an entity with whole numbers start and end and a text label is wanted, got " + shortened(json.dump(), 60) + ".",
         "Write entities such as {\"start\": 4, \"end\": 9, \"label\": \"city\"} or [4, 9, \"city\"].", place);
}

std::string named(const Span& span) {
  return "[" + std::to_string(span.begin) + ", " + std::to_string(span.end) + ", \"" + span.label + "\"]";
}

/// Words are what is learned and found: an entity holds one at least, that none before it has.
void require_words(const std::vector<Span>& spans, const std::vector<Span>& written, const std::string& text, const std::string& place) {
  const auto words = word_spans(text);
  auto word = words.begin();
  for (std::size_t i = 0; i < spans.size(); ++i) {
    while (word != words.end() && static_cast<std::int64_t>(word->second) <= spans[i].begin) ++word;
    if (word == words.end() || static_cast<std::int64_t>(word->first) >= spans[i].end) {
      refuse("graft-D039", "an entity with more than white space is wanted, got " + named(written[i]) + ".",
             "Mark its words, or take it out.", place);
    }
    if (i > 0 && static_cast<std::int64_t>(word->first) < spans[i - 1].end) {
      refuse("graft-D078",
             "one entity in a word is wanted, got " + named(written[i - 1]) + " and " + named(written[i]) + " in \"" +
                 shortened(text.substr(word->first, word->second - word->first), 40) + "\".",
             "Keep one of them, or put a space between them: words get one label each.", place);
    }
  }
}

/// Sorted; in bytes.
std::vector<Span> spans_of(const Json& list, const std::string& text, const std::string& place) {
  const CodePoints characters(text);
  std::vector<Span> spans;
  for (const Json& json : list) spans.push_back(span_of(json, place));
  std::ranges::stable_sort(spans, {}, &Span::begin);
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const Span& span = spans[i];
    if (span.label.empty()) refuse("graft-D039", "a label is wanted, got " + named(span) + ".", "Name the entity, or take it out.", place);
    if (span.begin < 0 || span.begin >= span.end || span.end > characters.size()) {
      refuse("graft-D039",
             "an entity within the " + std::to_string(characters.size()) + " characters of its text is wanted, got " + named(span) + ".",
             "Count offsets in characters from 0; end is the one after the last.", place);
    }
    if (i > 0 && span.begin < spans[i - 1].end) {
      refuse("graft-D039", "entities that do not overlap are wanted, got " + named(spans[i - 1]) + " and " + named(span) + ".",
             "Keep one of them.", place);
    }
  }
  const std::vector<Span> written = spans;
  for (Span& span : spans) {
    span.begin = *characters.byte_of(span.begin);
    span.end = *characters.byte_of(span.end);
  }
  if (!spans.empty()) require_words(spans, written, text, place);
  return spans;
}

Line line_of(std::string_view bytes, std::size_t number, const std::string& place) {
  const Json json = parse_json(bytes, place);
  if (!json.is_object() || !json.contains("text") || !json["text"].is_string()) {
    refuse("graft-D029", "an object with a text \"text\" is wanted, got " + shortened(json.dump(), 60) + ".",
           "Write lines such as {\"text\": \"...\", \"entities\": [{\"start\": 4, \"end\": 9, \"label\": \"city\"}]}.", place);
  }
  Line line{.number = number, .text = json["text"].get<std::string>(), .is_marked = false, .spans = {}};
  if (line.text.find_first_not_of(" \t\r\n") == std::string::npos) {
    refuse("graft-D033", "a text is wanted in \"text\", which is empty.", "Fill it in, or take the line out.", place);
  }
  for (const char* name : {"entities", "label", "labels"}) {
    if (!json.contains(name)) continue;
    if (!json[name].is_array()) {
      refuse("graft-D029", std::string("an array of entities is wanted in \"") + name + "\", got " + shortened(json[name].dump(), 40) + ".",
             "Write [] where there are none.", place);
    }
    line.is_marked = true;
    line.spans = spans_of(json[name], line.text, place);
    break;
  }
  return line;
}

class EntityLines final : public Dataset {
 public:
  explicit EntityLines(const std::string& path) : name_(std::filesystem::path(path).filename().string()) {
    runtime();
    const std::shared_ptr<const Mapping> file = Mapping::open(path);
    const std::string_view text = file->bytes();
    require_clean_utf8(text, path, "EntityLines");
    std::vector<Problem> problems;
    std::size_t offset = begin_of(text);
    for (std::size_t number = 1; offset < text.size() && problems.size() < most_problems; ++number) {
      const std::string_view line = text.substr(offset, std::min(text.find('\n', offset), text.size()) - offset);
      offset += line.size() + 1;
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      try {
        lines_.push_back(line_of(line, number, path + ":" + std::to_string(number)));
      } catch (const DataError& error) {
        problems.insert(problems.end(), error.problems().begin(), error.problems().end());
      }
    }
    if (!problems.empty()) throw DataError(problems);
    if (lines_.empty()) refuse_empty("at least one line with an object is wanted, there is none", path, "EntityLines");
  }

  std::size_t size() const override { return lines_.size(); }

  Record get(std::size_t index) const override {
    const Line& line = lines_.at(index);
    Record record{{{"text", line.text}, {"spans", {}}, {"span_labels", {}}}, name_ + ":" + std::to_string(line.number)};
    if (!line.is_marked) return record;
    std::vector<std::int64_t> bounds;
    std::vector<std::string> labels;
    for (const Span& span : line.spans) {
      bounds.insert(bounds.end(), {span.begin, span.end});
      labels.push_back(span.label);
    }
    record.values["spans"] = at::tensor(bounds, at::kLong).view({-1, 2});
    record.values["span_labels"] = std::move(labels);
    return record;
  }

 private:
  std::string name_;
  std::vector<Line> lines_;
};

}  // namespace

Data entity_lines(const std::string& path) { return Data(std::make_shared<EntityLines>(path)); }

}  // namespace graft::data
