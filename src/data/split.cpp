#include <algorithm>
#include <cmath>
#include <map>

#include "graft/core/error.h"
#include "graft/core/rng.h"
#include "graft/data/dataset.h"

namespace graft {
namespace {

void check(const SplitOptions& options) {
  if (options.valid >= 0 && options.test >= 0 && options.valid + options.test < 1) return;
  throw ConfigError({.code = "graft-C004",
                     .message = "[Split] shares of at least 0 that leave something to train on are wanted, got valid " +
                                std::to_string(options.valid) + " and test " + std::to_string(options.test) + ".",
                     .remedy = "Give shares such as 0.1 and 0.2.",
                     .place = ""});
}

/// The indices of the records that share a value of the field (all of them if it is empty), in random order; by value.
std::vector<std::vector<std::size_t>> shuffled_strata(const Data& data, const std::string& field, std::uint64_t seed) {
  std::map<std::string, std::vector<std::size_t>> by_value;
  for (std::size_t i = 0; i < data.size(); ++i) by_value[field.empty() ? std::string() : data.get(i).text(field)].push_back(i);
  std::vector<std::vector<std::size_t>> strata;
  for (auto& [value, members] : by_value) {
    Rng rng(seed, 0, strata.size());
    shuffle(std::span(members), rng);
    strata.push_back(std::move(members));
  }
  return strata;
}

}  // namespace

Splits Data::split(const SplitOptions& options) const {
  check(options);
  // Each stratum gives its rounded share of what the strata up to it should have given, so the parts have their sizes over all.
  std::vector<std::size_t> train, valid, test;
  double seen = 0;
  for (const std::vector<std::size_t>& members : shuffled_strata(*this, options.stratify, options.seed)) {
    seen += static_cast<double>(members.size());
    const auto due = [&](double share, std::size_t given) {
      const auto wanted = static_cast<std::size_t>(std::llround(share * seen));
      return wanted > given ? wanted - given : std::size_t{0};
    };
    const std::size_t for_test = std::min(due(options.test, test.size()), members.size());
    const std::size_t for_valid = std::min(due(options.valid, valid.size()), members.size() - for_test);
    const auto tested = members.begin() + static_cast<std::ptrdiff_t>(for_test);
    const auto validated = tested + static_cast<std::ptrdiff_t>(for_valid);
    test.insert(test.end(), members.begin(), tested);
    valid.insert(valid.end(), tested, validated);
    train.insert(train.end(), validated, members.end());
  }
  if (train.empty() && !empty()) {
    throw ConfigError({.code = "graft-C004",
                       .message = "[Split] of " + std::to_string(size()) + " records none is left to train on.",
                       .remedy = "Make the shares of validation and test smaller, or bring more records.",
                       .place = ""});
  }
  for (auto* part : {&train, &valid, &test}) std::ranges::sort(*part);  // file order, so that parts read well
  return {subset(std::move(train)), subset(std::move(valid)), subset(std::move(test))};
}

std::vector<Splits> Data::folds(std::size_t k, const FoldOptions& options) const {
  if (k < 2 || k > size()) {
    throw ConfigError({.code = "graft-C022",
                       .message = "[Folds] at least 2 folds and no more than the " + std::to_string(size()) + " records are wanted, got " +
                                  std::to_string(k) + ".",
                       .remedy = "5 or 10 folds are usual.",
                       .place = ""});
  }
  // Dealt out like cards, going on from stratum to stratum: so both the strata and the folds come out even.
  std::vector<std::size_t> fold_of(size());
  std::size_t dealt = 0;
  for (const std::vector<std::size_t>& members : shuffled_strata(*this, options.stratify, options.seed)) {
    for (const std::size_t index : members) fold_of[index] = dealt++ % k;
  }
  std::vector<Splits> folds;
  for (std::size_t fold = 0; fold < k; ++fold) {
    std::vector<std::size_t> train, valid;
    for (std::size_t i = 0; i < size(); ++i) (fold_of[i] == fold ? valid : train).push_back(i);
    folds.push_back({subset(std::move(train)), subset(std::move(valid)), Data()});
  }
  return folds;
}

}  // namespace graft
