#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/data/preprocess.h"
#include "graft/image/affine.h"
#include "graft/image/augment.h"
#include "graft/image/resize.h"

namespace graft::image {

/// How a picture comes to the size that the network wants.
enum class Fit {
  /// Stretched to it: all of the picture, its proportions changed.
  Stretch,
  /// Resized until it covers the wanted size divided by crop_share; the centre is cut out (torchvision's Resize and CenterCrop).
  Crop,
  /// Resized until it fits, and framed with the mean colour: all of the picture in its proportions.
  Letterbox,
};

struct PicturesOptions {
  /// The field of a record: the path of a file, or a tensor uint8 [H, W], [H, W, 1 or 3] or [1 or 3, H, W].
  std::string image = "image";
  /// What the network sees, in pixels.
  std::int64_t height = 224, width = 224;
  Fit fit = Fit::Crop;
  /// For Fit::Crop: share of the resized picture's shorter side that is kept, in (0, 1].
  double crop_share = 0.875;
  Interpolation interpolation = Interpolation::Bilinear;
  /// Of red, green and blue in [0, 1]; the network sees (value - mean) / std. ImageNet's.
  std::vector<double> mean = {0.485, 0.456, 0.406};
  std::vector<double> std = {0.229, 0.224, 0.225};
  /// What changes at random in training.
  AugmentOptions augment = {};
  /// Whether samples also say where things went, as heads that find places want it.
  bool places = false;
  /// Bytes for pictures that were decoded and resized once and are kept; 0 keeps none.
  std::int64_t memory = std::int64_t{2} << 30;
};

class KeptPictures;
enum class Cut;

/// Turns the picture of a record into "image" float32 [3, height, width], channels last in memory. With `places` also "geometry" float32
/// [2, 3], the map from the picture's pixels to the network's (Affine), and "frame" int64 [4]: height and width of the picture, then of
/// what the network sees. Files are decoded once as long as memory lasts; copies share what is kept.
class GRAFT_API Pictures final : public Preprocess {
 public:
  /// Throws ConfigError that lists every option out of range.
  explicit Pictures(PicturesOptions options = {});
  /// From config().
  static Pictures from_config(const nlohmann::json& config);
  /// What a backbone's "preprocess.json" asks for: {"type": "image", "size", "interpolation", "mean", "std"}, "crop_share" where it is
  /// another. Throws ConfigError if it asks for something else.
  static PicturesOptions options_from(const nlohmann::json& preprocess);

  /// Throws DataError if the record has no such field, the file cannot be decoded or the tensor has another shape.
  std::vector<Sample> operator()(const Record& record, Rng& rng, Mode mode) const override;
  nlohmann::json config() const override;
  bool is_uniform() const override { return true; }
  Record example() const override;

  /// The picture, uint8 [height, width, 3], that the network sees before its values are scaled; the caller's own. `geometry` receives the
  /// map from the record's picture to it.
  at::Tensor shown(const Record& record, Rng& rng, Mode mode, Affine* geometry = nullptr) const;
  /// The same with another augmentation; what is kept is shared.
  Pictures with_augment(const AugmentOptions& augment) const;
  /// The same for another size, with a memory of its own.
  Pictures with_size(std::int64_t height, std::int64_t width) const;
  /// Files decoded so far, by this and the copies that share its memory.
  std::int64_t decoded() const;
  const PicturesOptions& options() const { return options_; }

 private:
  View in_size(const Record& record, Cut cut) const;
  View view(const Record& record, Rng& rng, Mode mode) const;

  PicturesOptions options_;
  std::shared_ptr<KeptPictures> kept_;
  /// What the network sees for each value of each colour.
  std::array<std::array<float, 256>, 3> scaled_;
};

}  // namespace graft::image
