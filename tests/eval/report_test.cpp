#include "graft/eval/report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

#include "core/json.h"
#include "support.h"

using namespace graft;

namespace {

EvalReport small() {
  EvalReport report;
  report.metrics = {{"loss", 0.51234}, {"accuracy", 0.7}, {"macro_f1", 0.696}};
  report.samples = 10;
  report.seconds = 1.5;
  report.labels = {"billing", "delivery"};
  report.confusion = metric::ConfusionMatrix(2);
  report.confusion.add(0, 0, 4);
  report.confusion.add(0, 1, 2);
  report.confusion.add(1, 0, 1);
  report.confusion.add(1, 1, 3);
  report.mistakes = {{"t.csv:7", "Where is\nmy bill?", "billing", "delivery", 0.987}, {"t.csv:3", "late", "delivery", "billing", 0.6}};
  return report;
}

/// Classes "c00" to "c13", each with 3 right answers, but for what `wrong` adds.
EvalReport large(const std::vector<std::array<std::int64_t, 3>>& wrong) {
  EvalReport report;
  report.metrics = {{"accuracy", 0.9}};
  report.confusion = metric::ConfusionMatrix(14);
  for (std::int64_t i = 0; i < 14; ++i) {
    report.labels.push_back(i < 10 ? "c0" + std::to_string(i) : "c" + std::to_string(i));
    report.confusion.add(i, i, 3);
  }
  for (const auto& [truth, answer, times] : wrong) report.confusion.add(truth, answer, times);
  return report;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("Report: a value is found by its name", "[eval]") {
  CHECK(small().metric("macro_f1") == 0.696);
  CHECK(std::isnan(small().metric("macro_F1")));
}

TEST_CASE("Report: a metric that is not there is told as undefined", "[eval]") {
  EvalReport report;
  report.metrics = {{"accuracy", -std::nan("")}};
  CHECK(report.text() == "accuracy              undefined\nsamples               0\n");
  CHECK(report.json().at("metrics").at("accuracy").dump() == "null");
}

TEST_CASE("Report: the text shows metrics, baseline, confusion, worst classes and mistakes", "[eval]") {
  CHECK(small().text() ==
        "loss                  0.5123\n"
        "accuracy              0.7000   (always \"billing\": 0.6000)\n"
        "macro_f1              0.6960\n"
        "samples               10\n"
        "\nConfusion\n"
        "  truth \\ answer 1 2\n"
        "  1 billing      4 2\n"
        "  2 delivery     1 3\n"
        "\nWorst classes\n"
        "  class       F1 precision recall samples\n"
        "  delivery 0.667     0.600  0.750       4\n"
        "  billing  0.727     0.800  0.667       6\n"
        "\nSurest mistakes\n"
        "  0.99 delivery, is billing: \"Where is my bill?\" (t.csv:7)\n"
        "  0.60 billing, is delivery: \"late\" (t.csv:3)\n");
}

TEST_CASE("Report: it is written to a stream as its text", "[eval]") {
  std::ostringstream out;
  out << small();
  CHECK(out.str() == small().text());
}

TEST_CASE("Report: cells without a sample are dots", "[eval]") {
  EvalReport report = small();
  report.confusion = metric::ConfusionMatrix(2);
  report.confusion.add(0, 0, 12);
  report.confusion.add(1, 0, 1);
  CHECK(has(report.text(), "  1 billing      12 .\n  2 delivery      1 .\n"));
}

TEST_CASE("Report: where classes are many, the pairs most often confused stand for the matrix", "[eval]") {
  const std::string text = large({{3, 4, 2}, {9, 1, 7}, {1, 9, 1}}).text();
  CHECK_FALSE(has(text, "truth \\ answer"));
  CHECK(has(text, "\nMost often confused\n  times truth answer\n  7     c09   c01\n  2     c03   c04\n  1     c01   c09\n\n"));
}

TEST_CASE("Report: at most five pairs, classes and mistakes are shown", "[eval]") {
  EvalReport report = large({{0, 1, 7}, {1, 2, 6}, {2, 3, 5}, {3, 4, 4}, {4, 5, 3}, {5, 6, 2}});
  report.mistakes.assign(8, {"t.csv:1", "text", "c00", "c01", 0.5});
  const std::string text = report.text();
  CHECK(has(text, "  3     c04   c05\n\n"));
  CHECK_FALSE(has(text, "c05   c06"));
  const auto worst = text.substr(text.find("Worst classes\n"), text.find("Surest mistakes") - text.find("Worst classes\n"));
  CHECK(std::ranges::count(worst, '\n') == 1 + 1 + 5 + 1);
  CHECK(has(worst, "samples\n  c01"));  // 3 of 9 found, and 7 too many: 6 / 19
  std::size_t shown = 0;
  for (auto at = text.find("c01, is c00"); at != std::string::npos; at = text.find("c01, is c00", at + 1)) ++shown;
  CHECK(shown == 5);
}

TEST_CASE("Report: a class that is never true is not among the worst", "[eval]") {
  EvalReport report = small();
  report.confusion = metric::ConfusionMatrix(2);
  report.confusion.add(0, 0, 5);
  report.confusion.add(0, 1, 5);
  const std::string text = report.text();
  CHECK(has(text, "\nWorst classes\n  class      F1 precision recall samples\n  billing 0.667     1.000  0.500      10\n\nSurest"));
}

TEST_CASE("Report: long texts of mistakes are cut", "[eval]") {
  EvalReport report = small();
  report.mistakes = {{"t.csv:7", std::string(200, 'x'), "a", "b", 0.5}};
  CHECK(has(report.text(), "\"" + std::string(90, 'x') + "...\" (t.csv:7)"));
}

TEST_CASE("Report: without labels there are metrics alone", "[eval]") {
  EvalReport report;
  report.metrics = {{"loss", 0.25}, {"accuracy", 1}};
  report.samples = 3;
  CHECK(report.text() == "loss                  0.2500\naccuracy              1.0000\nsamples               3\n");
  const Json json = report.json();
  CHECK_FALSE(json.contains("confusion"));
  CHECK_FALSE(json.contains("classes"));
  CHECK_FALSE(json.contains("majority_baseline"));
  CHECK(json.at("mistakes").empty());
}

TEST_CASE("Report: names of any length keep a gap", "[eval]") {
  EvalReport report;
  report.metrics = {{"a_metric_with_a_very_long_name", 0.5}};
  CHECK(has(report.text(), "a_metric_with_a_very_long_name 0.5000\n"));
}

TEST_CASE("Report: the JSON holds all of it", "[eval]") {
  const Json json = small().json();
  CHECK(json.at("metrics") == Json{{"loss", 0.51234}, {"accuracy", 0.7}, {"macro_f1", 0.696}});
  CHECK(json.at("samples") == 10);
  CHECK(json.at("seconds") == 1.5);
  CHECK(json.at("majority_baseline") == 0.6);
  CHECK(json.at("confusion") == Json{{4, 2}, {1, 3}});
  REQUIRE(json.at("classes").size() == 2);
  CHECK(json.at("classes").at(1).at("label") == "delivery");
  CHECK(json.at("classes").at(1).at("precision") == Approx(0.6));
  CHECK(json.at("classes").at(1).at("recall") == Approx(0.75));
  CHECK(json.at("classes").at(1).at("f1") == Approx(2.0 / 3));
  CHECK(json.at("classes").at(1).at("samples") == 4);
  CHECK(json.at("mistakes").at(0) ==
        Json{{"place", "t.csv:7"}, {"text", "Where is\nmy bill?"}, {"expected", "billing"}, {"predicted", "delivery"}, {"score", 0.987}});
}
