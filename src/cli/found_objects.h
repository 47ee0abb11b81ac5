#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/drawn_pictures.h"
#include "core/json.h"
#include "graft/data/boxes.h"
#include "graft/metric/metric.h"

namespace graft::cli {

/// Keeps what is found in the pictures of an evaluation beside what there is.
class FoundObjects final : public Metric {
 public:
  /// `image` is the field with the picture's path; objects less sure than `least_score` count as not found.
  FoundObjects(std::string image, double least_score) : image_(std::move(image)), least_score_(least_score) {}

  void answer(const Decoded& answer, const Record& record) override;
  MetricValues compute() const override { return {}; }
  void merge(const Metric& other) override;
  void reset() override { pictures_.clear(); }

  /// Draws the pictures with the most mistakes, at most so many, under names that begin with their rank. Gives of each "image", "drawn",
  /// and how many objects were "right", "missed" (there and not found) and "wrong" (found and not there), worst first.
  Json draw(DrawnPictures& folder, std::size_t most) const;

 private:
  struct Seen {
    std::string file;
    Decoded answer;
    std::vector<GivenBox> truth;
    std::size_t right = 0, missed = 0, wrong = 0;
  };
  std::string image_;
  double least_score_;
  std::vector<Seen> pictures_;
};

}  // namespace graft::cli
