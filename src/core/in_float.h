#pragma once

#include "graft/core/fields.h"

namespace graft {

/// Tensors of half precision as float32, for losses and metrics; others are shared.
Fields in_float(const Fields& fields);

}  // namespace graft
