#include "graft/data/loader.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <thread>

#include "numbers.h"
#include "support.h"

using namespace graft;
using test::Numbers;
using test::Repeat;

namespace {

Data texts(std::size_t n) { return Data(std::make_shared<Numbers>(n)); }

void number_target(const Record& record, std::span<Sample> samples) {
  for (Sample& sample : samples)
    sample.targets.set("label", at::scalar_tensor(std::get<std::int64_t>(record.values.at("number")), at::kLong));
}

Loader loader(std::size_t n, const LoaderOptions& options) { return Loader(texts(n), std::make_shared<Repeat>(), number_target, options); }

std::vector<Batch> all(Loader loader) {
  std::vector<Batch> batches;
  while (auto batch = loader.next()) batches.push_back(std::move(*batch));
  return batches;
}

std::vector<std::int64_t> records_of(const std::vector<Batch>& batches) {
  std::vector<std::int64_t> records;
  for (const Batch& batch : batches) records.insert(records.end(), batch.records.begin(), batch.records.end());
  return records;
}

/// Everything that is in the batches, to compare passes.
std::string content(const std::vector<Batch>& batches) {
  std::string text;
  for (const Batch& batch : batches) {
    for (const std::int64_t record : batch.records) text += std::to_string(record) + ",";
    for (const auto& [name, tensor] : batch.inputs) {
      text += name + shape_text(tensor.sizes());
      const at::Tensor flat = tensor.reshape(-1);
      for (std::int64_t i = 0; i < flat.numel(); ++i) text += " " + std::to_string(flat[i].item<std::int64_t>());
    }
    text += "\n";
  }
  return text;
}

std::vector<std::int64_t> range(std::int64_t n) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), std::int64_t{0});
  return values;
}

}  // namespace

TEST_CASE("Loader: Sequential gives the records in order, padded with a mask", "[loader]") {
  auto pass = loader(5, {.batch_size = 2});
  CHECK(pass.num_batches() == 3);
  CHECK(pass.num_samples() == 5);
  const auto batches = all(std::move(pass));
  REQUIRE(batches.size() == 3);
  CHECK(records_of(batches) == range(5));
  CHECK(batches[2].size() == 1);
  // lengths are 1, 3, 5, 2, 4
  CHECK(batches[0].inputs["ids"].equal(at::tensor({0, -1, -1, 1, 1, 1}, at::kLong).view({2, 3})));
  CHECK(batches[0].inputs["mask"].equal(at::tensor({1, 0, 0, 1, 1, 1}, at::kLong).view({2, 3})));
  CHECK_FALSE(batches[2].inputs.has("mask"));
  CHECK(batches[1].targets["label"].equal(at::tensor({2, 3}, at::kLong)));
}

TEST_CASE("Loader: Shuffled gives every record once, by seed and epoch", "[loader]") {
  const auto order = [](std::uint64_t seed, std::uint64_t epoch) {
    return records_of(all(loader(50, {.batch_size = 7, .order = Order::Shuffled, .seed = seed, .epoch = epoch})));
  };
  auto sorted = order(1, 0);
  CHECK_FALSE(std::ranges::is_sorted(sorted));
  std::ranges::sort(sorted);
  CHECK(sorted == range(50));
  CHECK(order(1, 0) == order(1, 0));
  CHECK(order(1, 0) != order(2, 0));
  CHECK(order(1, 0) != order(1, 1));
}

TEST_CASE("Loader: threads change nothing in the batches, random preprocessing included", "[loader]") {
  const Order order = GENERATE(Order::Sequential, Order::Shuffled, Order::ByLength);
  const Mode mode = GENERATE(Mode::Eval, Mode::Train);
  const auto pass = [&](int threads) {
    return content(all(loader(61, {.batch_size = 4, .order = order, .mode = mode, .seed = 3, .epoch = 2, .threads = threads})));
  };
  const std::string reference = pass(0);
  CHECK(pass(1) == reference);
  CHECK(pass(3) == reference);
}

TEST_CASE("Loader: what preprocessing draws depends on record, seed and epoch, not on the order", "[loader]") {
  const auto ids_of_10 = [](const LoaderOptions& options) {
    for (const Batch& batch : all(loader(20, options))) {
      const auto found = std::ranges::find(batch.records, 10);
      if (found != batch.records.end()) return batch.inputs["ids"][found - batch.records.begin()][0].item<std::int64_t>();
    }
    return std::int64_t{-1};
  };
  const auto base = ids_of_10({.batch_size = 3, .mode = Mode::Train, .seed = 5});
  CHECK(base > 1000);
  CHECK(ids_of_10({.batch_size = 4, .order = Order::Shuffled, .mode = Mode::Train, .seed = 5}) == base);
  CHECK(ids_of_10({.order = Order::ByLength, .mode = Mode::Train, .seed = 5}) == base);
  CHECK(ids_of_10({.batch_size = 3, .mode = Mode::Train, .seed = 6}) != base);
  CHECK(ids_of_10({.batch_size = 3, .mode = Mode::Train, .seed = 5, .epoch = 1}) != base);
}

TEST_CASE("Loader: it knows whether preparing samples was random", "[loader]") {
  const Order order = GENERATE(Order::Sequential, Order::ByLength);
  auto plain = loader(9, {.order = order});
  plain.next();
  CHECK_FALSE(plain.is_random());
  auto random = loader(9, {.order = order, .mode = Mode::Train});
  random.next();
  CHECK(random.is_random());
}

TEST_CASE("Loader: ByLength gives every record once, longest first, and never pads", "[loader]") {
  auto pass = loader(43, {.batch_size = 4, .order = Order::ByLength, .threads = 2});
  const std::size_t announced = pass.num_batches();
  CHECK(pass.num_samples() == 43);
  const auto batches = all(std::move(pass));
  CHECK(batches.size() == announced);
  auto records = records_of(batches);
  std::ranges::sort(records);
  CHECK(records == range(43));
  std::int64_t before = 100;
  for (const Batch& batch : batches) {
    CHECK_FALSE(batch.inputs.has("mask"));
    CHECK(batch.inputs["ids"].eq(batch.targets["label"].unsqueeze(1)).all().item<bool>());
    CHECK(batch.size() <= 4);
    CHECK(batch.inputs["ids"].size(1) <= before);
    before = batch.inputs["ids"].size(1);
  }
}

TEST_CASE("Loader: batch_positions bounds a ByLength batch, and one sample always fits", "[loader]") {
  const auto batches = all(loader(40, {.batch_size = 1, .batch_positions = 9, .order = Order::ByLength}));
  std::set<std::vector<std::int64_t>> shapes;
  for (const Batch& batch : batches) {
    CHECK(batch.inputs["ids"].numel() <= 9);
    shapes.insert(batch.inputs["ids"].sizes().vec());
  }
  // eight records of each length 5, 4, 3, 2, 1, of which 1, 2, 3, 4 and 9 fit
  CHECK(shapes == std::set<std::vector<std::int64_t>>{{1, 5}, {2, 4}, {3, 3}, {2, 3}, {4, 2}, {8, 1}});
  CHECK(batches.size() == 8 + 4 + 3 + 2 + 1);
  CHECK(all(loader(10, {.batch_positions = 2, .order = Order::ByLength})).front().size() == 1);
}

TEST_CASE("Loader: several samples of one record share it", "[loader]") {
  class Windows final : public Preprocess {
   public:
    std::vector<Sample> operator()(const Record& record, Rng&, Mode) const override {
      const auto number = std::get<std::int64_t>(record.values.at("number"));
      std::vector<Sample> windows(static_cast<std::size_t>(number));
      for (Sample& window : windows) window.inputs.set("x", at::zeros({2}));
      return windows;
    }
    nlohmann::json config() const override { return {}; }
    Record example() const override { return {}; }
  };
  const Order order = GENERATE(Order::Sequential, Order::ByLength);
  const auto batches = all(Loader(texts(4), std::make_shared<Windows>(), number_target, {.batch_size = 10, .order = order}));
  REQUIRE(batches.size() == 1);
  CHECK(batches[0].records == std::vector<std::int64_t>{1, 2, 2, 3, 3, 3});
  CHECK(batches[0].targets["label"].equal(at::tensor({1, 2, 2, 3, 3, 3}, at::kLong)));
}

TEST_CASE("Loader: without a target function batches have none", "[loader]") {
  CHECK(all(Loader(texts(3), std::make_shared<Repeat>(), {}))[0].targets.empty());
  CHECK(all(loader(0, {})).empty());
}

TEST_CASE("Loader: a failing preprocessing is told with the record's place, whatever the threads", "[loader][error]") {
  const int threads = GENERATE(0, 1, 3);
  const Order order = GENERATE(Order::Sequential, Order::ByLength);
  const auto preprocess = std::make_shared<Repeat>([](std::int64_t number) {
    if (number >= 17) throw std::runtime_error("no such word");
  });
  const auto error = test::error_of<DataError>(
      [&] { all(Loader(texts(60), preprocess, number_target, {.batch_size = 4, .order = order, .threads = threads})); });
  CHECK(error.code() == "graft-D015");
  CHECK(error.message() == "[Loader] this record cannot be prepared: no such word");
  CHECK(error.remedy() == "Repair the record, or the preprocessing.");
  CHECK(error.place() == "numbers:17");
}

TEST_CASE("Loader: batches before the failing one still come", "[loader]") {
  const int threads = GENERATE(0, 1, 3);
  const auto preprocess = std::make_shared<Repeat>([](std::int64_t number) {
    if (number == 9) throw std::runtime_error("bad");
  });
  Loader pass(texts(20), preprocess, {}, {.batch_size = 4, .threads = threads});
  CHECK(pass.next()->records.front() == 0);
  CHECK(pass.next()->records.front() == 4);
  CHECK_THROWS_AS(pass.next(), DataError);
}

TEST_CASE("Loader: graft's own errors keep their words and get the record's place", "[loader][error]") {
  const TargetFunction targets = [](const Record& record, std::span<Sample>) {
    if (record.text("number") == "3") throw ConfigError({.code = "graft-C999", .message = "[Mine] odd.", .remedy = "Even it."});
    if (record.text("number") == "6")
      throw DataError({.code = "graft-D999", .message = "[Mine] six.", .remedy = "Drop it.", .place = "elsewhere:1"});
  };
  const int threads = GENERATE(0, 2);
  const auto error_from = [&](const Data& data) {
    return test::error_of<DataError>(
        [&] { all(Loader(data, std::make_shared<Repeat>(), targets, {.batch_size = 2, .threads = threads})); });
  };
  const auto placed = error_from(texts(5));
  CHECK(placed.code() == "graft-C999");
  CHECK(placed.message() == "[Mine] odd.");
  CHECK(placed.remedy() == "Even it.");
  CHECK(placed.place() == "numbers:3");
  CHECK(error_from(texts(8).subset({5, 6, 7})).place() == "elsewhere:1");
}

TEST_CASE("Loader: one that is dropped in the middle of a pass stops, and works only a little ahead", "[loader]") {
  const int threads = GENERATE(1, 3);
  std::atomic<int> prepared = 0;
  {
    Loader pass(texts(2000), std::make_shared<Repeat>([&](std::int64_t) { ++prepared; }), number_target,
                {.batch_size = 2, .threads = threads});
    REQUIRE(pass.next());
    // the threads fill what they may be ahead, and wait
    for (int before = -1; before != prepared;) {
      before = prepared;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  CHECK(prepared >= 2);
  CHECK(prepared <= 2 * (1 + 2 * threads));
}

TEST_CASE("Loader: a loader may be moved while its threads work", "[loader]") {
  Loader first = loader(30, {.batch_size = 3, .threads = 2});
  first.next();
  Loader second = std::move(first);
  CHECK(second.next()->records == std::vector<std::int64_t>{3, 4, 5});
  second = loader(4, {.batch_size = 4});
  CHECK(second.next()->records == range(4));
  CHECK_FALSE(second.next());
  CHECK_FALSE(second.next());
}

TEST_CASE("Loader says what is wrong with its options", "[loader][error]") {
  const auto message = [](const LoaderOptions& options) {
    const auto error = test::error_of<ConfigError>([&] { loader(3, options); });
    CHECK(error.code() == "graft-C006");
    CHECK(error.remedy() == "Leave the options at their defaults, or give sizes in range.");
    return error.message();
  };
  const std::string expectation = "[Loader] a batch size of at least 1 and no negative positions or threads are wanted, got batch_size ";
  CHECK(message({.batch_size = 0}) == expectation + "0, batch_positions 0, threads 1.");
  CHECK(message({.batch_positions = -1}) == expectation + "32, batch_positions -1, threads 1.");
  CHECK(message({.threads = -1}) == expectation + "32, batch_positions 0, threads -1.");
}
