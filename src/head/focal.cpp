#include "head/focal.h"

#include <ATen/ATen.h>

#include <limits>

namespace graft::head {
namespace {

/// 1 - p. Never 0: the derivative of a power below 1 is infinite there, and infinity times 0 is no number.
at::Tensor doubts(const at::Tensor& logs) { return logs.expm1().neg().clamp_min(std::numeric_limits<float>::min()); }

/// In float32 at least: half types have no number that small.
at::Tensor widened(const at::Tensor& scores) { return at::isReducedFloatingType(scores.scalar_type()) ? scores.to(at::kFloat) : scores; }

}  // namespace

at::Tensor focal_logs(const at::Tensor& logs, double gamma) { return doubts(logs).pow(gamma) * logs; }

at::Tensor focal_slopes(const at::Tensor& logs, double gamma) {
  // d/dl of (1 - e^l)^g l: (1 - p)^g (1 - g p l / (1 - p))
  const at::Tensor doubt = doubts(logs);
  return doubt.pow(gamma) * (1 - gamma * logs.exp() * (logs / doubt));
}

at::Tensor focal_loss(const at::Tensor& scores, const at::Tensor& label, const at::Tensor& weights, double gamma) {
  const at::Tensor logs = focal_logs(widened(scores).log_softmax(-1), gamma);
  const at::Tensor weight = weights.defined() ? weights.to(logs.scalar_type()) : weights;
  if (label.dim() == 1) return at::nll_loss(logs, label, weight, at::Reduction::Sum);
  return -(logs * (weight.defined() ? label * weight : label)).sum();
}

at::Tensor binary_focal_loss(const at::Tensor& scores, const at::Tensor& labels, const at::Tensor& positive, double gamma) {
  const at::Tensor wide = widened(scores);
  const at::Tensor yes = focal_logs(at::log_sigmoid(wide), gamma), no = focal_logs(at::log_sigmoid(-wide), gamma);
  return -((positive.defined() ? labels * positive : labels) * yes + (1 - labels) * no).sum();
}

}  // namespace graft::head
