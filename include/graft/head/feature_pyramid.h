#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/core/rng.h"
#include "graft/head/script.h"

namespace graft::head {

/// Registers a parameter of the head that owns it, as Head::parameter does.
using RegisterParameter = std::function<at::Tensor(std::string name, at::Tensor initial)>;

/// Brings maps of several resolutions to one number of channels and lets what coarse ones know flow into the fine ones (Lin et al., Feature
/// Pyramid Networks for Object Detection, 2017). A part of a head that looks at places of a picture.
class GRAFT_API FeaturePyramid {
 public:
  /// `widths`: channels of the maps, finest first. Parameters: "lateral_I_weight" [channels, widths[I], 1, 1], "smooth_I_weight" [channels,
  /// channels, 3, 3], and their biases.
  FeaturePyramid(std::span<const std::int64_t> widths, std::int64_t channels, Rng rng, const RegisterParameter& parameter);

  /// Maps [N, widths[I], h, w], finest first, of any sizes; gives [N, channels, h, w] of the same sizes.
  std::vector<at::Tensor> operator()(std::span<const at::Tensor> maps) const;

 private:
  struct Convolution {
    at::Tensor weight, bias;
  };
  std::vector<Convolution> lateral_, smooth_;
  Script as_large_as_;
};

/// Maps are laid out channel by channel within a pixel (channels last), which is how convolutions on processors read them fastest.
GRAFT_API at::Tensor channels_last(const at::Tensor& maps);

}  // namespace graft::head
