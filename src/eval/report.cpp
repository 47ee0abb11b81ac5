#include "graft/eval/report.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <ostream>

#include "core/json.h"
#include "core/table.h"

namespace graft {
namespace {

constexpr std::int64_t widest_matrix = 12;
constexpr std::size_t shown = 5;

/// Indices of `n` items, smallest key first, at most `shown`.
template <class Key>
std::vector<std::int64_t> first_by(std::int64_t n, Key key) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::ranges::stable_sort(order, {}, key);
  order.resize(std::min(order.size(), shown));
  return order;
}

std::string matrix_text(const EvalReport& report) {
  const auto n = report.confusion.num_classes();
  Table table;
  std::vector<std::string> header{"truth \\ answer"};
  for (std::int64_t j = 0; j < n; ++j) header.push_back(std::to_string(j + 1));
  table.add(header);
  for (std::int64_t i = 0; i < n; ++i) {
    std::vector<std::string> row{std::to_string(i + 1) + " " + report.labels[static_cast<std::size_t>(i)]};
    for (std::int64_t j = 0; j < n; ++j)
      row.push_back(report.confusion.count(i, j) == 0 ? "." : std::to_string(report.confusion.count(i, j)));
    table.add(row);
  }
  return table.text();
}

std::string confused_text(const EvalReport& report) {
  const auto n = report.confusion.num_classes();
  const auto off_diagonal = [&](std::int64_t cell) {
    return cell / n == cell % n ? std::int64_t{0} : -report.confusion.count(cell / n, cell % n);
  };
  Table table;
  table.add({"times", "truth", "answer"});
  for (const std::int64_t cell : first_by(n * n, off_diagonal)) {
    if (off_diagonal(cell) == 0) break;
    table.add({std::to_string(-off_diagonal(cell)), report.labels[static_cast<std::size_t>(cell / n)],
               report.labels[static_cast<std::size_t>(cell % n)]});
  }
  return table.text();
}

std::string worst_text(const EvalReport& report) {
  Table table;
  table.add({"class", "F1", "precision", "recall", "samples"});
  const auto f1 = [&](std::int64_t label) { return report.confusion.support(label) == 0 ? 2.0 : report.confusion.f1(label); };
  for (const std::int64_t label : first_by(report.confusion.num_classes(), f1)) {
    if (report.confusion.support(label) == 0) break;
    table.add({report.labels[static_cast<std::size_t>(label)], fixed(report.confusion.f1(label), 3),
               fixed(report.confusion.precision(label), 3), fixed(report.confusion.recall(label), 3),
               std::to_string(report.confusion.support(label))});
  }
  return table.text();
}

std::string largest_class(const EvalReport& report) {
  const auto largest = first_by(report.confusion.num_classes(), [&](std::int64_t label) { return -report.confusion.support(label); });
  return report.labels[static_cast<std::size_t>(largest.front())];
}

}  // namespace

std::string EvalReport::text() const {
  std::string text;
  for (const auto& [name, value] : metrics) {
    text += name + std::string(std::max<std::size_t>(1, 22 - std::min<std::size_t>(21, name.size())), ' ') +
            (std::isnan(value) ? "undefined" : fixed(value, 4));
    if (name == "accuracy" && !labels.empty())
      text += "   (always \"" + largest_class(*this) + "\": " + fixed(confusion.majority_share(), 4) + ")";
    text += "\n";
  }
  text += "samples               " + std::to_string(samples) + "\n";
  if (!labels.empty()) {
    const bool small = confusion.num_classes() <= widest_matrix;
    text += small ? "\nConfusion\n" + matrix_text(*this) : "\nMost often confused\n" + confused_text(*this);
    text += "\nWorst classes\n" + worst_text(*this);
  }
  if (!mistakes.empty()) text += "\nSurest mistakes\n";
  for (std::size_t i = 0; i < std::min(shown, mistakes.size()); ++i) {
    const Mistake& mistake = mistakes[i];
    text += "  " + fixed(mistake.score, 2) + " " + mistake.predicted + ", is " + mistake.expected + ": " +
            (mistake.text.empty() ? mistake.place : "\"" + shortened(mistake.text, 90) + "\" (" + mistake.place + ")") + "\n";
  }
  return text;
}

Json EvalReport::json() const {
  Json json{{"metrics", Json::object()}, {"samples", samples}, {"seconds", seconds}, {"mistakes", Json::array()}};
  for (const auto& [name, value] : metrics) json["metrics"][name] = value;
  for (const Mistake& mistake : mistakes) {
    json["mistakes"].push_back({{"place", mistake.place},
                                {"text", mistake.text},
                                {"expected", mistake.expected},
                                {"predicted", mistake.predicted},
                                {"score", mistake.score}});
  }
  if (labels.empty()) return json;
  json["majority_baseline"] = confusion.majority_share();
  json["classes"] = Json::array();
  json["confusion"] = Json::array();
  for (std::int64_t i = 0; i < confusion.num_classes(); ++i) {
    json["classes"].push_back({{"label", labels[static_cast<std::size_t>(i)]},
                               {"precision", confusion.precision(i)},
                               {"recall", confusion.recall(i)},
                               {"f1", confusion.f1(i)},
                               {"samples", confusion.support(i)}});
    Json row = Json::array();
    for (std::int64_t j = 0; j < confusion.num_classes(); ++j) row.push_back(confusion.count(i, j));
    json["confusion"].push_back(row);
  }
  return json;
}

std::ostream& operator<<(std::ostream& out, const EvalReport& report) { return out << report.text(); }

}  // namespace graft
