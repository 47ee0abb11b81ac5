#include "graft/metric/detection.h"

#include <chrono>
#include <cmath>
#include <random>

#include "support.h"

using namespace graft;
using namespace graft::metric;

namespace {

Box box_of(const Json& json) {
  return {json[0].get<double>(), json[1].get<double>(), json[2].get<double>(), json[3].get<double>(), json[4].get<std::string>(), 1};
}

std::vector<Box> found_in(const Json& picture) {
  std::vector<Box> found;
  for (const Json& json : picture.at("found")) {
    found.push_back(box_of(json));
    found.back().score = json[5].get<double>();
  }
  return found;
}

std::vector<GivenBox> truth_in(const Json& picture) {
  std::vector<GivenBox> truth;
  for (const Json& json : picture.at("truth")) truth.push_back({box_of(json), json[5].get<bool>(), json[6].get<double>()});
  return truth;
}

GivenBox given(double x1, double y1, double x2, double y2, bool ignored = false) {
  GivenBox box{{x1, y1, x2, y2, "cat"}, ignored};
  box.object_area = box.area();
  return box;
}

void check_equal(const MetricValues& values, const Json& golden) {
  for (const auto& [name, wanted] : golden.items()) {
    INFO(name);
    const double value = value_of(values, name);
    if (wanted.get<double>() < 0) {
      CHECK(std::isnan(value));
    } else {
      CHECK(value == Approx(wanted.get<double>()).epsilon(0).margin(1e-9));
    }
  }
}

}  // namespace

TEST_CASE("AveragePrecision: equals pycocotools, and Pascal VOC by its definition, whole and merged", "[metric]") {
  for (const Json& problem : test::golden("detection.json")) {
    AveragePrecision whole, first, second;
    const Json& pictures = problem.at("pictures");
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      whole.add(found_in(pictures[i]), truth_in(pictures[i]));
      (i < pictures.size() / 2 ? first : second).add(found_in(pictures[i]), truth_in(pictures[i]));
    }
    check_equal(whole.compute(), problem.at("values"));
    first.merge(second);
    check_equal(first.compute(), problem.at("values"));
    const auto classes = whole.classes();
    REQUIRE(classes.size() == problem.at("classes").size());
    for (const auto& [label, wanted] : problem.at("classes").items()) {
      INFO(label);
      CHECK(classes.at(label).ap == Approx(wanted[0].get<double>()).margin(1e-9));
      CHECK(classes.at(label).ap50 == Approx(wanted[1].get<double>()).margin(1e-9));
      CHECK(classes.at(label).voc_ap50 == Approx(wanted[2].get<double>()).margin(1e-9));
    }
    whole.reset();
    CHECK(whole.classes().empty());
    CHECK(std::isnan(value_of(whole.compute(), "ap")));
  }
}

TEST_CASE("AveragePrecision: values counted by hand", "[metric]") {
  AveragePrecision metric;
  // Two objects; the first found exactly, a wrong box with less score, the second at an intersection over union of 0.5, which counts.
  metric.add(std::vector<Box>{{0, 0, 10, 10, "cat", 0.9}, {50, 50, 60, 60, "cat", 0.8}, {20, 20, 30, 25, "cat", 0.7}},
             std::vector{given(0, 0, 10, 10), given(20, 20, 30, 30)});
  const MetricValues values = metric.compute();
  CHECK(value_of(values, "ap50") == Approx((51 * 1.0 + 50 * 2.0 / 3) / 101));
  CHECK(value_of(values, "ap75") == Approx(51.0 / 101));
  CHECK(value_of(values, "ap") == Approx((51 + 50 * 2.0 / 3 / 10) / 101));
  CHECK(value_of(values, "ar1") == 0.5);
  CHECK(value_of(values, "ar10") == Approx(0.55));
  CHECK(value_of(values, "voc_ap50") == Approx(0.5 + 0.5 * 2 / 3));
  CHECK(value_of(values, "voc07_ap50") == Approx((6 + 5 * 2.0 / 3) / 11));
  CHECK(value_of(values, "ap_small") == Approx(value_of(values, "ap")));
  CHECK(std::isnan(value_of(values, "ap_large")));
  CHECK(metric.classes().at("cat").objects == 2);
}

TEST_CASE("AveragePrecision: finding what is ignored is neither right nor wrong", "[metric]") {
  AveragePrecision metric;
  metric.add(std::vector<Box>{{110, 110, 120, 120, "cat", 0.9}, {0, 0, 10, 10, "cat", 0.5}},
             std::vector{given(0, 0, 10, 10), given(100, 100, 200, 200, true)});
  CHECK(value_of(metric.compute(), "ap") == 1);          // the first lies whole in the group
  CHECK(value_of(metric.compute(), "voc_ap50") == 0.5);  // VOC knows no groups: the two boxes are not alike
}

TEST_CASE("AveragePrecision: takes answers and records, and says what lacks boxes", "[metric][error]") {
  Record record{{}, "a.xml"};
  set_boxes(record, {given(0, 0, 10, 10)});
  AveragePrecision metric;
  metric.answer({.boxes = {{0, 0, 10, 10, "cat", 0.3}}}, record);
  CHECK(value_of(metric.compute(), "ap") == 1);
  CHECK(test::error_of<DataError>([&] { metric.answer({}, {{{"label", "cat"}}, "b.jpg"}); }).code() == "graft-D047");
}

TEST_CASE("AveragePrecision: scores that are no numbers come last", "[metric]") {
  AveragePrecision metric;
  metric.add(std::vector<Box>{{0, 0, 10, 10, "cat", NAN}, {0, 0, 10, 10, "cat", 0.1}, {50, 0, 60, 10, "cat", NAN}},
             std::vector{given(0, 0, 10, 10)});
  CHECK(value_of(metric.compute(), "ap") == 1);
}

TEST_CASE("AveragePrecision: ten thousand predictions take well under a second", "[metric]") {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> place(0, 400), score(0, 1);
  AveragePrecision metric;
  const auto begin = std::chrono::steady_clock::now();
  for (int picture = 0; picture < 200; ++picture) {
    std::vector<Box> found;
    std::vector<GivenBox> truth;
    for (int i = 0; i < 50; ++i) {
      const double x = place(random), y = place(random);
      found.push_back({x, y, x + 40, y + 40, i % 2 == 0 ? "cat" : "dog", score(random)});
      if (i % 5 == 0) truth.push_back(given(x, y + 3, x + 40, y + 40));
    }
    metric.add(found, truth);
  }
  CHECK(metric.classes().at("cat").objects == 2000);
  CHECK(!metric.compute().empty());
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));
}
