#include "head/norm_relu.h"

#include "graft/head/feature_pyramid.h"
#include "support.h"

using namespace graft;

namespace {

struct Leaves {
  at::Tensor maps, weight, bias;
};

Leaves leaves(at::ScalarType type, std::int64_t channels = 32) {
  at::manual_seed(4);
  Leaves made{(at::randn({3, channels, 5, 7}) * 2 + 30).to(type), at::rand({channels}) + 0.5, at::randn({channels})};
  made.maps = head::channels_last(made.maps);
  for (const at::Tensor& leaf : {made.maps, made.weight, made.bias}) leaf.requires_grad_();
  return made;
}

/// Outputs and the three gradients of a sum with fixed weights.
std::vector<at::Tensor> run(const Leaves& given, bool plain) {
  const std::int64_t groups = given.maps.size(1) / 4;
  const at::Tensor maps = given.maps * 1;  // no leaf
  const at::Tensor y = plain ? at::group_norm(maps.to(at::kFloat), groups, given.weight, given.bias).relu()
                             : head::norm_relu(maps, groups, given.weight, given.bias);
  at::manual_seed(5);
  (y.to(at::kFloat) * at::randn(y.sizes())).sum().backward();
  return {y.detach().to(at::kFloat), given.maps.grad().to(at::kFloat), given.weight.grad(), given.bias.grad()};
}

}  // namespace

TEST_CASE("norm_relu: outputs and gradients are ATen's", "[head]") {
  const auto got = run(leaves(at::kFloat), false), expected = run(leaves(at::kFloat), true);
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO(i);
    CHECK(test::relative_difference(got[i], expected[i]) < 5e-5);
  }
  CHECK(got[0].eq(0).any().item<bool>());

  SECTION("in bfloat16, as far as its digits go") {
    const auto half = run(leaves(at::kBFloat16), false), wide = run(leaves(at::kBFloat16), true);
    for (std::size_t i = 0; i < half.size(); ++i) CHECK(test::relative_difference(half[i], wide[i]) < 1e-2);
  }
  SECTION("numbers of channels that the kernel does not take") {
    const auto odd = run(leaves(at::kFloat, 8), false), plain = run(leaves(at::kFloat, 8), true);
    for (std::size_t i = 0; i < odd.size(); ++i) CHECK(test::relative_difference(odd[i], plain[i]) < 5e-5);
  }
}
