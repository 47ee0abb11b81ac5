#include "head/detector_layers.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "head/convolution.h"
#include "head/detect_script.h"
#include "head/initial.h"
#include "head/norm_relu.h"

namespace graft::head {
namespace {

constexpr double rare = 0.01;          // the share of places that hold an object, as first guessed
constexpr double deviation = 0.01;     // of the first weights of what answers
constexpr std::int64_t per_group = 4;  // channels that a group norm norms together

std::vector<std::int64_t> widths_of(const DetectorOptions& options) {
  std::vector<std::int64_t> widths;
  for (const DetectorMap& map : options.maps) widths.push_back(map.width);
  return widths;
}

/// [N, C, h, w] to [N, h * w, C]; free where maps are laid out channels last.
at::Tensor by_place(const at::Tensor& map) { return map.permute({0, 2, 3, 1}).flatten(1, 2); }

}  // namespace

DetectorLayers::DetectorLayers(const DetectorOptions& options, const RegisterParameter& parameter)
    : pyramid_(widths_of(options), options.channels, Rng(options.seed, 1), parameter),
      detect_(detect_script(options)),
      groups_(std::max<std::int64_t>(1, options.channels / per_group)) {
  const std::int64_t channels = options.channels;
  std::uint64_t stream = 1;
  const auto drawn = [&](std::int64_t out) { return normal({out, channels, 3, 3}, deviation, Rng(options.seed, ++stream)); };
  const auto add_steps = [&](const std::string& name, std::vector<Step>& steps) {
    for (std::int64_t i = 0; i < options.convolutions; ++i) {
      const std::string prefix = name + "_" + std::to_string(i);
      Step step;
      step.kernel = parameter(prefix + "_weight", drawn(channels));
      step.bias = parameter(prefix + "_bias", at::zeros({channels}));
      step.scale = parameter(prefix + "_norm_weight", at::ones({channels}));
      step.shift = parameter(prefix + "_norm_bias", at::zeros({channels}));
      steps.push_back(std::move(step));
    }
  };
  const auto answer = [&](const std::string& name, std::int64_t count, double first) {
    return Convolution{parameter(name + "_weight", drawn(count)), parameter(name + "_bias", at::full({count}, first))};
  };
  add_steps("class", class_steps_);
  add_steps("side", side_steps_);
  classes_ = answer("classes", static_cast<std::int64_t>(options.labels.size()), -std::log((1 - rare) / rare));
  sides_ = answer("sides", 5, 0.0);
}

at::Tensor DetectorLayers::through(at::Tensor maps, const std::vector<Step>& steps) const {
  for (const Step& step : steps) maps = norm_relu(convolved(maps, step.kernel, step.bias), groups_, step.scale, step.shift);
  return maps;
}

Fields DetectorLayers::answers(const std::vector<at::Tensor>& maps) const {
  std::vector<at::Tensor> classes, sides, centers;
  for (const at::Tensor& level : pyramid_(maps)) {
    classes.push_back(by_place(convolved(through(level, class_steps_), classes_.kernel, classes_.bias)));
    const at::Tensor answer = by_place(convolved(through(level, side_steps_), sides_.kernel, sides_.bias));
    sides.push_back(answer.narrow(2, 0, 4).relu());
    centers.push_back(answer.select(2, 4));
  }
  return {{"class_logits", at::cat(classes, 1)}, {"sides", at::cat(sides, 1)}, {"center_logits", at::cat(centers, 1)}};
}

}  // namespace graft::head
