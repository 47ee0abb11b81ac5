#include "graft/data/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "graft/core/rng.h"
#include "graft/data/tensors.h"
#include "support.h"

using namespace graft;

namespace {

/// How often each record is drawn over so many epochs.
std::vector<double> counts(const Sampler& sampler, std::uint64_t epochs) {
  std::vector<double> counts(sampler.size());
  for (std::uint64_t epoch = 0; epoch < epochs; ++epoch) {
    const std::vector<std::size_t> order = sampler.order(11, epoch);
    REQUIRE(order.size() == sampler.size());
    for (const std::size_t index : order) ++counts.at(index);
  }
  return counts;
}

/// Within four standard errors of a share of so many draws.
void check_share(double count, double draws, double share) {
  CHECK(std::abs(count / draws - share) <= 4 * std::sqrt(share * (1 - share) / draws));
}

}  // namespace

TEST_CASE("Sampler: records are drawn as often as their weights say, those of weight 0 never", "[sampler]") {
  const std::vector<double> weights{0, 3, 0, 0, 1, 6, 0};
  const std::vector<double> drawn = counts(Sampler::weighted(weights), 3000);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    INFO("record " << i);
    check_share(drawn[i], 21000, weights[i] / 10);
    CHECK((drawn[i] > 0) == (weights[i] > 0));
  }
}

TEST_CASE("Sampler: a draw of exactly 0 takes no record of weight 0", "[sampler]") {
  // Found by inverting the generator's mixing: its first number in epoch 0 is 0.
  const std::uint64_t seed = 0x4c78eaf2768d977dULL;
  REQUIRE(Rng(seed, 0, ~std::uint64_t{2}).uniform() == 0);
  CHECK(Sampler::weighted({0, 0, 1}).order(seed, 0).front() == 2);
}

TEST_CASE("Sampler: weights count by their ratios, however large or small", "[sampler]") {
  const double scale = GENERATE(1e-310, 1e-3, 1.5e308);
  const Sampler sampler = Sampler::weighted({scale, 0, scale / 4, scale / 2});
  CHECK(sampler.size() == 4);
  CHECK(sampler.order(1, 2) == Sampler::weighted({4, 0, 1, 2}).order(1, 2));
}

TEST_CASE("Sampler: balanced draws each value alike, and the records of a value alike", "[sampler]") {
  std::vector<std::int64_t> classes(600, 0);
  for (std::size_t i = 0; i < 600; i += 6) classes[i] = 1;   // 100
  for (std::size_t i = 5; i < 600; i += 60) classes[i] = 2;  // 10
  const std::vector<double> drawn = counts(Sampler::balanced(data::tensors({{"class", at::tensor(classes)}}), "class"), 50);
  std::vector<double> by_class(3), first_half(3);
  for (std::size_t i = 0; i < 600; ++i) {
    by_class[static_cast<std::size_t>(classes[i])] += drawn[i];
    if (i < 300) first_half[static_cast<std::size_t>(classes[i])] += drawn[i];
  }
  for (std::size_t c = 0; c < 3; ++c) {
    INFO("class " << c);
    check_share(by_class[c], 30000, 1.0 / 3);
    check_share(first_half[c], 30000, 1.0 / 6);
  }
}

TEST_CASE("Sampler: an order follows from seed and epoch alone", "[sampler]") {
  const Sampler sampler = Sampler::weighted(std::vector<double>(50, 0.1)), copy = sampler;
  const std::vector<std::size_t> order = sampler.order(3, 4);
  CHECK(copy.order(3, 4) == order);
  CHECK(sampler.order(3, 5) != order);
  CHECK(sampler.order(4, 4) != order);
  // With replacement: not each of them once.
  CHECK(std::set<std::size_t>(order.begin(), order.end()).size() < 50);
}

TEST_CASE("Sampler: weights that say nothing are refused", "[sampler][error]") {
  const auto message = [](std::vector<double> weights) {
    const auto error = test::error_of<ConfigError>([&] { Sampler::weighted(weights); });
    CHECK(error.code() == "graft-C030");
    CHECK(error.remedy() == "Give one weight for each record, such as 1 over the number of records of its class.");
    return error.message();
  };
  const std::string wanted = "[Sampler] finite weights of at least 0, and one above it, are wanted, got ";
  CHECK(message({}) == wanted + "none.");
  CHECK(message({0, 0}) == wanted + "only 0.");
  CHECK(message({1, -0.5}) == wanted + "-0.500000 for record 1.");
  CHECK(message({std::numeric_limits<double>::infinity(), 1}) == wanted + "inf for record 0.");
  CHECK(message({1, 2, std::nan("")}) == wanted + "nan for record 2.");
  CHECK(test::error_of<ConfigError>([] { Sampler::balanced(Data(), "class"); }).code() == "graft-C030");
  const Data data = data::tensors({{"class", at::arange(3)}});
  CHECK(test::error_of<DataError>([&] { Sampler::balanced(data, "label"); }).code() == "graft-D004");
}
