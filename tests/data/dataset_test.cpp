#include "graft/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "graft/data/tensors.h"
#include "support.h"

using namespace graft;

namespace {

/// n records with an id, a class of a, b, c (shares 1/2, 1/3, 1/6) and their place.
class Numbers final : public Dataset {
 public:
  explicit Numbers(std::size_t n, std::string name = "n") : n_(n), name_(std::move(name)) {}
  std::size_t size() const override { return n_; }
  Record get(std::size_t index) const override {
    static const std::string classes = "aaabbc";
    return {{{"id", static_cast<std::int64_t>(index)}, {"class", std::string(1, classes[index % 6])}}, name_ + ":" + std::to_string(index)};
  }
  std::string key(std::size_t index) const override { return name_ + "-key-" + std::to_string(index); }

 private:
  std::size_t n_;
  std::string name_;
};

Data numbers(std::size_t n, const std::string& name = "n") { return Data(std::make_shared<Numbers>(n, name)); }

std::vector<std::string> ids(const Data& data, const std::string& field = "id") {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < data.size(); ++i) all.push_back(data.get(i).text(field));
  return all;
}

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("Data: a default one is empty", "[dataset]") {
  CHECK(Data().empty());
  CHECK(Data().size() == 0);
  CHECK_FALSE(numbers(1).empty());
}

TEST_CASE("Data: a subset has the records asked for, in that order and as often", "[dataset]") {
  const Data whole = numbers(10);
  const Data some = whole.subset({7, 2, 2});
  CHECK(ids(some) == Ids{"7", "2", "2"});
  CHECK(some.key(0) == "n-key-7");
  CHECK(some.get(1).place == "n:2");
  CHECK(ids(some.subset({0})) == Ids{"7"});
  CHECK(whole.size() == 10);
  CHECK(whole.subset({}).empty());
}

TEST_CASE("Data: a subset index out of range is told with the size", "[dataset][error]") {
  const auto error = test::error_of<ConfigError>([] { numbers(10).subset({9, 10}); });
  CHECK(error.code() == "graft-C005");
  CHECK(error.message() == "[Data] indices below 10 are wanted, got 10.");
  CHECK(error.remedy() == "Take indices of this data set.");
  CHECK_NOTHROW(numbers(10).subset({9}));
}

TEST_CASE("Data: concat puts parts one after the other, empty ones too", "[dataset]") {
  const std::vector<Data> parts{numbers(2, "x"), Data(), numbers(0), numbers(3, "y")};
  const Data all = data::concat(parts);
  CHECK(all.size() == 5);
  CHECK(ids(all) == Ids{"0", "1", "0", "1", "2"});
  CHECK(all.get(1).place == "x:1");
  CHECK(all.get(2).place == "y:0");
  CHECK(all.key(4) == "y-key-2");
  CHECK(data::concat({}).empty());
}

TEST_CASE("Data: map changes each record when it is read, and not the data it is made of", "[dataset]") {
  int calls = 0;
  const Data whole = numbers(3);
  const Data changed = whole.map([&](Record record) {
    ++calls;
    record.values["id"] = "<" + record.text("id") + ">";
    return record;
  });
  CHECK(calls == 0);
  CHECK(changed.size() == 3);
  CHECK(ids(changed) == Ids{"<0>", "<1>", "<2>"});
  CHECK(calls == 3);
  CHECK(ids(whole) == Ids{"0", "1", "2"});
}

TEST_CASE("Data: the parts of a split are disjoint, complete, of the sizes asked for and in order", "[dataset]") {
  const auto n = GENERATE(as<std::size_t>{}, 1, 7, 60, 101);
  const std::string stratify = GENERATE("", "class");
  const Splits parts = numbers(n).split({.valid = 0.2, .test = 0.1, .stratify = stratify});
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

TEST_CASE("Data: a stratified split keeps the shares of every value in every part", "[dataset]") {
  const Splits parts = numbers(120).split({.valid = 0.25, .test = 0.1, .stratify = "class", .seed = 3});
  const auto count = [](const Data& part, const std::string& value) { return std::ranges::count(ids(part, "class"), value); };
  CHECK(count(parts.valid, "a") == 15);
  CHECK(count(parts.valid, "b") == 10);
  CHECK(count(parts.valid, "c") == 5);
  CHECK(count(parts.test, "a") == 6);
  CHECK(count(parts.test, "b") == 4);
  CHECK(count(parts.test, "c") == 2);
}

TEST_CASE("Data: where shares do not come out whole, a stratum is off by one record at most", "[dataset]") {
  const Data data = numbers(101);
  const Splits parts = data.split({.valid = 0.15, .test = 0.15, .stratify = "class"});
  for (const std::string value : {"a", "b", "c"}) {
    const double due = 0.15 * static_cast<double>(std::ranges::count(ids(data, "class"), value));
    CHECK(std::abs(static_cast<double>(std::ranges::count(ids(parts.valid, "class"), value)) - due) <= 1);
    CHECK(std::abs(static_cast<double>(std::ranges::count(ids(parts.test, "class"), value)) - due) <= 1);
  }
}

TEST_CASE("Data: the same seed splits alike, another seed otherwise", "[dataset]") {
  const std::string stratify = GENERATE("", "class");
  const Data data = numbers(60);
  const auto valid = [&](std::uint64_t seed) { return ids(data.split({.valid = 0.3, .stratify = stratify, .seed = seed}).valid); };
  CHECK(valid(5) == valid(5));
  CHECK(valid(5) != valid(6));
}

TEST_CASE("Data: a split without shares trains on everything", "[dataset]") {
  const Splits parts = numbers(9).split({.valid = 0});
  CHECK(parts.train.size() == 9);
  CHECK(parts.valid.empty());
  CHECK(parts.test.empty());
}

TEST_CASE("Data: a split says what is wrong with its options", "[dataset][error]") {
  const auto message = [](double valid, double test) {
    const auto error = test::error_of<ConfigError>([&] { numbers(10).split({.valid = valid, .test = test}); });
    CHECK(error.code() == "graft-C004");
    CHECK(error.remedy() == "Give shares such as 0.1 and 0.2.");
    return error.message();
  };
  const std::string expectation = "[Split] shares of at least 0 that leave something to train on are wanted, got valid ";
  CHECK(message(0.5, 0.5) == expectation + "0.500000 and test 0.500000.");
  CHECK(message(-0.1, 0) == expectation + "-0.100000 and test 0.000000.");
  CHECK(message(0, -0.1) == expectation + "0.000000 and test -0.100000.");
  CHECK(message(std::nan(""), 0).starts_with(expectation));
  const auto field = test::error_of<DataError>([] { numbers(10).split({.stratify = "clas"}); });
  CHECK(field.code() == "graft-D004");
  CHECK(field.remedy() == "Did you mean \"class\"?");
}

TEST_CASE("Data: labels are the distinct values in lexical order", "[dataset]") {
  CHECK(numbers(60).subset({5, 3, 0, 3}).labels("class") == Ids{"a", "b", "c"});
  CHECK(numbers(12).labels("id") == Ids{"0", "1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9"});
  const Splits parts = numbers(6).split({.valid = 0});
  CHECK(parts.labels("class") == Ids{"a", "b", "c"});
}

TEST_CASE("Data: labels that are missing or empty are told with their record", "[dataset][error]") {
  const auto missing = test::error_of<DataError>([] { numbers(6).labels("Class"); });
  CHECK(missing.code() == "graft-D004");
  CHECK(missing.message() == "[Record] a value named \"Class\" is wanted; the record has: \"class\", \"id\".");
  CHECK(missing.place() == "n:0");
  const Data holed = numbers(6).map([](Record record) {
    if (record.text("id") == "4") record.values["class"] = std::string();
    return record;
  });
  const auto empty = test::error_of<DataError>([&] { holed.labels("class"); });
  CHECK(empty.code() == "graft-D005");
  CHECK(empty.message() == "[Data] the label \"class\" is empty.");
  CHECK(empty.remedy() == "Fill the label in, or remove the row.");
  CHECK(empty.place() == "n:4");
}

TEST_CASE("Record: text writes numbers out and refuses what is none", "[dataset]") {
  const Record record{{{"n", std::int64_t{-3}},
                       {"x", 0.5},
                       {"t", std::string("hi")},
                       {"none", {}},
                       {"v", at::zeros({2})},
                       {"s", at::scalar_tensor(4, at::kLong)},
                       {"f", at::scalar_tensor(0.5)}},
                      "r:1"};
  CHECK(record.text("n") == "-3");
  CHECK(record.text("x") == "0.500000");
  CHECK(record.text("t") == "hi");
  CHECK(record.text("s") == "4");
  CHECK(record.has("none"));
  CHECK_FALSE(record.has("missing"));
  const auto error = test::error_of<DataError>([&] { record.text("v"); });
  CHECK(error.message() == "[Record] a text named \"v\" is wanted; the record has: \"f\", \"n\", \"none\", \"s\", \"t\", \"v\", \"x\".");
  CHECK(error.place() == "r:1");
  CHECK(test::error_of<DataError>([&] { record.text("none"); }).code() == "graft-D004");
  CHECK(test::error_of<DataError>([&] { record.text("f"); }).code() == "graft-D004");
}

TEST_CASE("Record: tensor gives the tensor and refuses what is none", "[dataset]") {
  const at::Tensor values = at::rand({2});
  const Record record{{{"v", values}, {"t", std::string("hi")}}, "r:1"};
  CHECK(record.tensor("v").is_same(values));
  CHECK(test::error_of<DataError>([&] { record.tensor("t"); }).message() ==
        "[Record] a tensor named \"t\" is wanted; the record has: \"t\", \"v\".");
  CHECK(test::error_of<DataError>([&] { record.tensor("w"); }).remedy() == "Did you mean \"t\", \"v\"?");
}

TEST_CASE("Split: shares that round to nothing to train on are refused", "[dataset][error]") {
  const Data four = data::tensors({{"x", at::zeros({4, 1})}});
  CHECK(test::error_of<ConfigError>([&] { four.split({.valid = 0.9}); }).code() == "graft-C004");
}
