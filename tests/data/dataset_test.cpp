#include "graft/data/dataset.h"

#include <cmath>

#include "graft/data/records.h"
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
  CHECK(empty.message() == "[Data] a label is wanted in \"class\", which is empty here.");
  CHECK(empty.remedy() == "Fill the label in, or remove the row.");
  CHECK(empty.place() == "n:4");
}

TEST_CASE("Data: an exception of the data set's own code names the record, through every decoration", "[dataset][error]") {
  class Torn final : public Dataset {
    std::size_t size() const override { return 10; }
    Record get(std::size_t index) const override {
      if (index == 7) throw std::runtime_error("the disk is gone");
      return {{{"class", std::string("a")}}, ""};
    }
  };
  const Data torn(std::make_shared<Torn>());
  const auto label = [&](const Data& data) { return test::error_of<DataError>([&] { data.labels("class"); }); };
  for (const Data& data : {torn, torn.subset({7}), torn.map([](Record record) { return record; })}) {
    CHECK(label(data).code() == "graft-D015");
    CHECK(label(data).place() == "record 7");
    CHECK(label(data).message().find("the disk is gone") != std::string::npos);
  }
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
  CHECK_FALSE(record.has_value("none"));
  CHECK_FALSE(record.has_value("missing"));
  CHECK(record.has_value("n"));
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

TEST_CASE("Record: number takes numbers as they are and texts that are numbers", "[dataset]") {
  const Record record{{{"n", std::int64_t{-3}},
                       {"x", 0.5},
                       {"t", std::string("-2.5e3")},
                       {"s", at::scalar_tensor(4, at::kLong)},
                       {"f", at::scalar_tensor(0.25)}},
                      "r:1"};
  CHECK(record.number("n") == -3);
  CHECK(record.number("x") == 0.5);
  CHECK(record.number("t") == -2500);
  CHECK(record.number("s") == 4);
  CHECK(record.number("f") == 0.25);
}

TEST_CASE("Record: number refuses texts that are more or less than a number, and what is not finite", "[dataset][error]") {
  const std::string text = GENERATE("", "abc", "1,5", "1 ", " 1", "12 EUR", "nan", "inf", "-inf", "1e999", "0x10");
  INFO(text);
  const Record record{{{"price", text}, {"gone", {}}, {"list", std::vector<std::string>{"1"}}, {"nan", std::nan("")}}, "r:1"};
  const auto error = test::error_of<DataError>([&] { record.number("price"); });
  CHECK(error.code() == "graft-D023");
  CHECK(error.message() == "[Record] a finite number is wanted in \"price\", got \"" + text + "\".");
  CHECK(error.remedy() == "Write numbers such as 1234.5 or -2e3, without units, spaces or thousands separators.");
  CHECK(error.place() == "r:1");
  CHECK(test::error_of<DataError>([&] { record.number("nan"); }).code() == "graft-D023");
  for (const std::string field : {"gone", "list", "prize"})
    CHECK(test::error_of<DataError>([&] { record.number(field); }).code() == "graft-D004");
  CHECK(test::error_of<DataError>([&] { record.number("gone"); }).remedy() == "Fill it in, or bring it in the kind that is wanted.");
  CHECK(test::error_of<DataError>([&] { record.number("prize"); }).remedy() == "Did you mean \"price\"?");
}

TEST_CASE("Dataset: a key holds all values of a record, lists among them", "[data]") {
  using Names = std::vector<std::string>;
  const auto key = [](Value value) { return data::records({{{{"text", std::string("a")}, {"tags", std::move(value)}}, "here"}}).key(0); };
  CHECK(key(Names{"a", "b"}) == key(Names{"a", "b"}));
  CHECK(key(Names{"a", "b"}) != key(Names{"a", "c"}));
  CHECK(key(Names{"a", "b"}) != key(Names{"b", "a"}));
  CHECK(key(Names{"a", "b"}) != key(Names{"ab"}));
  CHECK(key(Names{}) != key(Names{""}));
  CHECK(key(std::string("a")) == data::records({{{{"text", std::string("a")}, {"tags", std::string("a")}}, "elsewhere"}}).key(0));
}
