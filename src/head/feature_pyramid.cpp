#include "graft/head/feature_pyramid.h"

#include <ATen/ATen.h>

#include "head/convolution.h"

namespace graft::head {
namespace {

// A size that tracing sees as a number would be that of the example for ever.
constexpr const char* as_large_as = R"(
def as_large_as(map: Tensor, other: Tensor) -> Tensor:
    return torch.upsample_nearest2d(map, [other.size(2), other.size(3)])
)";

}  // namespace

FeaturePyramid::FeaturePyramid(std::span<const std::int64_t> widths, std::int64_t channels, Rng rng, const RegisterParameter& parameter)
    : as_large_as_(as_large_as) {
  for (std::size_t level = 0; level < widths.size(); ++level) {
    const auto add = [&](const std::string& name, std::int64_t from, std::int64_t side) {
      const std::string prefix = name + "_" + std::to_string(level);
      return Convolution{parameter(prefix + "_weight", uniform_kernel({channels, from, side, side}, rng)),
                         parameter(prefix + "_bias", at::zeros({channels}))};
    };
    lateral_.push_back(add("lateral", widths[level], 1));
    smooth_.push_back(add("smooth", channels, 3));
  }
}

std::vector<at::Tensor> FeaturePyramid::operator()(std::span<const at::Tensor> maps) const {
  std::vector<at::Tensor> levels(maps.size());
  at::Tensor above;
  for (std::size_t level = maps.size(); level-- > 0;) {
    at::Tensor sum = convolved(channels_last(maps[level]), lateral_[level].weight, lateral_[level].bias);
    if (above.defined()) sum = sum + as_large_as_({above, sum}).front();
    levels[level] = convolved(sum, smooth_[level].weight, smooth_[level].bias);
    above = sum;
  }
  return levels;
}

at::Tensor channels_last(const at::Tensor& maps) { return maps.contiguous(at::MemoryFormat::ChannelsLast); }

}  // namespace graft::head
