#pragma once

#include <string>

#include "graft/head/detector.h"

namespace graft::head {

/// The choice of boxes as TorchScript: detect(class_logits [N, P, C], sides [N, P, 4], center_logits [N, P], a map [N, *, h, w] of each
/// level's size) gives boxes [N, K, 4], scores [N, K], classes [N, K], with K = most_objects.
std::string detect_script(const DetectorOptions& options);

}  // namespace graft::head
