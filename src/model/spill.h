#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace graft {

/// A tensor of undefined values whose memory is a temporary file without a name, in `folder` or, if that is empty, where the system keeps
/// such files: it goes with the tensor, and the system takes its pages back when memory is short. Throws SystemError if there is no room.
at::Tensor spilled_tensor(at::IntArrayRef sizes, at::ScalarType type, const std::string& folder);

/// Gives the pages that this process holds of a spilled tensor back to the system; the values stay.
void release_pages(const at::Tensor& spilled);

}  // namespace graft
