#include "graft/head/feature.h"

#include "support.h"

using namespace graft;

namespace {

// Two sequences of three positions and two channels; the second has one real position.
const at::Tensor values = at::tensor({1.f, 10.f, 2.f, 20.f, 6.f, 30.f, 5.f, 50.f, 9.f, 90.f, 9.f, 90.f}).view({2, 3, 2});
const at::Tensor mask = at::tensor({1, 1, 1, 1, 0, 0}, at::kLong).view({2, 3});

bool equals(const at::Tensor& got, std::initializer_list<float> wanted) {
  return at::allclose(got.reshape(-1), at::tensor(at::ArrayRef<float>(wanted)));
}

}  // namespace

TEST_CASE("Pooling: hand-computed, with and without a mask", "[head]") {
  CHECK(equals(pool(values, Pooling::MeanTokens, &mask), {3, 20, 5, 50}));
  CHECK(equals(pool(values, Pooling::MeanTokens), {3, 20, 23.f / 3, 230.f / 3}));
  CHECK(equals(pool(values, Pooling::MaxTokens, &mask), {6, 30, 5, 50}));
  CHECK(equals(pool(values, Pooling::MaxTokens), {6, 30, 9, 90}));
  CHECK(equals(pool(values, Pooling::FirstToken, &mask), {1, 10, 5, 50}));
  CHECK(at::equal(pool(values, Pooling::None), values));
  CHECK(equals(pool(at::arange(8, at::kFloat).view({1, 2, 2, 2}), Pooling::MeanPixels), {1.5f, 5.5f}));
}

TEST_CASE("Pooling: a full mask is no mask", "[head]") {
  const at::Tensor full = at::ones({2, 3}, at::kLong);
  for (const Pooling pooling : {Pooling::MeanTokens, Pooling::MaxTokens})
    CHECK(at::allclose(pool(values, pooling, &full), pool(values, pooling)));
}

TEST_CASE("Pooling: names are read back, and another shape is refused", "[head][error]") {
  for (const Pooling pooling : {Pooling::None, Pooling::FirstToken, Pooling::MeanTokens, Pooling::MaxTokens, Pooling::MeanPixels}) {
    CHECK(pooling_from(pooling_name(pooling)) == pooling);
  }
  CHECK(test::error_of<ConfigError>([] { pooling_from("mean_token"); }).remedy().find("mean_tokens") != std::string::npos);
  const auto error = test::error_of<ModelError>([] { pool(at::zeros({2, 8}), Pooling::MeanTokens); });
  CHECK(error.code() == "graft-M008");
  CHECK(error.message().find("[2, 8]") != std::string::npos);
}
