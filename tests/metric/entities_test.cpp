#include "graft/metric/entities.h"

#include <cmath>

#include "support.h"

using namespace graft;
using namespace graft::metric;

namespace {

using Tags = std::vector<std::string>;
using Entities = std::vector<Entity>;

/// Sentences of golden tags, truth and prediction.
std::vector<std::pair<Tags, Tags>> sentences_of(const Json& problem) {
  return problem.at("sentences").get<std::vector<std::pair<Tags, Tags>>>();
}

Entities entities_of(const Json& list) {
  Entities entities;
  for (const Json& entity : list) entities.push_back({entity.at(0), entity.at(1), entity.at(2)});
  return entities;
}

void check_against(const Json& expected, const EntityScores& scores) {
  for (const auto& [name, value] : scores.compute()) {
    INFO(name);
    CHECK(value == Approx(expected.at(name).get<double>()).epsilon(1e-12));
  }
  REQUIRE(scores.kinds().size() == expected.at("types").size());
  for (const auto& [label, counts] : scores.kinds()) {
    const Json& kind = expected.at("types").at(label);
    CHECK(counts.precision() == Approx(kind.at(0).get<double>()).epsilon(1e-12));
    CHECK(counts.recall() == Approx(kind.at(1).get<double>()).epsilon(1e-12));
    CHECK(counts.f1() == Approx(kind.at(2).get<double>()).epsilon(1e-12));
    CHECK(static_cast<double>(counts.truths) == kind.at(3).get<double>());
  }
}

}  // namespace

TEST_CASE("entities_of: equals seqeval on random tags, illegal ones included, in both modes", "[metric]") {
  for (const Json& problem : test::golden("entities.json").at("problems")) {
    const auto sentences = sentences_of(problem);
    for (const auto& [name, mode] : {std::pair("default", EntityMode::Default), std::pair("strict", EntityMode::Strict)}) {
      if (!problem.contains(name)) continue;
      for (std::size_t i = 0; i < sentences.size(); ++i) {
        INFO(name << ", sentence " << i);
        CHECK((metric::entities_of(sentences[i].second, mode) == entities_of(problem.at(name).at("entities").at(i))));
      }
    }
  }
}

TEST_CASE("EntityScores: equals seqeval in both modes, over halves too", "[metric]") {
  for (const Json& problem : test::golden("entities.json").at("problems")) {
    for (const auto& [name, mode] : {std::pair("default", EntityMode::Default), std::pair("strict", EntityMode::Strict)}) {
      if (!problem.contains(name)) continue;
      INFO(name);
      EntityScores scores(mode), half(mode);
      bool is_odd = false;
      for (const auto& [truth, predicted] : sentences_of(problem)) ((is_odd = !is_odd) ? scores : half).add(truth, predicted);
      scores.merge(half);
      check_against(problem.at(name), scores);
    }
  }
}

TEST_CASE("entities_of: tags out of order, by hand", "[metric]") {
  const Tags tags{"I-a", "I-a", "B-a", "I-b", "O", "B", "I", "E-a", "S-a", "E-a"};
  CHECK(
      (metric::entities_of(tags) == Entities{{"a", 0, 2}, {"a", 2, 3}, {"b", 3, 4}, {"_", 5, 7}, {"a", 7, 8}, {"a", 8, 9}, {"a", 9, 10}}));
  CHECK((metric::entities_of(tags, EntityMode::Strict) == Entities{{"a", 2, 3}, {"_", 5, 7}}));
  CHECK(metric::entities_of(Tags{}).empty());
  CHECK((metric::entities_of(Tags{"", "O", "B-x-y"}) == Entities{{"x-y", 2, 3}}));
}

TEST_CASE("EntityScores: values counted by hand", "[metric]") {
  EntityScores scores;
  scores.add(Tags{"B-a", "I-a", "O", "B-b"}, Tags{"B-a", "I-a", "B-b", "B-c"});
  scores.add(Entities{{"b", 4, 9}}, Entities{{"b", 4, 9}});
  CHECK(value_of(scores.compute(), "precision") == 0.5);
  CHECK(value_of(scores.compute(), "recall") == Approx(2.0 / 3));
  CHECK(value_of(scores.compute(), "f1") == Approx(4.0 / 7));
  CHECK(value_of(scores.compute(), "macro_f1") == Approx((1 + 0.5 + 0) / 3));
  CHECK(scores.kinds().at("c").truths == 0);
}

TEST_CASE("EntityScores: without entities all is 0, without sentences NaN", "[metric]") {
  EntityScores scores;
  CHECK(std::isnan(value_of(scores.compute(), "macro_f1")));
  scores.add(Tags{"O", "O"}, Tags{"O", "O"});
  for (const auto& [name, value] : scores.compute()) CHECK(value == 0);
}

TEST_CASE("EntityScores: another number of tags than words is told", "[metric][error]") {
  EntityScores scores;
  const auto error = test::error_of<ModelError>([&] { scores.add(Tags{"O", "O", "O"}, Tags{"O"}); });
  CHECK(error.code() == "graft-M017");
  CHECK(error.message() == "[EntityScores] a predicted tag for each of 3 words is wanted, got 1.");
}
