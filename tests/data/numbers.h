#pragma once

#include <functional>
#include <nlohmann/json.hpp>

#include "graft/data/dataset.h"
#include "graft/data/preprocess.h"
#include "support.h"

namespace graft::test {

/// n records of lengths 1, 3, 5, 2, 4, 1, ... that hold their number; some may fail or take a while.
class Numbers final : public Dataset {
 public:
  explicit Numbers(std::size_t n) : n_(n) {}
  std::size_t size() const override { return n_; }
  static std::int64_t length(std::size_t index) { return 1 + static_cast<std::int64_t>(index * 7 % 5); }
  Record get(std::size_t index) const override {
    return {{{"number", static_cast<std::int64_t>(index)}, {"length", length(index)}}, "numbers:" + std::to_string(index)};
  }

 private:
  std::size_t n_;
};

/// Gives "ids" as long as the record says; `hook` sees the record's number first.
class Repeat final : public Preprocess {
 public:
  explicit Repeat(std::function<void(std::int64_t)> hook = [](std::int64_t) {}) : hook_(std::move(hook)) {}
  std::vector<Sample> operator()(const Record& record, Rng& rng, Mode mode) const override {
    const auto number = std::get<std::int64_t>(record.values.at("number"));
    hook_(number);
    at::Tensor ids = at::full({std::get<std::int64_t>(record.values.at("length"))}, number, at::kLong);
    if (mode == Mode::Train) ids.add_(static_cast<std::int64_t>(1000 * (1 + rng.below(1000))));
    return {Sample{{{"ids", std::move(ids)}}, {}, 0}};
  }
  nlohmann::json config() const override { return {{"type", "repeat"}}; }
  Padding padding() const override { return {{{"ids", -1}}, "mask"}; }
  Record example() const override { return Numbers(1).get(0); }

 private:
  std::function<void(std::int64_t)> hook_;
};

}  // namespace graft::test
