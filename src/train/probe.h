#pragma once

#include "graft/train/fine_tune.h"

namespace graft::train {

/// Solves the head's linear layer on stored features, from the strongest penalty to the weakest, each from the solution before; keeps the
/// one with the lowest validation loss, or the highest "oscr" (to 0.001) where a classifier that rejects has examples of what to reject.
/// Without validation data parts of the training data are held out in turn to choose, and all of it is solved in the end. Needs
/// head.linear().
TrainReport probe(Model& model, const Splits& data, const FineTuneOptions& options);

}  // namespace graft::train
