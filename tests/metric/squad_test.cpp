#include "graft/metric/squad.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "support.h"

using namespace graft;
using namespace graft::metric;

namespace {

using Texts = std::vector<std::string>;

/// What is reached at a threshold, counted anew.
double mean_at(const std::vector<ThresholdCase>& cases, double threshold) {
  double sum = 0;
  for (const ThresholdCase& c : cases) sum += c.no_answer_score > threshold ? (c.has_answer ? 0 : 1) : c.score;
  return sum / static_cast<double>(cases.size());
}

}  // namespace

TEST_CASE("normalize_answer: as in Python, Unicode's letters, spaces and articles at words' edges included", "[metric]") {
  for (const Json& pair : test::golden("squad.json").at("normalized")) {
    INFO(pair);
    CHECK(normalize_answer(pair.at(0).get<std::string>()) == pair.at(1).get<std::string>());
  }
  CHECK(normalize_answer("a\xFF b") == "\uFFFD b");
}

TEST_CASE("match_answer: equals the official scripts for each question", "[metric]") {
  for (const Json& question : test::golden("squad.json").at("cases")) {
    INFO(question);
    const auto prediction = question.at("prediction").get<std::string>();
    const auto golds = question.at("golds").get<Texts>();
    for (const auto& [name, rules] : {std::pair("v1", SquadRules::V1), std::pair("v2", SquadRules::V2)}) {
      if (!question.contains(name)) continue;
      const AnswerMatch match = match_answer(prediction, golds, rules);
      CHECK(match.exact_match == question.at(name).at(0).get<double>());
      CHECK(match.f1 == Approx(question.at(name).at(1).get<double>()).epsilon(1e-12));
    }
  }
}

TEST_CASE("match_answer: values counted by hand", "[metric]") {
  const AnswerMatch near = match_answer("the red dog, Dog", Texts{"cat", "a dog dog dog"});
  CHECK(near.exact_match == 0);
  CHECK(near.f1 == Approx(2.0 / 3));  // two of three words on both sides
  CHECK(match_answer("The!", Texts{}).f1 == 1);
  CHECK(match_answer("The!", Texts{"an"}, SquadRules::V1).exact_match == 1);
  CHECK(match_answer("The!", Texts{"an"}, SquadRules::V1).f1 == 0);
  CHECK(match_answer("The!", Texts{"an"}, SquadRules::V2).f1 == 1);
}

TEST_CASE("SquadScores: means equal the official scripts, over halves too", "[metric]") {
  const Json golden = test::golden("squad.json");
  SquadScores v1(SquadRules::V1), v2, half;
  for (const Json& question : golden.at("cases")) {
    const auto prediction = question.at("prediction").get<std::string>();
    const auto golds = question.at("golds").get<Texts>();
    if (!golds.empty()) v1.add(prediction, golds);
    (question.at("no_answer").get<double>() < 0.5 ? v2 : half).add(prediction, golds);
  }
  v2.merge(half);
  const auto check = [](const MetricValues& values, const std::string& name, const Json& percent) {
    INFO(name);
    CHECK(value_of(values, name) == Approx(percent.get<double>() / 100).epsilon(1e-12));
  };
  const MetricValues old = v1.compute(), values = v2.compute();
  REQUIRE(old.size() == 2);
  check(old, "exact_match", golden.at("v1").at("exact"));
  check(old, "f1", golden.at("v1").at("f1"));
  REQUIRE(values.size() == 6);
  check(values, "exact_match", golden.at("v2").at("exact"));
  check(values, "f1", golden.at("v2").at("f1"));
  check(values, "has_answer_exact_match", golden.at("v2").at("HasAns_exact"));
  check(values, "has_answer_f1", golden.at("v2").at("HasAns_f1"));
  check(values, "no_answer_exact_match", golden.at("v2").at("NoAns_exact"));
  check(values, "no_answer_f1", golden.at("v2").at("NoAns_f1"));
}

TEST_CASE("SquadScores: without questions means are NaN, and no kind of question is named that was not there", "[metric][error]") {
  SquadScores scores;
  REQUIRE(scores.compute().size() == 2);
  CHECK(std::isnan(value_of(scores.compute(), "f1")));
  scores.add("", Texts{});
  REQUIRE(scores.compute().size() == 4);
  CHECK(value_of(scores.compute(), "no_answer_f1") == 1);
}

TEST_CASE("best_threshold: equals the search of the official script", "[metric]") {
  const Json golden = test::golden("squad.json");
  for (const std::string name : {"exact", "f1"}) {
    std::vector<ThresholdCase> cases;
    for (const auto index : golden.at("searched").get<std::vector<std::size_t>>()) {
      const Json& question = golden.at("cases").at(index);
      cases.push_back({question.at("no_answer").get<double>(), question.at("v2").at(name == "exact" ? 0 : 1).get<double>(),
                       !question.at("golds").empty()});
    }
    const ThresholdChoice best = best_threshold(cases);
    CHECK(best.threshold == golden.at("best").at("best_" + name + "_thresh").get<double>());
    CHECK(best.score == Approx(golden.at("best").at("best_" + name).get<double>() / 100).epsilon(1e-12));
    CHECK(best.score == Approx(mean_at(cases, best.threshold)).epsilon(1e-12));
  }
}

TEST_CASE("best_threshold: what it promises is reached, with equal and negative scores", "[metric]") {
  // Answering the first of the two equal questions alone would be best, and cannot be.
  const std::vector<ThresholdCase> equal{{-2, 1, true}, {-1, 1, true}, {-1, 0, false}, {-1, 0, false}, {0.5, 0, false}};
  CHECK(best_threshold(equal).threshold == -2);
  CHECK(best_threshold(equal).score == 0.8);
  const std::vector<ThresholdCase> refused{{-3, 0, false}, {-1, 0.25, true}};
  CHECK(best_threshold(refused).score == 0.5);
  CHECK(best_threshold(refused).threshold < -3);
  CHECK(mean_at(refused, best_threshold(refused).threshold) == 0.5);
  const std::vector<ThresholdCase> answered{{1, 0.5, true}, {2, 0.5, true}};
  CHECK(best_threshold(answered).threshold == 2);
}

TEST_CASE("best_threshold: no cases, and scores that are no numbers", "[metric][error]") {
  CHECK(std::isnan(best_threshold({}).score));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const ThresholdChoice best = best_threshold({{nan, 0, false}, {1, 1, true}, {nan, 0, false}});
  CHECK(best.threshold == 1);
  CHECK(best.score == 1);
}
