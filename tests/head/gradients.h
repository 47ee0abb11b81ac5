#pragma once

#include <functional>

#include "graft/head/head.h"
#include "support.h"

namespace graft::test {

/// One entry of each of the head's parameters: the gradient of `loss` against its central difference, `step` to both sides.
inline void check_gradients(const Head& head, const std::function<at::Tensor()>& loss, double margin, double step = 1e-2) {
  loss().backward();
  for (const auto& [name, parameter] : head.parameters()) {
    INFO(name);
    const double gradient = parameter.grad().view(-1)[1].item<double>();
    const c10::NoGradGuard no_grad;
    at::Tensor entry = parameter.view(-1)[1];
    entry.add_(step);
    const double above = loss().item<double>();
    entry.sub_(2 * step);
    CHECK((above - loss().item<double>()) / (2 * step) == Approx(gradient).margin(margin));
    entry.add_(step);
  }
}

}  // namespace graft::test
