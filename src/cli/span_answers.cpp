#include "cli/span_answers.h"

#include <algorithm>
#include <map>

#include "core/code_points.h"

namespace graft::cli {
namespace {

constexpr std::size_t around = 60;  // bytes of the text on each side of an answer
constexpr const char* white = " \n\r\t";

/// A byte of a character (UTF-8) that is not its first.
bool is_inside_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

std::string marked(const TextSpan& span, bool colour, int number) {
  const std::string label = span.label.empty() ? "" : " " + span.label;
  if (!colour) return "[" + span.text + label + "]";
  // Red, green, yellow, blue, magenta, cyan.
  return "\033[1;" + std::to_string(31 + number % 6) + "m" + span.text + "\033[0m" + (label.empty() ? "" : "\033[2m" + label + "\033[0m");
}

}  // namespace

std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return text;
}

bool has_spans(const Decoded& answer) { return !answer.spans.empty() || !answer.tags.empty(); }

Json json_of_spans(const Decoded& answer, const std::string& text) {
  Json spans = Json::array();
  const CodePoints characters(text);
  for (const TextSpan& span : answer.spans) {
    Json json{{"text", span.text},
              {"start", characters.at_byte(static_cast<std::int64_t>(span.begin))},
              {"end", characters.at_byte(static_cast<std::int64_t>(span.end))},
              {"score", span.score}};
    if (!span.label.empty()) json["label"] = span.label;
    spans.push_back(std::move(json));
  }
  return spans;
}

std::string marked_text(const Decoded& answer, const std::string& text, bool colour) {
  std::map<std::string, int> numbers;
  for (const TextSpan& span : answer.spans) numbers.emplace(span.label, static_cast<int>(numbers.size()));
  std::string line;
  std::size_t at = 0;
  for (const TextSpan& span : answer.spans) {
    if (span.begin < at || span.end > text.size()) continue;
    line += text.substr(at, span.begin - at) + marked(span, colour, numbers.at(span.label));
    at = span.end;
  }
  return one_line(line + text.substr(at));
}

std::string span_in_context(const Decoded& answer, const std::string& text, bool colour) {
  if (answer.spans.empty() || answer.spans.front().end > text.size()) return {};
  const TextSpan& span = answer.spans.front();
  std::size_t from = span.begin - std::min(span.begin, around), to = std::min(text.size(), span.end + around);
  // Words are not cut, where there are spaces between them; characters never are.
  if (from > 0) {
    const std::size_t space = text.find_first_of(white, from);
    if (space < span.begin) from = space + 1;
    while (from < span.begin && is_inside_character(text[from])) ++from;
  }
  if (to < text.size()) {
    const std::size_t space = text.find_last_of(white, to);
    if (space != std::string::npos && space >= span.end) to = space;
    while (to > span.end && is_inside_character(text[to])) --to;
  }
  return one_line((from > 0 ? "... " : "") + text.substr(from, span.begin - from) + marked(span, colour, 1) +
                  text.substr(span.end, to - span.end) + (to < text.size() ? " ..." : ""));
}

}  // namespace graft::cli
