#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/data/boxes.h"
#include "graft/metric/metric.h"

namespace graft::metric {

/// How well objects of one class are found.
struct ClassPrecision {
  /// Objects there are, without those that are ignored.
  std::int64_t objects = 0;
  /// As AveragePrecision gives them over all classes.
  double ap = 0, ap50 = 0, voc_ap50 = 0;
};

/// How well objects are found in pictures, as COCO and Pascal VOC measure it. A picture is an answer; predictions are Decoded::boxes, the
/// truth is boxes_of(record). Means over the classes of which there is an object:
///   ap, ap50, ap75                  COCO's average precision: precision at 101 steps of recall, over intersections over union of 0.50 to
///   0.95
///                                   by 0.05, and at 0.50 and 0.75 alone
///   ar1, ar10, ar100                recall with that many predictions of a class in a picture at most, over the same ten thresholds; what
///                                   lies beyond 100 counts for none of COCO's values
///   voc_ap50, voc07_ap50            at 0.50, Pascal VOC's area under the curve (2010 on) and its mean over 11 steps of recall (2007)
///   ap_small, ap_medium, ap_large   of objects by "object_area", up to 32², to 96², above: only where there are such
/// NaN where there are no objects at all. The rules are those of pycocotools (COCOeval with bbox: scores in stable order over pictures in
/// the order in which they came, ignored boxes as crowds, of which any share of the prediction's own area is an intersection over union)
/// and of the VOC development kit, which matches a prediction with its best box whether that is taken or not; lengths are x2 - x1, nothing
/// added. Keeps 32 bytes a prediction.
class GRAFT_API AveragePrecision final : public Metric {
 public:
  void answer(const Decoded& answer, const Record& record) override { add(answer.boxes, boxes_of(record)); }
  /// Adds a picture.
  void add(std::span<const Box> found, std::span<const GivenBox> truth);
  MetricValues compute() const override;
  void merge(const Metric& other) override;
  void reset() override { classes_.clear(); }
  /// By name, of those of which there is an object.
  std::map<std::string, ClassPrecision> classes() const;

 private:
  static constexpr std::size_t num_areas = 4;
  /// A prediction. Bit t of a mask is for the threshold t, of an area: matched with an object that counts, in neither.
  struct Found {
    double score;
    std::array<std::uint16_t, num_areas> right, ignored;
    /// Among those of its picture and class, from 0.
    std::uint32_t rank;
    enum Voc : std::uint32_t { Wrong, Right, Ignored } voc;
  };
  struct Class {
    std::vector<Found> found;
    /// Objects that count, by area; of VOC all.
    std::array<std::int64_t, num_areas> objects = {};
    std::int64_t voc_objects = 0;
  };
  struct Curves;

  std::map<std::string, Class> classes_;
};

}  // namespace graft::metric
