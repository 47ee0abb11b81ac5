#include "cli/answers.h"

#include <ATen/ATen.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "cli/span_answers.h"
#include "cli/terminal.h"
#include "core/table.h"

namespace graft::cli {
namespace {

std::vector<double> numbers(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(at::kCPU).to(at::kDouble).contiguous().view(-1);
  return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

/// An answer that is numbers instead of a label.
bool is_numeric(const Decoded& answer) { return answer.top.empty() && !answer.values.empty() && !answer.rejected && !has_spans(answer); }

/// "14 RBC (0.98 to 0.61), 1 WBC (0.97)"
std::string text_of_boxes(const std::vector<Box>& boxes) {
  struct Seen {
    int count = 0;
    double best = 0, least = 1;
  };
  std::map<std::string, Seen> by_class;
  for (const Box& box : boxes) {
    Seen& seen = by_class[box.label];
    ++seen.count;
    seen.best = std::max(seen.best, box.score);
    seen.least = std::min(seen.least, box.score);
  }
  std::string text;
  for (const auto& [label, seen] : by_class) {
    text += (text.empty() ? "" : ", ") + std::to_string(seen.count) + " " + label + " (" + fixed(seen.best, 2) +
            (seen.count > 1 ? " to " + fixed(seen.least, 2) : "") + ")";
  }
  return text;
}

}  // namespace

Json json_of(const Decoded& answer, const std::string& text) {
  Json best = Json::array();
  for (const auto& [label, score] : answer.top) best.push_back({{"label", label}, {"score", score}});
  Json json{{"label", answer.label}, {"score", answer.score}, {"top", best}};
  if (answer.rejection_score) json.update({{"rejected", answer.rejected}, {"rejection_score", *answer.rejection_score}});
  for (const auto& [name, tensor] : answer.values) json["values"][name] = numbers(tensor);
  if (has_spans(answer)) json["spans"] = json_of_spans(answer, text);
  if (!answer.tags.empty()) json["tags"] = answer.tags;
  for (const Box& box : answer.boxes)
    json["boxes"].push_back({{"label", box.label}, {"score", box.score}, {"box", {box.x1, box.y1, box.x2, box.y2}}});
  return json;
}

std::string text_of(const Decoded& answer, const std::string& text) {
  if (!answer.boxes.empty()) return text_of_boxes(answer.boxes);
  if (answer.label.empty() && answer.top.empty() && answer.values.empty() && answer.tags.empty()) return "nothing found";
  if (!answer.tags.empty()) return marked_text(answer, text, takes_colours(STDOUT_FILENO));
  if (is_numeric(answer)) {
    std::string line;
    for (const auto& [name, tensor] : answer.values) {
      for (const double value : numbers(tensor)) line += (line.empty() ? "" : " ") + fixed(value, 4);
      if (answer.values.size() > 1) line += " (" + name + ")";
    }
    return line;
  }
  std::string others;
  for (const auto& [label, score] : answer.top) {
    if (label != answer.label || answer.rejected) others += (others.empty() ? "" : ", ") + label + " " + fixed(score, 2);
  }
  if (answer.rejected) return "none of these, score " + fixed(answer.rejection_score.value(), 2) + "  (nearest: " + others + ")";
  return fixed(answer.score, 2) + " " + one_line(answer.label) + (others.empty() ? "" : "  (" + others + ")");
}

std::vector<std::string> answer_columns(const std::vector<Decoded>& answers) {
  if (answers.empty() || !is_numeric(answers.front())) {
    const bool are_words = std::ranges::any_of(answers, [](const Decoded& answer) { return !answer.tags.empty(); });
    if (are_words) return {"prediction", "score", "spans"};
    if (answers.empty() || !answers.front().rejection_score) return {"prediction", "score"};
    return {"prediction", "score", "rejected", "rejection_score"};
  }
  std::vector<std::string> names;
  for (const auto& [name, tensor] : answers.front().values) {
    const std::string base = answers.front().values.size() == 1 ? "prediction" : "prediction_" + name;
    for (std::int64_t i = 0; i < tensor.numel(); ++i) names.push_back(tensor.numel() == 1 ? base : base + "_" + std::to_string(i + 1));
  }
  return names;
}

std::vector<std::string> answer_cells(const Decoded& answer, const std::vector<std::string>& columns, const std::string& text) {
  const bool has_words = std::ranges::find(columns, "spans") != columns.end();
  if (!is_numeric(answer)) {
    std::vector<std::string> cells{answer.label, fixed(answer.score, 4)};
    if (has_words) cells.push_back(json_of_spans(answer, text).dump());
    if (!answer.rejection_score) return cells;
    cells.push_back(answer.rejected ? "true" : "false");
    cells.push_back(fixed(*answer.rejection_score, 4));
    return cells;
  }
  std::vector<std::string> cells;
  for (const auto& [name, tensor] : answer.values) {
    for (const double value : numbers(tensor)) cells.push_back(Json(value).dump());
  }
  return cells;
}

}  // namespace graft::cli
