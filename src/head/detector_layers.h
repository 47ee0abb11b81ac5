#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "graft/core/fields.h"
#include "graft/head/detector.h"
#include "graft/head/feature_pyramid.h"
#include "graft/head/script.h"

namespace graft::head {

/// What a Detector is made of: the pyramid, two rows of convolutions on each of its levels, one for the class and one for the sides of the
/// object at a place, and the choice of the best boxes.
class DetectorLayers {
 public:
  /// Registers the parameters; the options know their maps.
  DetectorLayers(const DetectorOptions& options, const RegisterParameter& parameter);

  /// "class_logits" [N, P, C], "sides" [N, P, 4] and "center_logits" [N, P] of maps [N, width, h, w], finest first.
  Fields answers(const std::vector<at::Tensor>& maps) const;
  /// See detect_script.h.
  std::vector<at::Tensor> detect(const std::vector<at::Tensor>& given) const { return detect_(given); }

 private:
  struct Convolution {
    at::Tensor kernel, bias;
  };
  /// With a group norm and ReLU behind it.
  struct Step : Convolution {
    at::Tensor scale, shift;
  };
  at::Tensor through(at::Tensor maps, const std::vector<Step>& steps) const;

  FeaturePyramid pyramid_;
  std::vector<Step> class_steps_, side_steps_;
  Convolution classes_, sides_;  // `sides_` gives the four distances and the centerness
  Script detect_;
  std::int64_t groups_;
};

}  // namespace graft::head
