#include "graft/optim/loss_scaler.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <tuple>

#include "core/json.h"
#include "graft/core/error.h"

namespace graft {
namespace {

void require(bool holds, const std::string& message) {
  if (holds) return;
  throw ConfigError({.code = "graft-C039",
                     .message = "[LossScaler] " + message,
                     .remedy = "Correct the option; the header gives its range.",
                     .place = ""});
}

bool fits(double scale) { return scale >= std::numeric_limits<float>::denorm_min() && scale <= std::numeric_limits<float>::max(); }

}  // namespace

LossScaler::LossScaler(const LossScalerOptions& options) : options_(options) {
  require(fits(options.init_scale), "a finite first scale above 0 is wanted, got " + std::to_string(options.init_scale) + ".");
  require(options.growth >= 1 && std::isfinite(options.growth),
          "a growth of at least 1 is wanted, got " + std::to_string(options.growth) + ".");
  require(options.backoff > 0 && options.backoff < 1, "a backoff in (0, 1) is wanted, got " + std::to_string(options.backoff) + ".");
  require(options.growth_interval >= 1,
          "a growth interval of at least 1 step is wanted, got " + std::to_string(options.growth_interval) + ".");
  scale_ = at::scalar_tensor(options.init_scale, at::kFloat);
  growth_tracker_ = at::zeros({}, at::kInt);
}

at::Tensor LossScaler::scale(const at::Tensor& loss) const { return loss * scale_; }

bool LossScaler::unscale(const std::vector<at::Tensor>& parameters) {
  const c10::NoGradGuard no_grad;
  // The kernel for CUDA takes tensors of one type and device.
  std::map<std::tuple<c10::DeviceType, c10::DeviceIndex, c10::ScalarType>, std::vector<at::Tensor>> groups;
  for (const at::Tensor& parameter : parameters) {
    const at::Tensor& gradient = parameter.grad();
    if (!gradient.defined()) continue;
    const at::Tensor numbers = gradient.is_sparse() ? gradient._values() : gradient;
    groups[{numbers.device().type(), numbers.device().index(), numbers.scalar_type()}].push_back(numbers);
  }
  const at::Tensor inverse = scale_.to(at::kDouble).reciprocal().to(at::kFloat);
  bool finite = true;
  for (auto& [kind, gradients] : groups) {
    const c10::Device device = gradients.front().device();
    at::Tensor found = at::zeros({1}, at::TensorOptions(device).dtype(at::kFloat));
    at::_amp_foreach_non_finite_check_and_unscale_(gradients, found, inverse.to(device));
    finite = found.item<float>() == 0 && finite;
  }
  finite_ = finite_.value_or(true) && finite;
  return finite;
}

void LossScaler::update() {
  if (!finite_) return;
  const at::Tensor found = at::full({1}, *finite_ ? 0.0 : 1.0, at::kFloat);
  at::_amp_update_scale_(scale_, growth_tracker_, found, options_.growth, options_.backoff, options_.growth_interval);
  finite_.reset();
}

double LossScaler::current() const { return scale_.item<float>(); }

Json LossScaler::state() const { return {{"scale", current()}, {"growth_tracker", growth_tracker_.item<int>()}}; }

void LossScaler::restore(const Json& state) {
  const auto number = [&](const char* key) {
    const bool has = state.is_object() && state.contains(key) && state.at(key).is_number();
    return has ? state.at(key).get<double>() : -1.0;
  };
  const double scale = number("scale"), tracker = number("growth_tracker");
  const bool is_count = tracker >= 0 && tracker < static_cast<double>(options_.growth_interval) && tracker == std::floor(tracker);
  if (!fits(scale) || !is_count) {
    throw CheckpointError({.code = "graft-K022",
                           .message = "[LossScaler] a \"scale\" above 0 and a \"growth_tracker\" below the growth interval of " +
                                      std::to_string(options_.growth_interval) + " are wanted, got " + state.dump() + ".",
                           .remedy = "Continue with the settings of the run that wrote it.",
                           .place = ""});
  }
  scale_.fill_(scale);
  growth_tracker_.fill_(static_cast<int>(tracker));
  finite_.reset();
}

}  // namespace graft
