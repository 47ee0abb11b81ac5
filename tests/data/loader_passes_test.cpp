// Batches in pieces, one pass after another, records that cannot be prepared.
#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>

#include "data/pieces.h"
#include "graft/data/loader.h"
#include "numbers.h"
#include "support.h"

using namespace graft;
using test::Numbers;
using test::Repeat;

namespace {

Loader loader(
    std::size_t n, const LoaderOptions& options, std::function<void(std::int64_t)> hook = [](std::int64_t) {}) {
  return Loader(Data(std::make_shared<Numbers>(n)), std::make_shared<Repeat>(std::move(hook)), {}, options);
}

using Records = std::vector<std::int64_t>;

Records range_of(std::int64_t n) {
  Records values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), std::int64_t{0});
  return values;
}

/// What is left of a pass: records, and the numbers that were prepared for them.
struct Content {
  std::vector<Records> records;
  std::vector<at::Tensor> ids;
  bool operator==(const Content& other) const {
    return records == other.records &&
           std::ranges::equal(ids, other.ids, [](const at::Tensor& a, const at::Tensor& b) { return a.equal(b); });
  }
};

Content rest_of(Loader& pass) {
  Content content;
  while (auto batch = pass.next()) {
    content.records.push_back(batch->records);
    content.ids.push_back(batch->inputs["ids"]);
  }
  return content;
}

void fail_at(std::int64_t number, std::initializer_list<std::int64_t> bad) {
  if (std::ranges::find(bad, number) != bad.end()) throw std::runtime_error("bad " + std::to_string(number));
}

}  // namespace

TEST_CASE("Loader: pieces hold every sample of a batch once, in equal shapes, and nothing is padded", "[loader]") {
  const int threads = GENERATE(0, 1, 3);
  Loader pass = loader(43, {.batch_size = 10, .threads = threads, .unpadded = true});
  CHECK(pass.num_batches() == 5);
  for (std::int64_t start = 0; start < 43; start += 10) {
    Records records;
    std::int64_t before = 100;
    for (const Batch& piece : pass.next_pieces()) {
      records.insert(records.end(), piece.records.begin(), piece.records.end());
      CHECK_FALSE(piece.inputs.has("mask"));
      const at::Tensor& ids = piece.inputs["ids"];
      CHECK(ids.eq(at::tensor(piece.records, at::kLong).unsqueeze(1)).all().item<bool>());
      for (const std::int64_t record : piece.records) CHECK(ids.size(1) == Numbers::length(static_cast<std::size_t>(record)));
      CHECK(ids.size(1) < before);  // longest first, each length once
      before = ids.size(1);
    }
    std::ranges::sort(records);
    Records expected = range_of(std::min<std::int64_t>(43, start + 10));
    expected.erase(expected.begin(), expected.begin() + start);
    CHECK(records == expected);
  }
  CHECK(pass.next_pieces().empty());
  CHECK(pass.next_pieces().empty());
}

TEST_CASE("Loader: without `unpadded` a batch is one piece", "[loader]") {
  Loader pass = loader(5, {.batch_size = 5});
  const auto pieces = pass.next_pieces();
  REQUIRE(pieces.size() == 1);
  CHECK(pieces.front().inputs.has("mask"));
}

TEST_CASE("pieces_of: no piece has more rows than wanted, and rows keep their order", "[data]") {
  std::vector<Sample> samples;
  for (std::int64_t i = 0; i < 9; ++i) samples.push_back({{{"ids", at::full({i < 7 ? 2 : 5}, i, at::kLong)}}, {}, i});
  const auto pieces = data::pieces_of(samples, {{{"ids", 0}}}, 3);
  std::vector<Records> records;
  for (const Batch& piece : pieces) records.push_back(piece.records);
  CHECK(records == std::vector<Records>{{7, 8}, {0, 1, 2}, {3, 4, 5}, {6}});
  CHECK(data::pieces_of({}, {{{"ids", 0}}}, 3).empty());
}

TEST_CASE("pieces_of: runs of equal lengths share a piece where that costs less than the positions filled up", "[data]") {
  std::vector<Sample> samples;
  for (const std::int64_t length : {9, 9, 8, 8, 8, 3, 2}) samples.push_back({{{"ids", at::full({length}, 7, at::kLong)}}, {}, length});
  const auto lengths = [&](std::int64_t cost, std::size_t most = 7) {
    std::vector<Records> found;
    for (const Batch& piece : data::pieces_of(samples, {{{"ids", 0}}, "mask"}, most, cost)) found.push_back(piece.records);
    return found;
  };
  // 9 with 8 fills up 3 positions, 3 with 2 one, and all together 12 more.
  CHECK(lengths(1).size() == 4);
  CHECK(lengths(2) == std::vector<Records>{{9, 9}, {8, 8, 8}, {3, 2}});
  CHECK(lengths(4) == std::vector<Records>{{9, 9, 8, 8, 8}, {3, 2}});
  CHECK(lengths(12).size() == 2);
  CHECK(lengths(14).size() == 1);
  CHECK(lengths(100, 4) == std::vector<Records>{{9, 9}, {8, 8, 8}, {3, 2}});
  const Batch joined = data::pieces_of(samples, {{{"ids", 0}}, "mask"}, 7, 4).front();
  CHECK(joined.inputs["mask"].sum(1).equal(at::tensor({9, 9, 8, 8, 8}, at::kLong)));
  CHECK(joined.inputs["ids"].sum().item<std::int64_t>() == 7 * 42);
}

TEST_CASE("pieces_of: what cannot be filled up stays apart", "[data]") {
  std::vector<Sample> samples;
  for (const std::int64_t length : {3, 2}) samples.push_back({{{"ids", at::zeros({length})}, {"other", at::zeros({length})}}, {}, length});
  CHECK(data::pieces_of(samples, {{{"ids", 0}}, "mask"}, 2, 100).size() == 2);
  CHECK(data::pieces_of(samples, {{{"ids", 0}, {"other", 0}}, "mask"}, 2, 100).size() == 1);
  for (Sample& sample : samples) sample = {{{"ids", sample.inputs["ids"]}}, {{"tags", sample.inputs["ids"]}}, 0};
  CHECK(data::pieces_of(samples, {{{"ids", 0}}, "mask"}, 2, 100).size() == 2);
}

TEST_CASE("record_lengths: of the longest sample, nothing where nothing is padded", "[data]") {
  const Data data(std::make_shared<Numbers>(7));
  CHECK(data::record_lengths(data, Repeat(), {.threads = 1}) == Records{1, 3, 5, 2, 4, 1, 3});
  const Repeat failing([](std::int64_t number) { fail_at(number, {2}); });
  CHECK_THROWS_AS(data::record_lengths(data, failing, {}), DataError);
  CHECK(data::record_lengths(data, failing, {.on_error = OnError::Skip}) == Records{1, 3, 0, 2, 4, 1, 3});
}

TEST_CASE("Loader: `records` are taken as they are, more than once too", "[loader]") {
  const std::vector<std::size_t> records{4, 0, 4, 2, 1};
  Loader pass = loader(9, {.batch_size = 2, .records = records});
  CHECK(pass.num_batches() == 3);
  CHECK(pass.num_samples() == 5);
  CHECK(rest_of(pass).records == std::vector<Records>{{4, 0}, {4, 2}, {1}});
  Loader none = loader(9, {.records = std::vector<std::size_t>()});
  CHECK(none.num_batches() == 0);
  CHECK_FALSE(none.next());
}

TEST_CASE("Loader: a restart gives what a fresh loader of that epoch gives", "[loader]") {
  const int threads = GENERATE(0, 1, 3);
  const LoaderOptions options{.batch_size = 4, .order = Order::Shuffled, .mode = Mode::Train, .seed = 3, .threads = threads};
  const auto fresh = [&](std::uint64_t epoch, std::optional<std::vector<std::size_t>> records) {
    LoaderOptions how = options;
    how.epoch = epoch;
    how.records = std::move(records);
    Loader pass = loader(30, how);
    return rest_of(pass);
  };
  Loader pass = loader(30, options);
  CHECK(rest_of(pass) == fresh(0, std::nullopt));
  CHECK_FALSE(pass.next());
  pass.restart(1);
  CHECK(pass.num_batches() == 8);
  CHECK(rest_of(pass) == fresh(1, std::nullopt));
  const std::vector<std::size_t> few{7, 3, 9, 9, 1, 0};
  pass.restart(2, few);
  CHECK(pass.num_batches() == 2);
  CHECK(pass.num_samples() == 6);
  CHECK(rest_of(pass) == fresh(2, few));
  pass.restart(0);
  CHECK(rest_of(pass) == fresh(0, std::nullopt));
}

TEST_CASE("Loader: a restart in the middle of a pass leaves nothing of it behind", "[loader]") {
  const LoaderOptions options{.batch_size = 3, .mode = Mode::Train, .seed = 3, .threads = 3};
  Loader pass = loader(40, options);
  for (std::uint64_t epoch = 1; epoch <= 100; ++epoch) {
    for (std::uint64_t taken = 0; taken < epoch % 5; ++taken) pass.next();
    std::vector<std::size_t> records(5 + epoch % 30);
    for (std::size_t i = 0; i < records.size(); ++i) records[i] = (i * 7 + epoch) % 40;
    pass.restart(epoch, records);
    LoaderOptions how = options;
    how.threads = 0;
    how.epoch = epoch;
    how.records = records;
    Loader fresh = loader(40, how);
    if (epoch % 2 == 0) {
      REQUIRE(rest_of(pass) == rest_of(fresh));
    } else {
      const auto batch = pass.next(), expected = fresh.next();
      REQUIRE(batch->records == expected->records);
      REQUIRE(batch->inputs["ids"].equal(expected->inputs["ids"]));
    }
  }
}

TEST_CASE("Loader: a restart after a failed batch starts anew", "[loader]") {
  const int threads = GENERATE(0, 3);
  Loader pass = loader(20, {.batch_size = 4, .threads = threads}, [](std::int64_t number) { fail_at(number, {5}); });
  CHECK(pass.next()->records.front() == 0);
  CHECK_THROWS_AS(pass.next(), DataError);
  pass.restart(1, std::vector<std::size_t>{1, 2, 3});
  CHECK(rest_of(pass).records == std::vector<Records>{{1, 2, 3}});
}

TEST_CASE("Loader: records that cannot be prepared are left out and told", "[loader]") {
  const int threads = GENERATE(0, 3);
  const Order order = GENERATE(Order::Sequential, Order::ByLength);
  const auto hook = [](std::int64_t number) { fail_at(number, {2, 4, 5, 6, 7, 13}); };
  Loader pass = loader(14, {.batch_size = 4, .order = order, .threads = threads, .on_error = OnError::Skip}, hook);
  const Content content = rest_of(pass);
  if (order == Order::Sequential) {
    // All of the second batch is bad: it is passed over, and those behind it come.
    CHECK(content.records == std::vector<Records>{{0, 1, 3}, {8, 9, 10, 11}, {12}});
  } else {
    Records all;
    for (const Records& batch : content.records) all.insert(all.end(), batch.begin(), batch.end());
    std::ranges::sort(all);
    CHECK(all == Records{0, 1, 3, 8, 9, 10, 11, 12});
    CHECK(pass.num_samples() == 8);
  }
  const Skipped skipped = pass.skipped();
  CHECK(skipped.count == 6);
  std::vector<std::string> places;
  for (const Problem& problem : skipped.examples) places.push_back(problem.place);
  std::ranges::sort(places);
  CHECK(places == std::vector<std::string>{"numbers:13", "numbers:2", "numbers:4", "numbers:5", "numbers:6", "numbers:7"});
  CHECK(skipped.examples.front().code == "graft-D015");
}

TEST_CASE("Loader: skipped records count over all passes, with a few examples", "[loader]") {
  const auto hook = [](std::int64_t number) { fail_at(number % 2, {1}); };
  Loader pass = loader(50, {.batch_size = 8, .threads = 2, .on_error = OnError::Skip}, hook);
  while (pass.next()) continue;
  CHECK(pass.skipped().count == 25);
  pass.restart(1);
  while (pass.next()) continue;
  CHECK(pass.skipped().count == 50);
  CHECK(pass.skipped().examples.size() == 20);
}

TEST_CASE("Loader: it tells how long batches were waited for", "[loader]") {
  const auto slow = [](std::int64_t) { std::this_thread::sleep_for(std::chrono::milliseconds(10)); };
  Loader pass = loader(10, {.batch_size = 2, .threads = GENERATE(0, 1)}, slow);
  CHECK(pass.waited() == 0);
  while (pass.next()) continue;
  CHECK(pass.waited() > 0.02);
  const double first = pass.waited();
  pass.restart(1);
  while (pass.next()) continue;
  CHECK(pass.waited() > first + 0.02);
}

TEST_CASE("Loader: a stop ends the pass, in pieces too", "[loader]") {
  std::stop_source stop;
  Loader pass = loader(20, {.batch_size = 4, .unpadded = true, .stop = stop.get_token()});
  CHECK_FALSE(pass.next_pieces().empty());
  stop.request_stop();
  CHECK(pass.next_pieces().empty());
  CHECK_FALSE(pass.next());
}
