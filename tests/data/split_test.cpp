#include <algorithm>
#include <cmath>
#include <set>

#include "graft/data/dataset.h"
#include "graft/data/tensors.h"
#include "support.h"

using namespace graft;

namespace {

/// n records with an id and a class of 0, 1, 2 (shares 1/2, 1/3, 1/6).
Data records(std::size_t n) {
  std::vector<std::int64_t> classes;
  for (std::size_t i = 0; i < n; ++i) classes.push_back(std::vector{0, 0, 0, 1, 1, 2}[i % 6]);
  return data::tensors({{"id", at::arange(static_cast<std::int64_t>(n))}, {"class", at::tensor(classes)}});
}

std::vector<std::string> ids(const Data& data, const std::string& field = "id") {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < data.size(); ++i) all.push_back(data.get(i).text(field));
  return all;
}

std::ptrdiff_t count(const Data& part, const std::string& value) { return std::ranges::count(ids(part, "class"), value); }

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("Split: the parts of a split are disjoint, complete, of the sizes asked for and in order", "[split]") {
  const auto n = GENERATE(as<std::size_t>{}, 1, 7, 60, 101);
  const std::string stratify = GENERATE("", "class");
  const Splits parts = records(n).split({.valid = 0.2, .test = 0.1, .stratify = stratify});
  CHECK(parts.valid.size() == static_cast<std::size_t>(std::llround(0.2 * static_cast<double>(n))));
  CHECK(parts.test.size() == static_cast<std::size_t>(std::llround(0.1 * static_cast<double>(n))));
  std::set<std::string> seen;
  for (const Data& part : {parts.train, parts.valid, parts.test}) {
    const Ids of_part = ids(part);
    seen.insert(of_part.begin(), of_part.end());
    CHECK(std::ranges::is_sorted(of_part, {}, [](const std::string& id) { return std::stoi(id); }));
  }
  CHECK(parts.train.size() + parts.valid.size() + parts.test.size() == n);
  CHECK(seen.size() == n);
}

TEST_CASE("Split: a stratified split keeps the shares of every value in every part", "[split]") {
  const Splits parts = records(120).split({.valid = 0.25, .test = 0.1, .stratify = "class", .seed = 3});
  const auto count = [](const Data& part, const std::string& value) { return std::ranges::count(ids(part, "class"), value); };
  CHECK(count(parts.valid, "0") == 15);
  CHECK(count(parts.valid, "1") == 10);
  CHECK(count(parts.valid, "2") == 5);
  CHECK(count(parts.test, "0") == 6);
  CHECK(count(parts.test, "1") == 4);
  CHECK(count(parts.test, "2") == 2);
}

TEST_CASE("Split: where shares do not come out whole, a stratum is off by one record at most", "[split]") {
  const Data data = records(101);
  const Splits parts = data.split({.valid = 0.15, .test = 0.15, .stratify = "class"});
  for (const std::string value : {"0", "1", "2"}) {
    const double due = 0.15 * static_cast<double>(std::ranges::count(ids(data, "class"), value));
    CHECK(std::abs(static_cast<double>(std::ranges::count(ids(parts.valid, "class"), value)) - due) <= 1);
    CHECK(std::abs(static_cast<double>(std::ranges::count(ids(parts.test, "class"), value)) - due) <= 1);
  }
}

TEST_CASE("Split: the same seed splits alike, another seed otherwise", "[split]") {
  const std::string stratify = GENERATE("", "class");
  const Data data = records(60);
  const auto valid = [&](std::uint64_t seed) { return ids(data.split({.valid = 0.3, .stratify = stratify, .seed = seed}).valid); };
  CHECK(valid(5) == valid(5));
  CHECK(valid(5) != valid(6));
}

TEST_CASE("Split: a split without shares trains on everything", "[split]") {
  const Splits parts = records(9).split({.valid = 0});
  CHECK(parts.train.size() == 9);
  CHECK(parts.valid.empty());
  CHECK(parts.test.empty());
}

TEST_CASE("Split: a split says what is wrong with its options", "[split][error]") {
  const auto message = [](double valid, double test) {
    const auto error = test::error_of<ConfigError>([&] { records(10).split({.valid = valid, .test = test}); });
    CHECK(error.code() == "graft-C004");
    CHECK(error.remedy() == "Give shares such as 0.1 and 0.2.");
    return error.message();
  };
  const std::string expectation = "[Split] shares of at least 0 that leave something to train on are wanted, got valid ";
  CHECK(message(0.5, 0.5) == expectation + "0.500000 and test 0.500000.");
  CHECK(message(-0.1, 0) == expectation + "-0.100000 and test 0.000000.");
  CHECK(message(0, -0.1) == expectation + "0.000000 and test -0.100000.");
  CHECK(message(std::nan(""), 0).starts_with(expectation));
  const auto field = test::error_of<DataError>([] { records(10).split({.stratify = "clas"}); });
  CHECK(field.code() == "graft-D004");
  CHECK(field.remedy() == "Did you mean \"class\"?");
}

TEST_CASE("Split: shares that round to nothing to train on are refused", "[split][error]") {
  const Data four = data::tensors({{"x", at::zeros({4, 1})}});
  CHECK(test::error_of<ConfigError>([&] { four.split({.valid = 0.9}); }).code() == "graft-C004");
}

TEST_CASE("Folds: each record is validation data once and training data otherwise", "[split]") {
  const auto n = GENERATE(as<std::size_t>{}, 5, 23, 60);
  const auto k = GENERATE(as<std::size_t>{}, 2, 5);
  const std::string stratify = GENERATE("", "class");
  const std::vector<Splits> folds = records(n).folds(k, {.stratify = stratify, .seed = 4});
  REQUIRE(folds.size() == k);
  std::multiset<std::string> validated;
  for (const Splits& fold : folds) {
    const Ids valid = ids(fold.valid), train = ids(fold.train);
    validated.insert(valid.begin(), valid.end());
    std::set<std::string> both(valid.begin(), valid.end());
    both.insert(train.begin(), train.end());
    CHECK(both.size() == n);
    CHECK(valid.size() + train.size() == n);
    CHECK(fold.test.empty());
    CHECK((valid.size() == n / folds.size() || valid.size() == n / folds.size() + 1));
    CHECK(std::ranges::is_sorted(train, {}, [](const std::string& id) { return std::stoi(id); }));
  }
  CHECK(validated.size() == n);
  CHECK(std::set<std::string>(validated.begin(), validated.end()).size() == n);
}

TEST_CASE("Folds: stratified, every fold has its share of every value, to one record", "[split]") {
  for (const Splits& fold : records(100).folds(7, {.stratify = "class"})) {
    for (const auto& [value, all] : std::vector<std::pair<std::string, double>>{{"0", 51}, {"1", 33}, {"2", 16}}) {
      CHECK(std::abs(static_cast<double>(count(fold.valid, value)) - all / 7) < 1);
    }
  }
}

TEST_CASE("Folds: the same seed gives the same folds, another seed others", "[split]") {
  const auto first = [](std::uint64_t seed) { return ids(records(60).folds(3, {.seed = seed}).front().valid); };
  CHECK(first(1) == first(1));
  CHECK(first(1) != first(2));
  CHECK(first(1) != Ids(ids(records(20))));
}

TEST_CASE("Folds say what is wrong with their number and their field", "[split][error]") {
  const auto k = GENERATE(as<std::size_t>{}, 0, 1, 11);
  const auto error = test::error_of<ConfigError>([&] { records(10).folds(k); });
  CHECK(error.code() == "graft-C022");
  CHECK(error.message() == "[Folds] at least 2 folds and no more than the 10 records are wanted, got " + std::to_string(k) + ".");
  CHECK(error.remedy() == "5 or 10 folds are usual.");
  CHECK(records(10).folds(10).size() == 10);
  CHECK(test::error_of<DataError>([] { records(10).folds(2, {.stratify = "clas"}); }).remedy() == "Did you mean \"class\"?");
}
