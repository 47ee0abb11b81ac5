#include "graft/head/script.h"

#include "graft/head/feature_pyramid.h"
#include "graph/trace.h"
#include "support.h"

using namespace graft;
using head::Script;

namespace {

constexpr const char* collatz = R"(
def steps(start: Tensor) -> Tuple[Tensor, Tensor]:
    x = start
    n = torch.zeros_like(start)
    while bool(torch.any(x > 1)):
        even = x % 2 == 0
        n = n + (x > 1).long()
        x = torch.where(x > 1, torch.where(even, torch.floor_divide(x, 2), 3 * x + 1), x)
    return n, x
)";

}  // namespace

TEST_CASE("Script: loops on values run, and are part of what is recorded", "[head]") {
  const Script steps(collatz);
  CHECK(at::equal(steps({at::tensor({6, 1, 7})})[0], at::tensor({8, 0, 16})));
  const graph::Traced traced = graph::trace("Head", {}, {}, {{"x", at::tensor({1, 1})}}, [&](const Fields& read) -> Fields {
    const auto found = steps({read["x"] + 1});
    return {{"n", found[0] * 10}, {"x", found[1]}};
  });
  const Fields outputs = graph::run(traced, {{"x", at::tensor({5, 0, 6, 26})}});
  CHECK(at::equal(outputs["n"], at::tensor({80, 0, 160, 1110})));
  CHECK(at::equal(outputs["x"], at::ones({4}, at::kLong)));
}

TEST_CASE("Script says what the compiler says", "[head][error]") {
  CHECK(test::error_of<ModelError>([] { Script("def f(x: Tensor) -> Tensor:\n    return y\n"); }).code() == "graft-M031");
  const Script steps(collatz);
  CHECK(test::error_of<ModelError>([&] { steps({}); }).code() == "graft-M032");
}

TEST_CASE("FeaturePyramid adds what coarse maps know to fine ones", "[head]") {
  Fields parameters;
  const std::vector<std::int64_t> widths{2, 3};
  const head::FeaturePyramid pyramid(widths, 4, Rng(0), [&](std::string name, at::Tensor initial) {
    parameters.set(name, initial);
    return initial;
  });
  CHECK(parameters.size() == 8);
  const at::Tensor fine = at::randn({1, 2, 5, 7}), coarse = at::randn({1, 3, 3, 4});
  const auto levels = pyramid(std::vector<at::Tensor>{fine, coarse});
  const at::Tensor top = at::conv2d(coarse, parameters["lateral_1_weight"]);
  const at::Tensor sum = at::conv2d(fine, parameters["lateral_0_weight"]) + at::upsample_nearest2d(top, {5, 7});
  CHECK(test::max_difference(levels[0], at::conv2d(sum, parameters["smooth_0_weight"], {}, 1, 1)) < 1e-5);
  CHECK(test::max_difference(levels[1], at::conv2d(top, parameters["smooth_1_weight"], {}, 1, 1)) < 1e-5);
}
