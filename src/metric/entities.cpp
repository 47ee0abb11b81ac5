#include "graft/metric/entities.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "graft/core/error.h"

namespace graft::metric {
namespace {

/// What stands before the label of a tag, and the label.
struct Tag {
  explicit Tag(std::string_view tag) : prefix(tag.empty() ? 'O' : tag.front()) {
    const std::string_view rest = tag.substr(std::min<std::size_t>(tag.starts_with("O") ? tag.size() : 1, tag.size()));
    label = rest.starts_with('-') ? rest.substr(1) : rest;
    if (label.empty()) label = "_";
  }
  bool is(std::string_view prefixes) const { return prefixes.find(prefix) != std::string_view::npos; }

  char prefix;
  std::string_view label;
};

bool ends_between(const Tag& before, const Tag& after) {
  if (before.is("ES") || (before.is("BI") && after.is("BSO"))) return true;
  return !before.is("O") && before.label != after.label;
}

bool begins_between(const Tag& before, const Tag& after) {
  if (after.is("BS") || (after.is("IE") && before.is("ESO"))) return true;
  return !after.is("O") && before.label != after.label;
}

std::vector<Entity> default_entities(std::span<const std::string> tags) {
  std::vector<Entity> entities;
  Tag before("O");
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= tags.size(); ++i) {
    const Tag tag(i < tags.size() ? std::string_view(tags[i]) : "O");
    if (ends_between(before, tag)) {
      entities.push_back({std::string(before.label), static_cast<std::int64_t>(begin), static_cast<std::int64_t>(i)});
    }
    if (begins_between(before, tag)) begin = i;
    before = tag;
  }
  return entities;
}

std::vector<Entity> strict_entities(std::span<const std::string> tags) {
  std::vector<Entity> entities;
  for (std::size_t i = 0; i < tags.size();) {
    const Tag first(tags[i]);
    std::size_t end = i + 1;
    if (first.is("B")) {
      for (; end < tags.size() && Tag(tags[end]).is("I") && Tag(tags[end]).label == first.label; ++end) {
      }
      entities.push_back({std::string(first.label), static_cast<std::int64_t>(i), static_cast<std::int64_t>(end)});
    }
    i = end;
  }
  return entities;
}

double ratio(std::int64_t part, std::int64_t whole) { return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole); }

void add_to(EntityCounts& counts, const EntityCounts& other) {
  counts.right += other.right;
  counts.predicted += other.predicted;
  counts.truths += other.truths;
}

}  // namespace

std::vector<Entity> entities_of(std::span<const std::string> tags, EntityMode mode) {
  return mode == EntityMode::Strict ? strict_entities(tags) : default_entities(tags);
}

double EntityCounts::precision() const { return ratio(right, predicted); }
double EntityCounts::recall() const { return ratio(right, truths); }
double EntityCounts::f1() const { return ratio(2 * right, predicted + truths); }

void EntityScores::add(std::span<const std::string> truth, std::span<const std::string> predicted) {
  if (truth.size() != predicted.size()) {
    throw ModelError({.code = "graft-M017",
                      .message = "[EntityScores] a predicted tag for each of " + std::to_string(truth.size()) + " words is wanted, got " +
                                 std::to_string(predicted.size()) + ".",
                      .remedy = "Predict a tag for every word: O where the network does not see it.",
                      .place = ""});
  }
  add(entities_of(truth, mode_), entities_of(predicted, mode_));
}

void EntityScores::add(std::vector<Entity> truth, std::vector<Entity> predicted) {
  std::ranges::sort(truth);
  for (const Entity& entity : truth) ++kinds_[entity.label].truths;
  for (const Entity& entity : predicted) {
    EntityCounts& counts = kinds_[entity.label];
    ++counts.predicted;
    if (std::ranges::binary_search(truth, entity)) ++counts.right;
  }
  ++sentences_;
}

void EntityScores::merge(const EntityScores& other) {
  for (const auto& [label, counts] : other.kinds_) add_to(kinds_[label], counts);
  sentences_ += other.sentences_;
}

MetricValues EntityScores::compute() const {
  if (sentences_ == 0) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    return {{"precision", nan}, {"recall", nan}, {"f1", nan}, {"macro_f1", nan}};
  }
  EntityCounts all;
  double f1 = 0;
  for (const auto& [label, counts] : kinds_) {
    add_to(all, counts);
    f1 += counts.f1();
  }
  const double macro = kinds_.empty() ? 0 : f1 / static_cast<double>(kinds_.size());
  return {{"precision", all.precision()}, {"recall", all.recall()}, {"f1", all.f1()}, {"macro_f1", macro}};
}

}  // namespace graft::metric
