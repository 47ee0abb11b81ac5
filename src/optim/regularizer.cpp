#include "graft/optim/regularizer.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <typeinfo>

#include "core/json.h"
#include "core/names.h"
#include "graft/core/error.h"

namespace graft {
namespace {

CheckpointError misfit(const std::string& who, const std::string& message) {
  return CheckpointError({.code = "graft-K022",
                          .message = "[" + who + "] " + message,
                          .remedy = "Continue with the model and the settings of the run that wrote it.",
                          .place = ""});
}

bool has_start(const std::string& name) { return name.starts_with("backbone."); }

void check_shape(const std::string& name, const at::Tensor& start, const at::Tensor& parameter) {
  if (start.sizes() == parameter.sizes()) return;
  throw misfit("L2Sp",
               "the start of \"" + name + "\" is " + shape_text(start.sizes()) + ", the parameter " + shape_text(parameter.sizes()) + ".");
}

/// Weights that are pulled to the same strength: to their origins, or to 0 if there are none.
struct Pull {
  std::vector<at::Tensor> weights, origins, gradients;

  void add(const at::Tensor& parameter, const at::Tensor& origin) {
    at::Tensor& gradient = parameter.mutable_grad();
    if (!gradient.is_sparse()) {
      weights.push_back(parameter);
      gradients.push_back(gradient);
      if (origin.defined()) origins.push_back(origin);
      return;
    }
    if (!gradient.is_coalesced()) gradient = gradient.coalesce();
    const at::Tensor rows = gradient._indices()[0];
    weights.push_back(parameter.index_select(0, rows));
    gradients.push_back(gradient._values());
    if (origin.defined()) origins.push_back(origin.index_select(0, rows));
  }

  /// Adds its gradients; returns strength / 2 * |weights - origins|^2.
  at::Tensor apply(double strength) {
    const std::vector<at::Tensor> distances = origins.empty() ? weights : at::_foreach_sub(weights, origins);
    at::_foreach_add_(gradients, distances, strength);
    return at::stack(at::_foreach_norm(distances, 2)).square().sum() * (strength / 2);
  }
};

}  // namespace

void Regularizer::restore(const Fields& state) {
  if (!state.empty()) throw misfit("Regularizer", "nothing is kept here, but the state holds " + quoted_list(state.names(), 3) + ".");
}

std::string Regularizer::text() const { return typeid(*this).name(); }

L2Sp::L2Sp(double alpha, double beta) : alpha_(alpha), beta_(beta) {
  for (const double strength : {alpha, beta}) {
    if (strength >= 0 && std::isfinite(strength)) continue;
    throw ConfigError({.code = "graft-C040",
                       .message = "[L2Sp] strengths of at least 0 are wanted, got " + std::to_string(strength) + ".",
                       .remedy = "0.01 is a good start for both; 0 switches one off.",
                       .place = ""});
  }
}

std::string L2Sp::text() const { return "L2-SP " + Json(alpha_).dump() + ", " + Json(beta_).dump(); }

void L2Sp::begin(const NamedTensors& parameters) {
  for (const auto& [name, parameter] : parameters) {
    if (const auto known = starts_.find(name); known != starts_.end()) check_shape(name, known->second, parameter);
  }
  Regularizer::begin(parameters);
  for (const auto& [name, parameter] : parameters) {
    if (!has_start(name)) continue;
    at::Tensor& start = starts_[name];
    start = start.defined() ? start.to(parameter.device(), parameter.scalar_type()) : parameter.detach().clone();
  }
}

at::Tensor L2Sp::add_gradient() {
  const c10::NoGradGuard no_grad;
  Pull backbone, head;
  for (const auto& [name, parameter] : parameters()) {
    if (!parameter.grad().defined()) continue;
    if (has_start(name)) {
      backbone.add(parameter, starts_.at(name));
    } else {
      head.add(parameter, {});
    }
  }
  at::Tensor penalty = parameters().empty() ? at::zeros({}) : at::zeros({}, parameters().front().second.options());
  if (alpha_ > 0 && !backbone.weights.empty()) penalty = penalty + backbone.apply(alpha_);
  if (beta_ > 0 && !head.weights.empty()) penalty = penalty + head.apply(beta_);
  return penalty;
}

Fields L2Sp::state() const {
  Fields state;
  for (const auto& [name, start] : starts_) state.set(name, start);
  return state;
}

void L2Sp::restore(const Fields& state) {
  std::vector<std::string> surplus, missing;
  for (const std::string& name : state.names()) {
    if (!has_start(name)) surplus.push_back(name);
  }
  if (!surplus.empty()) throw misfit("L2Sp", "starts of the backbone alone are wanted, the state holds " + quoted_list(surplus, 3) + ".");
  for (const auto& [name, parameter] : parameters()) {
    if (!has_start(name)) continue;
    if (const at::Tensor* start = state.find(name)) {
      check_shape(name, *start, parameter);
    } else {
      missing.push_back(name);
    }
  }
  if (!missing.empty()) throw misfit("L2Sp", "the state lacks the start of " + quoted_list(missing, 3) + ".");
  starts_.clear();
  for (const auto& [name, start] : state) starts_.emplace(name, start.clone());
  begin(NamedTensors(parameters()));
}

}  // namespace graft
