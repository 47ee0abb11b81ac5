#include "head/box_targets.h"

#include "head/box_loss.h"
#include "support.h"

using namespace graft;

namespace {

const std::vector<head::Grid> grids{{8, 12, 8}, {4, 6, 16}, {2, 3, 32}};

std::vector<head::Target> objects_of(const Json& picture) {
  std::vector<head::Target> objects;
  for (std::size_t i = 0; i < picture["boxes"].size(); ++i) {
    const Json& box = picture["boxes"][i];
    objects.push_back({box[0], box[1], box[2], box[3], picture["labels"][i]});
  }
  return objects;
}

}  // namespace

TEST_CASE("BoxTargets are those of torchvision's FCOS", "[head]") {
  const Json golden = test::golden("fcos.json");
  for (std::size_t n = 0; n < 2; ++n) {
    const head::BoxTargets targets = head::assign(grids, objects_of(golden["objects"][n]));
    REQUIRE(targets.labels.size(0) == 96 + 24 + 6);
    at::Tensor labels = at::full({126}, head::nothing, at::kLong), sides = at::ones({126, 4});
    for (const Json& place : golden["places"][n]) {
      labels[place[0].get<std::int64_t>()] = place[1].get<std::int64_t>();
      for (int side = 0; side < 4; ++side) sides[place[0].get<std::int64_t>()][side] = place[2 + side].get<double>();
    }
    CHECK(at::equal(targets.labels, labels));
    CHECK(test::max_difference(targets.sides, sides) < 1e-5);
  }
}

TEST_CASE("BoxTargets: what is ignored is unknown, and gives way to objects", "[head]") {
  const std::vector<head::Target> objects{{0, 0, 96, 64, 0, true}, {5, 6, 30, 28, 2}};
  const head::BoxTargets targets = head::assign(grids, objects);
  CHECK(targets.labels.eq(head::nothing).sum().item<std::int64_t>() == 0);
  CHECK(targets.labels.eq(2).sum().item<std::int64_t>() > 0);
  CHECK(targets.labels.eq(head::unknown).sum().item<std::int64_t>() + targets.labels.eq(2).sum().item<std::int64_t>() == 126);
  CHECK(at::equal(head::assign(grids, {}).labels, at::full({126}, head::nothing, at::kLong)));
}

TEST_CASE("The losses of boxes are those of torchvision's FCOS", "[head]") {
  const Json golden = test::golden("fcos.json");
  std::vector<at::Tensor> labels, sides;
  for (const Json& picture : golden["objects"]) {
    const head::BoxTargets targets = head::assign(grids, objects_of(picture));
    labels.push_back(targets.labels);
    sides.push_back(targets.sides.to(at::kDouble));
  }
  const at::Tensor label = at::stack(labels), side = at::stack(sides), is_object = label.ge(0).to(at::kDouble);
  const auto input = [&](const char* name) { return test::tensor_of(golden["inputs"][name], at::kDouble); };
  CHECK(is_object.sum().item<double>() == golden["losses"]["objects"]);
  CHECK(head::place_loss(input("class_logits"), label).item<double>() == Approx(golden["losses"]["class"].get<double>()).epsilon(1e-9));
  CHECK(head::side_loss(input("sides"), side, is_object).item<double>() == Approx(golden["losses"]["box"].get<double>()).epsilon(1e-6));
  CHECK(head::centerness_loss(input("center_logits"), side, is_object).item<double>() ==
        Approx(golden["losses"]["center"].get<double>()).epsilon(1e-6));

  SECTION("what is unknown counts for nothing") {
    at::Tensor hidden = label.clone();
    hidden[0].fill_(head::unknown);
    const double rest = head::place_loss(input("class_logits")[1].unsqueeze(0), label[1].unsqueeze(0)).item<double>();
    CHECK(head::place_loss(input("class_logits"), hidden).item<double>() == Approx(rest));
  }
}
