#include "core/in_float.h"

#include <ATen/ATen.h>

namespace graft {

Fields in_float(const Fields& fields) {
  Fields floats;
  for (const auto& [name, tensor] : fields) {
    const bool half = tensor.scalar_type() == at::kBFloat16 || tensor.scalar_type() == at::kHalf;
    floats.set(name, half ? tensor.to(at::kFloat) : tensor);
  }
  return floats;
}

}  // namespace graft
