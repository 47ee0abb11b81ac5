#include "graft/image/affine.h"

#include "support.h"

using namespace graft;
using namespace graft::image;

namespace {

void check_point(Point point, double x, double y) {
  CHECK(point.x == Approx(x).margin(1e-12));
  CHECK(point.y == Approx(y).margin(1e-12));
}

}  // namespace

TEST_CASE("Affine: maps of points, one after the other and back", "[image]") {
  check_point(Affine().apply({3, 4}), 3, 4);
  check_point(Affine::scaled(2, 0.5).apply({3, 4}), 6, 2);
  check_point(Affine::scaled(2, 0.5).then(Affine::shifted(1, -1)).apply({3, 4}), 7, 1);
  check_point(Affine::shifted(1, -1).then(Affine::scaled(2, 0.5)).apply({3, 4}), 8, 1.5);
  check_point(Affine::mirrored(10).apply({3, 4}), 7, 4);
  check_point(Affine::upended(10).apply({3, 4}), 3, 6);
  check_point(Affine::sheared_x(0.5, {0, 2}).apply({3, 4}), 4, 4);
  check_point(Affine::sheared_y(0.5, {1, 0}).apply({3, 4}), 3, 5);
  const Affine all = Affine::scaled(2, 3).then(Affine::rotated(33, {4, 5})).then(Affine::sheared_x(0.2, {1, 1})).then(Affine::mirrored(9));
  const Point there = all.apply({3, 4});
  check_point(all.inverse().apply(there), 3, 4);
  check_point(all.then(all.inverse()).apply({-2, 8}), -2, 8);
}

TEST_CASE("Affine: a quarter turn is counter-clockwise to the eye", "[image]") {
  // In a square of 10 what is at the right edge goes to the top.
  check_point(Affine::rotated(90, {5, 5}).apply({10, 5}), 5, 0);
  check_point(Affine::rotated(90, {5, 5}).apply({5, 5}), 5, 5);
}

TEST_CASE("Affine: a box becomes the rectangle about its moved corners, cut at the frame", "[image]") {
  const Box box{10, 20, 30, 40, "cell", 0.5};
  const auto half = moved(box, Affine::scaled(0.5, 0.25), 100, 100);
  REQUIRE(half);
  CHECK((half->x1 == 5 && half->y1 == 5 && half->x2 == 15 && half->y2 == 10));
  CHECK((half->label == "cell" && half->score == 0.5));
  const auto turned = moved(box, Affine::rotated(45, {20, 30}), 100, 100);
  REQUIRE(turned);
  CHECK(turned->x2 - turned->x1 == Approx(20 * std::sqrt(2.0)));
  CHECK((turned->x1 + turned->x2) / 2 == Approx(20));
  const auto mirrored = moved(box, Affine::mirrored(100), 100, 100);
  CHECK((mirrored->x1 == 70 && mirrored->x2 == 90));
  const auto cut = moved(box, Affine::shifted(-15, 0), 100, 100);
  CHECK((cut->x1 == 0 && cut->x2 == 15));
}

TEST_CASE("Affine: a box of which too little is seen is none", "[image]") {
  const Box box{10, 20, 30, 40};
  CHECK(moved(box, Affine::shifted(-26, 0), 100, 100));  // a fifth is left
  CHECK_FALSE(moved(box, Affine::shifted(-26.1, 0), 100, 100));
  CHECK(moved(box, Affine::shifted(-26.1, 0), 100, 100, {.least_visible = 0.1}));
  CHECK_FALSE(moved(box, Affine::shifted(200, 0), 100, 100, {.least_visible = 0}));
  CHECK_FALSE(moved(box, Affine::scaled(0.04, 1), 100, 100));  // 0.8 pixels wide
  CHECK(moved(box, Affine::scaled(0.04, 1), 100, 100, {.least_side = 0.5}));
}
