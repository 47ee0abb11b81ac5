#pragma once

#include <functional>

#include "graft/head/head.h"
#include "support.h"

namespace graft::test {

/// One entry of each of the head's parameters: the gradient of `loss` against its central difference.
inline void check_gradients(const Head& head, const std::function<at::Tensor()>& loss, double margin) {
  loss().backward();
  for (const auto& [name, parameter] : head.parameters()) {
    INFO(name);
    const double gradient = parameter.grad().view(-1)[1].item<double>();
    const c10::NoGradGuard no_grad;
    at::Tensor entry = parameter.view(-1)[1];
    entry.add_(1e-2);
    const double above = loss().item<double>();
    entry.sub_(2e-2);
    CHECK((above - loss().item<double>()) / 2e-2 == Approx(gradient).margin(margin));
    entry.add_(1e-2);
  }
}

}  // namespace graft::test
