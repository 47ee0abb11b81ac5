#include "graft/image/warp.h"

#include "golden_pictures.h"

using namespace graft;
using namespace graft::image;

TEST_CASE("Warp: the same as PIL, to one level", "[image]") {
  const Json& golden = test::pictures().at("warped");
  const at::Tensor source = test::picture_of(golden.at("source"));
  for (const Json& entry : golden.at("cases")) {
    Affine map;
    if (entry.contains("degrees")) {
      map = Affine::rotated(entry.at("degrees"), {8.5, 10.5});
    } else {
      map = Affine{entry.at("map").get<std::array<double, 6>>()}.inverse();
    }
    const at::Tensor difference = (warped(source, map, {9, 80, 200}).to(at::kInt) - test::picture_of(entry).to(at::kInt)).abs();
    INFO((entry.contains("degrees") ? entry.at("degrees") : entry.at("map")));
    // A place on the very rim is inside for one and outside for the other.
    CHECK(difference.gt(1).sum().item<std::int64_t>() <= 3);
  }
}

TEST_CASE("Warp: whole pixels move whole", "[image]") {
  const at::Tensor source = test::drawn(6, 8);
  CHECK(warped(source, {}, {0, 0, 0}).equal(source));
  CHECK(warped(source, Affine::mirrored(8), {0, 0, 0}).equal(source.flip(1)));
  const at::Tensor moved = warped(source, Affine::shifted(2, 0), {1, 2, 3});
  CHECK(moved.narrow(1, 2, 6).equal(source.narrow(1, 0, 6)));
  CHECK(moved.narrow(1, 0, 2).equal(at::tensor({1, 2, 3}, at::kByte).expand({6, 2, 3})));
  CHECK(test::error_of<DataError>([] { warped(at::zeros({3, 4, 4}), {}, {}); }).code() == "graft-D050");
}
