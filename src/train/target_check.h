#pragma once

#include <span>
#include <string>

#include "graft/data/sample.h"
#include "graft/head/head.h"

namespace graft::train {

/// Throws DataError (graft-D016) if a sample has soft targets that the loss of a classifier or multi-label head would take in silence:
/// shares outside [0, 1], or probabilities of classes that do not sum to 1.
void require_shares(const Head& head, std::span<const Sample> samples, const std::string& place);

}  // namespace graft::train
