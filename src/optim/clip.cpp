#include "graft/optim/clip.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "core/json.h"
#include "core/names.h"
#include "graft/core/error.h"

namespace graft {
namespace {

/// Against division by 0, as in PyTorch.
constexpr double kNormEpsilon = 1e-6;
/// Weights that are shorter, such as those that start at 0, count as so long: else they would never move.
constexpr double kShortestUnit = 1e-3;

ConfigError wrong(std::string message, std::string remedy) {
  return ConfigError({.code = "graft-C031", .message = "[Clip] " + std::move(message), .remedy = std::move(remedy), .place = ""});
}

/// In the order of Clip::Kind.
const std::vector<std::string>& kinds() {
  static const std::vector<std::string> names{"none", "norm", "values", "adaptive"};
  return names;
}

/// The numbers of a gradient: of a sparse one its rows, each of them once.
at::Tensor numbers(const at::Tensor& parameter) {
  at::Tensor& gradient = parameter.mutable_grad();
  if (!gradient.is_sparse()) return gradient;
  if (!gradient.is_coalesced()) gradient = gradient.coalesce();
  return gradient._values();
}

at::Tensor joint_norm(const std::vector<at::Tensor>& tensors, const std::vector<at::Tensor>& parameters) {
  if (tensors.empty()) return parameters.empty() ? at::zeros({}) : at::zeros({}, parameters.front().options());
  const bool have_products = std::ranges::all_of(tensors, [](const at::Tensor& tensor) {
    return tensor.is_cpu() && (tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kDouble) &&
           tensor.is_non_overlapping_and_dense();
  });
  if (!have_products) return at::stack(at::_foreach_norm(tensors, 2)).norm();
  // LibTorch's norm of a whole tensor runs in one thread; a product with itself does not.
  double squares = 0;
  for (const at::Tensor& tensor : tensors) {
    const at::Tensor flat = tensor.as_strided({tensor.numel()}, {1});
    squares += at::dot(flat, flat).item<double>();
  }
  return at::scalar_tensor(std::sqrt(squares), tensors.front().options());
}

/// One for each entry of the first dimension, [N, 1, ...], or one of all.
at::Tensor unit_norms(const at::Tensor& tensor, bool one_unit) {
  if (one_unit) return at::linalg_vector_norm(tensor);
  std::vector<std::int64_t> dimensions(static_cast<std::size_t>(tensor.dim() - 1));
  std::iota(dimensions.begin(), dimensions.end(), 1);
  return at::linalg_vector_norm(tensor, 2, dimensions, /*keepdim=*/true);
}

/// The weights that belong to the numbers of the gradient.
at::Tensor weights_of(const at::Tensor& parameter, bool one_unit) {
  const at::Tensor& gradient = parameter.grad();
  if (one_unit || !gradient.is_sparse()) return parameter;
  if (gradient.sparse_dim() != 1) {
    throw wrong("adaptive clipping of a sparse gradient wants whole rows, got one that is sparse in " +
                    std::to_string(gradient.sparse_dim()) + " dimensions.",
                "Clip by norm or value.");
  }
  return parameter.index_select(0, gradient._indices()[0]);
}

at::Tensor clip_adaptively(const std::vector<at::Tensor>& parameters, double limit) {
  std::vector<at::Tensor> gradients, lengths, factors;
  for (const at::Tensor& parameter : parameters) {
    if (!parameter.grad().defined()) continue;
    const bool one_unit = parameter.dim() < 2;
    gradients.push_back(numbers(parameter));
    lengths.push_back(unit_norms(gradients.back(), one_unit));
    factors.push_back(unit_norms(weights_of(parameter, one_unit), one_unit));
  }
  const at::Tensor norm = joint_norm(lengths, parameters);
  if (gradients.empty()) return norm;
  at::_foreach_clamp_min_(factors, kShortestUnit);
  at::_foreach_mul_(factors, limit);
  at::_foreach_div_(factors, lengths);  // a length of 0 gives infinity, so 1
  at::_foreach_clamp_max_(factors, 1.0);
  at::_foreach_mul_(gradients, factors);
  return norm;
}

}  // namespace

Clip::Kind Clip::kind_from(const std::string& name) {
  const auto found = std::ranges::find(kinds(), name);
  if (found != kinds().end()) return static_cast<Kind>(found - kinds().begin());
  throw wrong("one of " + quoted_list(kinds()) + " is wanted, got \"" + name + "\".",
              did_you_mean(name, kinds(), "Use one of these names."));
}

Clip Clip::parse(const std::string& text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  Clip clip{.kind = kind_from(text.substr(0, colon))};
  if (clip.kind == Kind::None && colon == text.size()) return clip;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data() + std::min(colon + 1, text.size()), end, clip.limit);
  if (clip.kind == Kind::None || error != std::errc() || at != end || !(clip.limit > 0))
    throw wrong("a kind and a limit above 0 are wanted, got \"" + text + "\".", "For instance norm:1, values:0.5, adaptive:0.01.");
  return clip;
}

std::string Clip::text() const {
  const std::string& name = kinds()[static_cast<std::size_t>(kind)];
  return kind == Kind::None ? name : name + ":" + Json(limit).dump();
}

void Clip::check() const {
  if (kind == Kind::None || limit > 0) return;
  throw wrong("a limit above 0 is wanted, got " + std::to_string(limit) + ".",
              "Clip{.kind = Clip::Kind::None} leaves gradients as they are.");
}

at::Tensor clip_gradients(const std::vector<at::Tensor>& parameters, const Clip& clip) {
  clip.check();
  const c10::NoGradGuard no_grad;
  if (clip.kind == Clip::Kind::Adaptive) return clip_adaptively(parameters, clip.limit);
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& parameter : parameters) {
    if (parameter.grad().defined()) gradients.push_back(numbers(parameter));
  }
  const at::Tensor norm = joint_norm(gradients, parameters);
  if (gradients.empty()) return norm;
  if (clip.kind == Clip::Kind::Norm) {
    if (norm.is_cpu() && norm.item<double>() + kNormEpsilon <= clip.limit) return norm;  // a pass that would change nothing
    at::_foreach_mul_(gradients, (clip.limit / (norm + kNormEpsilon)).clamp_max(1.0));
  } else if (clip.kind == Clip::Kind::Values) {
    at::_foreach_clamp_min_(gradients, -clip.limit);
    at::_foreach_clamp_max_(gradients, clip.limit);
  }
  return norm;
}

at::Tensor clip_grad_norm(const std::vector<at::Tensor>& parameters, double max_norm) {
  return clip_gradients(parameters, {.kind = max_norm > 0 ? Clip::Kind::Norm : Clip::Kind::None, .limit = max_norm});
}

}  // namespace graft
