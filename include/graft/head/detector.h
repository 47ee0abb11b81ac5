#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/data/dataset.h"
#include "graft/head/feature_pyramid.h"
#include "graft/head/head.h"

namespace graft::head {

/// A map that a detector reads, [N, width, rows, columns], as it learned it from the backbone.
struct DetectorMap {
  /// Channels, pixels of the picture from one of its places to the next, and its size on the pictures it trains on.
  std::int64_t width = 0, stride = 0, rows = 0, columns = 0;
};

struct DetectorOptions {
  /// Classes of objects; there is none for the background.
  std::vector<std::string> labels = {};
  /// Values of the backbone [N, C, h, w] by the names of Backbone::taps(), finest first; backbone::pyramid_levels() finds those of any
  /// network of pictures.
  std::vector<std::string> levels = {};
  /// Channels of the pyramid, a multiple of 8, and convolutions before each answer.
  std::int64_t channels = 128;
  std::int64_t convolutions = 2;
  /// Objects less sure than this are not answered, in [0, 1).
  double least_score = 0.05;
  /// Of two boxes of a class that share more of their area than this (intersection over union), the surer one stays, in (0, 1).
  double overlap = 0.6;
  /// Most objects of a picture.
  std::int64_t most_objects = 100;
  std::uint64_t seed = 0;
  /// One for each level; empty: learned from the backbone.
  std::vector<DetectorMap> maps = {};
};

class DetectorLayers;

/// Objects in pictures, without anchors: a feature pyramid, and for every place of its maps the class of the object there, the distances to
/// its four sides, and how near its middle is (Tian et al., FCOS: Fully Convolutional One-Stage Object Detection, 2019). Learns records
/// with boxes (see graft::boxes_of) from image::Pictures with `places`. The choice of the best boxes is part of the network, so that the
/// saved file gives them: "boxes" [N, K, 4] in pixels of what the network sees, "scores" [N, K], best first, and "classes" [N, K]; a score
/// of 0 fills up. Beside them what they are made of: "class_logits" [N, P, C], "sides" [N, P, 4], "center_logits" [N, P].
class GRAFT_API Detector final : public Head {
 public:
  /// Throws ConfigError for options out of range, all of them at once.
  explicit Detector(DetectorOptions options);
  ~Detector() override;
  Detector(Detector&&) noexcept;
  Detector& operator=(Detector&&) noexcept;
  /// The classes of the boxes that are to be learned, in lexical order. Throws DataError if there is none.
  static std::vector<std::string> labels_of(const Data& data);
  /// From config().
  static Detector from_config(const nlohmann::json& config);

  /// Throws ModelError if a level is no map, or levels are not ordered from fine to coarse.
  void build(const Fields& outputs) override;
  std::vector<Feature> reads() const override;
  /// Throws DataError for a class that is none of the labels.
  void targets(const Record& record, std::span<Sample> samples) const override;
  Fields forward(const Fields& features) const override;
  std::vector<std::string> choices() const override { return {"boxes", "scores", "classes"}; }
  Terms loss(const Fields& outputs, const Fields& targets) const override;
  Terms weights(const Fields& targets) const override;
  /// Boxes in pixels of the pictures as they were, where the batch says how they were turned into what the network sees.
  std::vector<Decoded> decode(const Fields& outputs, const Batch& batch, std::span<const Record> records) const override;
  bool has_classes() const override { return false; }
  Metrics metrics() const override;
  std::unique_ptr<Head> extended_by(const Data& data) const override;
  nlohmann::json config() const override;
  const DetectorOptions& options() const { return options_; }

 private:
  void make_layers();

  DetectorOptions options_;
  std::map<std::string, std::int64_t> index_;
  std::unique_ptr<DetectorLayers> layers_;
};

}  // namespace graft::head
