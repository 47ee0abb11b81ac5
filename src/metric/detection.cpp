#include "graft/metric/detection.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace graft::metric {
namespace {

constexpr std::size_t num_thresholds = 10, num_steps = 101, most_found = 100, all_areas = 0;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Bounds of object areas, both included: all, small, medium, large.
constexpr std::array<std::pair<double, double>, 4> areas{{{0, 1e10}, {0, 32 * 32}, {32 * 32, 96 * 96}, {96 * 96, 1e10}}};

/// To the last bit what numpy.linspace(0.5, 0.95, 10) gives.
double threshold(std::size_t t) { return t + 1 == num_thresholds ? 0.95 : 0.5 + static_cast<double>(t) * ((0.95 - 0.5) / 9); }

/// A score that is no number comes last.
bool is_surer(double a, double b) { return a > b || (std::isnan(b) && !std::isnan(a)); }

bool is_outside(double area, std::size_t range) { return area < areas[range].first || area > areas[range].second; }

/// Of an ignored box, which stands for a group, the share in the prediction counts.
double overlap(const Box& found, const GivenBox& truth) {
  if (!truth.ignored) return intersection_over_union(found, truth);
  const double width = std::min(found.x2, truth.x2) - std::max(found.x1, truth.x1);
  const double height = std::min(found.y2, truth.y2) - std::max(found.y1, truth.y1);
  return width <= 0 || height <= 0 ? 0 : width * height / found.area();
}

/// A class in a picture: predictions with the best first, and how they lie over the objects.
struct Matcher {
  std::vector<const Box*> found;
  std::vector<const GivenBox*> truth;

  /// Comes before all else.
  void sort() {
    std::ranges::stable_sort(found, is_surer, &Box::score);
    overlaps.resize(std::min(found.size(), most_found) * truth.size());
    for (std::size_t i = 0; i < overlaps.size(); ++i) overlaps[i] = overlap(*found[i / truth.size()], *truth[i % truth.size()]);
  }

  /// For each of the first hundred predictions the object it is matched with, or -1. `order` has the objects that count first.
  std::vector<std::int64_t> match(double least, const std::vector<std::size_t>& order, const std::vector<bool>& ignored) const {
    std::vector<bool> is_taken(truth.size());
    std::vector<std::int64_t> matches(std::min(found.size(), most_found), -1);
    for (std::size_t d = 0; d < matches.size(); ++d) {
      double best = std::min(least, 1 - 1e-10);
      for (const std::size_t g : order) {
        if (is_taken[g] && !truth[g]->ignored) continue;
        if (matches[d] >= 0 && !ignored[static_cast<std::size_t>(matches[d])] && ignored[g]) break;
        if (const double value = overlaps[d * truth.size() + g]; value >= best) {
          best = value;
          matches[d] = static_cast<std::int64_t>(g);
        }
      }
      if (matches[d] >= 0) is_taken[static_cast<std::size_t>(matches[d])] = true;
    }
    return matches;
  }

  /// The object that it lies over best, taken or not; their number if it lies over none by half.
  std::size_t voc_match(const Box& box) const {
    double best = 0;
    std::size_t at = truth.size();
    for (std::size_t g = 0; g < truth.size(); ++g) {
      if (const double value = intersection_over_union(box, *truth[g]); value > best) {
        best = value;
        at = g;
      }
    }
    return best < 0.5 ? truth.size() : at;
  }

  std::vector<double> overlaps = {};
};

/// Mean over the values that are numbers; NaN if none is.
double mean_of(const std::vector<double>& values) {
  double sum = 0;
  std::size_t count = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    ++count;
  }
  return count == 0 ? nan : sum / static_cast<double>(count);
}

/// Right and all predictions among the first 1, 2, 3, ... that count.
struct Curve {
  std::vector<double> right, precision;

  void add(bool is_right) {
    right.push_back((right.empty() ? 0 : right.back()) + (is_right ? 1 : 0));
    precision.push_back(right.back() / static_cast<double>(right.size()));
  }
  /// Precision at a recall becomes the best at this recall or a higher one.
  void smooth() {
    for (std::size_t i = precision.size(); i-- > 1;) precision[i - 1] = std::max(precision[i - 1], precision[i]);
  }
};

double coco_precision(Curve& curve, double objects) {
  curve.smooth();
  double sum = 0;
  std::size_t at = 0;
  for (std::size_t step = 0; step < num_steps; ++step) {
    const double recall = step + 1 == num_steps ? 1.0 : static_cast<double>(step) * 0.01;
    while (at < curve.right.size() && curve.right[at] / objects < recall) ++at;
    if (at == curve.right.size()) break;
    sum += curve.precision[at];
  }
  return sum / num_steps;
}

double voc_area(const Curve& curve, double objects) {
  double sum = 0, before = 0;
  for (std::size_t i = 0; i < curve.right.size(); ++i) {
    sum += (curve.right[i] - before) / objects * curve.precision[i];
    before = curve.right[i];
  }
  return sum;
}

double voc_eleven(const Curve& curve, double objects) {
  double sum = 0;
  for (int step = 0; step <= 10; ++step) {
    const auto at = std::ranges::find_if(curve.right, [&](double right) { return 10 * right >= step * objects; });
    if (at != curve.right.end()) sum += curve.precision[static_cast<std::size_t>(at - curve.right.begin())];
  }
  return sum / 11;
}

}  // namespace

void AveragePrecision::add(std::span<const Box> found, std::span<const GivenBox> truth) {
  std::map<std::string_view, Matcher> by_class;
  for (const Box& box : found) by_class[box.label].found.push_back(&box);
  for (const GivenBox& box : truth) by_class[box.label].truth.push_back(&box);
  for (auto& [label, matcher] : by_class) {
    matcher.sort();
    Class& kind = classes_[std::string(label)];
    const std::size_t first = kind.found.size(), num_truths = matcher.truth.size();
    for (std::size_t d = 0; d < matcher.found.size(); ++d)
      kind.found.push_back({matcher.found[d]->score, {}, {}, static_cast<std::uint32_t>(d), Found::Wrong});

    for (std::size_t area = 0; area < num_areas; ++area) {
      std::vector<bool> ignored(num_truths);
      for (std::size_t g = 0; g < num_truths; ++g)
        ignored[g] = matcher.truth[g]->ignored || is_outside(matcher.truth[g]->object_area, area);
      std::vector<std::size_t> order(num_truths);
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::ranges::stable_partition(order, [&](std::size_t g) { return !ignored[g]; });
      kind.objects[area] += std::ranges::count(ignored, false);
      for (std::size_t t = 0; t < num_thresholds; ++t) {
        const std::vector<std::int64_t> matches = matcher.match(threshold(t), order, ignored);
        for (std::size_t d = 0; d < matches.size(); ++d) {
          const bool is_matched = matches[d] >= 0;
          const bool is_ignored = is_matched ? ignored[static_cast<std::size_t>(matches[d])] : is_outside(matcher.found[d]->area(), area);
          const auto bit = static_cast<std::uint16_t>(1U << t);
          if (is_ignored) {
            kind.found[first + d].ignored[area] |= bit;
          } else if (is_matched) {
            kind.found[first + d].right[area] |= bit;
          }
        }
      }
    }

    std::vector<bool> is_taken(num_truths);
    for (std::size_t d = 0; d < matcher.found.size(); ++d) {
      const std::size_t best = matcher.voc_match(*matcher.found[d]);
      if (best == num_truths) continue;
      if (matcher.truth[best]->ignored) {
        kind.found[first + d].voc = Found::Ignored;
      } else if (!is_taken[best]) {
        is_taken[best] = true;
        kind.found[first + d].voc = Found::Right;
      }
    }
    kind.voc_objects += std::ranges::count(matcher.truth, false, &GivenBox::ignored);
  }
}

/// What is computed of one class; NaN where it has no object that counts.
struct AveragePrecision::Curves {
  explicit Curves(const Class& kind) : kind_(kind), order_(kind.found.size()) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::ranges::stable_sort(order_, is_surer, [&](std::size_t i) { return kind_.found[i].score; });
  }

  double precision(std::size_t area, std::size_t t) const {
    if (kind_.objects[area] == 0) return nan;
    Curve curve = coco(area, t, most_found);
    return coco_precision(curve, static_cast<double>(kind_.objects[area]));
  }
  double precision(std::size_t area) const {
    std::vector<double> values;
    for (std::size_t t = 0; t < num_thresholds; ++t) values.push_back(precision(area, t));
    return mean_of(values);
  }
  double recall(std::size_t most) const {
    if (kind_.objects[all_areas] == 0) return nan;
    double sum = 0;
    for (std::size_t t = 0; t < num_thresholds; ++t) {
      const Curve curve = coco(all_areas, t, most);
      sum += curve.right.empty() ? 0 : curve.right.back();
    }
    return sum / static_cast<double>(kind_.objects[all_areas]) / num_thresholds;
  }
  std::pair<double, double> voc() const {
    if (kind_.voc_objects == 0) return {nan, nan};
    Curve curve;
    for (const std::size_t i : order_) {
      if (kind_.found[i].voc != Found::Ignored) curve.add(kind_.found[i].voc == Found::Right);
    }
    curve.smooth();
    const auto objects = static_cast<double>(kind_.voc_objects);
    return {voc_area(curve, objects), voc_eleven(curve, objects)};
  }

 private:
  Curve coco(std::size_t area, std::size_t t, std::size_t most) const {
    Curve curve;
    for (const std::size_t i : order_) {
      const Found& found = kind_.found[i];
      if (found.rank < most && (found.ignored[area] >> t & 1) == 0) curve.add((found.right[area] >> t & 1) != 0);
    }
    return curve;
  }

  const Class& kind_;
  std::vector<std::size_t> order_;
};

MetricValues AveragePrecision::compute() const {
  std::map<std::string, std::vector<double>> values;
  constexpr std::array<const char*, num_areas> area_names{"ap", "ap_small", "ap_medium", "ap_large"};
  for (const auto& [label, kind] : classes_) {
    const Curves curves(kind);
    for (std::size_t area = 0; area < num_areas; ++area) values[area_names[area]].push_back(curves.precision(area));
    values["ap50"].push_back(curves.precision(all_areas, 0));
    values["ap75"].push_back(curves.precision(all_areas, 5));
    for (const std::size_t most : {1, 10, 100}) values["ar" + std::to_string(most)].push_back(curves.recall(most));
    const auto [area, eleven] = curves.voc();
    values["voc_ap50"].push_back(area);
    values["voc07_ap50"].push_back(eleven);
  }
  MetricValues means;
  for (const char* name : {"ap", "ap50", "ap75", "ar1", "ar10", "ar100", "voc_ap50", "voc07_ap50"})
    means.emplace_back(name, mean_of(values[name]));
  for (const char* name : {"ap_small", "ap_medium", "ap_large"}) {
    if (const double mean = mean_of(values[name]); !std::isnan(mean)) means.emplace_back(name, mean);
  }
  return means;
}

std::map<std::string, ClassPrecision> AveragePrecision::classes() const {
  std::map<std::string, ClassPrecision> all;
  for (const auto& [label, kind] : classes_) {
    if (kind.voc_objects == 0) continue;
    const Curves curves(kind);
    all[label] = {kind.voc_objects, curves.precision(all_areas), curves.precision(all_areas, 0), curves.voc().first};
  }
  return all;
}

void AveragePrecision::merge(const Metric& other) {
  for (const auto& [label, theirs] : dynamic_cast<const AveragePrecision&>(other).classes_) {
    Class& kind = classes_[label];
    kind.found.insert(kind.found.end(), theirs.found.begin(), theirs.found.end());
    for (std::size_t area = 0; area < num_areas; ++area) kind.objects[area] += theirs.objects[area];
    kind.voc_objects += theirs.voc_objects;
  }
}

}  // namespace graft::metric
