#include "train/epoch_order.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "support.h"

using namespace graft;

namespace {

using Indices = std::vector<std::size_t>;

Indices sorted(Indices order) {
  std::ranges::sort(order);
  return order;
}

Indices first(std::size_t n) {
  Indices order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  return order;
}

Indices part(const Indices& order, std::size_t from, std::size_t to = ~std::size_t{0}) {
  return {order.begin() + static_cast<std::ptrdiff_t>(from), order.begin() + static_cast<std::ptrdiff_t>(std::min(to, order.size()))};
}

std::vector<std::int64_t> lengths_of(std::size_t n) {
  std::vector<std::int64_t> lengths;
  for (std::size_t i = 0; i < n; ++i) lengths.push_back(static_cast<std::int64_t>(i * 17 % 40 + 1));
  return lengths;
}

}  // namespace

TEST_CASE("EpochOrder: steps take every record once, batches times accumulation at a time", "[train]") {
  const TrainerOptions options{.batch_size = 4, .accumulate = 3, .seed = 5};
  const train::EpochOrder order(options, 50);
  CHECK(order.step_size() == 12);
  CHECK(order.steps_per_epoch() == 5);
  CHECK(sorted(order(1, 0)) == first(50));
  CHECK(order(1, 0) != first(50));
  CHECK(order(1, 0) == order(1, 0));
  CHECK(order(1, 0) != order(2, 0));
  const TrainerOptions other{.batch_size = 4, .accumulate = 3, .seed = 6};
  CHECK(train::EpochOrder(other, 50)(1, 0) != order(1, 0));
  CHECK(train::EpochOrder(options, 48).steps_per_epoch() == 4);
  CHECK(train::EpochOrder(options, 3).steps_per_epoch() == 1);
}

TEST_CASE("EpochOrder: from a later step on the same order goes on", "[train]") {
  const bool grouped = GENERATE(false, true);
  const TrainerOptions options{.batch_size = 4, .accumulate = 2};
  const train::EpochOrder order(options, 50, grouped ? lengths_of(50) : std::vector<std::int64_t>());
  const Indices whole = order(3, 0);
  for (std::int64_t step = 0; step <= 7; ++step)
    CHECK(order(3, step) == part(whole, std::min<std::size_t>(50, static_cast<std::size_t>(step) * 8)));
  CHECK(order(3, 9).empty());
}

TEST_CASE("EpochOrder: without shuffling the data's own order, lengths or not", "[train]") {
  const TrainerOptions options{.batch_size = 4, .shuffle = false};
  CHECK(train::EpochOrder(options, 10)(2, 0) == first(10));
  CHECK(train::EpochOrder(options, 50, lengths_of(50))(2, 0) == first(50));
}

TEST_CASE("EpochOrder: lengths bring records of like length into one batch, not into one step", "[train]") {
  const TrainerOptions options{.batch_size = 5, .accumulate = 2};
  const auto lengths = lengths_of(200);
  const Indices order = train::EpochOrder(options, 200, lengths)(1, 0);
  CHECK(sorted(order) == first(200));
  std::int64_t in_batches = 0, in_steps = 0;
  for (std::size_t size : {5, 10}) {
    for (std::size_t start = 0; start < 200; start += size) {
      std::vector<std::int64_t> of_batch;
      for (const std::size_t record : part(order, start, start + size)) of_batch.push_back(lengths[record]);
      (size == 5 ? in_batches : in_steps) += std::ranges::max(of_batch) - std::ranges::min(of_batch);
    }
  }
  CHECK(in_batches <= 40);   // 40 batches of at most two neighbouring lengths
  CHECK(in_steps > 20 * 5);  // 20 steps of two batches each
}

TEST_CASE("EpochOrder: a limit cuts every epoch, and other epochs show other records", "[train]") {
  const TrainerOptions options{.batch_size = 4, .limit_steps = 2}, unlimited{.batch_size = 4};
  const train::EpochOrder order(options, 50), whole(unlimited, 50);
  CHECK(order.steps_per_epoch() == 2);
  CHECK(order(1, 0) == part(whole(1, 0), 0, 8));
  CHECK(order(1, 1) == part(whole(1, 0), 4, 8));
  CHECK(sorted(order(1, 0)) != sorted(order(2, 0)));
  const TrainerOptions large{.batch_size = 4, .limit_steps = 1000};
  CHECK(train::EpochOrder(large, 50).steps_per_epoch() == 13);
  CHECK(train::EpochOrder(large, 50)(1, 0).size() == 50);
}

TEST_CASE("EpochOrder: an overfitted batch is the first step's in every step and epoch", "[train]") {
  const TrainerOptions options{.batch_size = 4, .accumulate = 2, .overfit_batch = true}, plain{.batch_size = 4, .accumulate = 2};
  const bool grouped = GENERATE(false, true);
  const auto lengths = grouped ? lengths_of(50) : std::vector<std::int64_t>();
  const train::EpochOrder order(options, 50, lengths);
  const Indices same = part(train::EpochOrder(plain, 50, lengths)(1, 0), 0, 8);
  CHECK(order.steps_per_epoch() == 7);
  for (const int epoch : {1, 4}) {
    const Indices all = order(epoch, 0);
    REQUIRE(all.size() == 56);
    for (std::size_t step = 0; step < 7; ++step) CHECK(part(all, step * 8, step * 8 + 8) == same);
    CHECK(order(epoch, 5) == part(all, 40));
  }
  CHECK(train::EpochOrder(options, 3)(1, 0).size() == 3);
}

TEST_CASE("EpochOrder: a sampler draws the records of an epoch, by seed and epoch", "[train]") {
  std::vector<double> weights(50, 0.0);
  for (const std::size_t drawn : {3, 7, 11}) weights[drawn] = 1.0;
  const TrainerOptions options{.batch_size = 4, .sampler = Sampler::weighted(weights), .seed = 2};
  const train::EpochOrder order(options, 50);
  const Indices one = order(1, 0);
  CHECK(one.size() == 50);
  CHECK(std::set<std::size_t>(one.begin(), one.end()) == std::set<std::size_t>{3, 7, 11});
  CHECK(one == order(1, 0));
  CHECK(one != order(2, 0));
  CHECK(order(1, 3) == part(one, 12));
  CHECK(sorted(train::EpochOrder(options, 50, lengths_of(50))(1, 0)) == sorted(one));
}

TEST_CASE("EpochOrder: a sampler of other data is refused", "[train][error]") {
  const TrainerOptions options{.sampler = Sampler::weighted({1, 1, 1})};
  const auto error = test::error_of<ConfigError>([&] { train::EpochOrder(options, 4); });
  CHECK(error.code() == "graft-C036");
  CHECK(error.message() == "[Trainer] the sampler draws from 3 records, there are 4 to train on.");
  CHECK(error.remedy() == "Make it from the training data, where each record gives one sample.");
  CHECK_NOTHROW(train::EpochOrder(options, 3));
}
