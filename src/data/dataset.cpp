#include "graft/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "graft/core/error.h"
#include "graft/core/rng.h"

namespace graft {
namespace {

class Subset final : public Dataset {
 public:
  Subset(Data whole, std::vector<std::size_t> indices) : whole_(std::move(whole)), indices_(std::move(indices)) {}
  std::size_t size() const override { return indices_.size(); }
  Record get(std::size_t index) const override { return whole_.get(indices_.at(index)); }
  std::string key(std::size_t index) const override { return whole_.key(indices_.at(index)); }

 private:
  Data whole_;
  std::vector<std::size_t> indices_;
};

class Mapped final : public Dataset {
 public:
  Mapped(Data whole, std::function<Record(Record)> change) : whole_(std::move(whole)), change_(std::move(change)) {}
  std::size_t size() const override { return whole_.size(); }
  Record get(std::size_t index) const override { return change_(whole_.get(index)); }

 private:
  Data whole_;
  std::function<Record(Record)> change_;
};

class Concat final : public Dataset {
 public:
  explicit Concat(std::span<const Data> parts) : parts_(parts.begin(), parts.end()) {
    for (const Data& part : parts_) ends_.push_back((ends_.empty() ? 0 : ends_.back()) + part.size());
  }
  std::size_t size() const override { return ends_.empty() ? 0 : ends_.back(); }
  Record get(std::size_t index) const override {
    const auto [part, local] = locate(index);
    return parts_[part].get(local);
  }
  std::string key(std::size_t index) const override {
    const auto [part, local] = locate(index);
    return parts_[part].key(local);
  }

 private:
  std::pair<std::size_t, std::size_t> locate(std::size_t index) const {
    const auto part = static_cast<std::size_t>(std::ranges::upper_bound(ends_, index) - ends_.begin());
    return {part, index - (part == 0 ? 0 : ends_.at(part - 1))};
  }
  std::vector<Data> parts_;
  std::vector<std::size_t> ends_;
};

void check(const SplitOptions& options) {
  if (options.valid >= 0 && options.test >= 0 && options.valid + options.test < 1) return;
  throw ConfigError({.code = "graft-C004",
                     .message = "[Split] shares of at least 0 that leave something to train on are wanted, got valid " +
                                std::to_string(options.valid) + " and test " + std::to_string(options.test) + ".",
                     .remedy = "Give shares such as 0.1 and 0.2.",
                     .place = ""});
}

}  // namespace

Data Data::subset(std::vector<std::size_t> indices) const {
  for (const std::size_t index : indices) {
    if (index < size()) continue;
    throw ConfigError({.code = "graft-C005",
                       .message = "[Data] indices below " + std::to_string(size()) + " are wanted, got " + std::to_string(index) + ".",
                       .remedy = "Take indices of this data set.",
                       .place = ""});
  }
  return Data(std::make_shared<Subset>(*this, std::move(indices)));
}

Data Data::map(std::function<Record(Record)> change) const { return Data(std::make_shared<Mapped>(*this, std::move(change))); }

Data data::concat(std::span<const Data> parts) { return Data(std::make_shared<Concat>(parts)); }

Splits Data::split(const SplitOptions& options) const {
  check(options);
  std::map<std::string, std::vector<std::size_t>> strata;
  for (std::size_t i = 0; i < size(); ++i) strata[options.stratify.empty() ? std::string() : get(i).text(options.stratify)].push_back(i);

  // Each stratum gives its rounded share of what the strata up to it should have given, so the parts have their sizes over all.
  std::vector<std::size_t> train, valid, test;
  double seen = 0;
  std::uint64_t stratum = 0;
  for (auto& [value, members] : strata) {
    Rng rng(options.seed, 0, stratum++);
    shuffle(std::span(members), rng);
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

std::vector<std::string> Data::labels(const std::string& field) const {
  std::set<std::string> distinct;
  for (std::size_t i = 0; i < size(); ++i) {
    const Record record = get(i);
    std::string label = record.text(field);
    if (label.empty()) {
      throw DataError({.code = "graft-D005",
                       .message = "[Data] the label \"" + field + "\" is empty.",
                       .remedy = "Fill the label in, or remove the row.",
                       .place = record.place});
    }
    distinct.insert(std::move(label));
  }
  return {distinct.begin(), distinct.end()};
}

}  // namespace graft
