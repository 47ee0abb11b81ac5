#pragma once

#include <ATen/core/Tensor.h>

namespace graft::head {

/// relu(group_norm(maps)) of maps [N, C, h, w], as ATen gives it. On the CPU it is one kernel of two passes over channels-last maps,
/// forward and backward (ATen's backward of a group norm takes longer than the convolutions around it); ATen's operators where a network is
/// being recorded.
at::Tensor norm_relu(const at::Tensor& maps, std::int64_t groups, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace graft::head
