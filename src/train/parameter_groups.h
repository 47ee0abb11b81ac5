#pragma once

#include <set>
#include <string>
#include <vector>

#include "graft/model/model.h"
#include "graft/optim/optimizer.h"
#include "graft/train/trainer_options.h"

namespace graft::train {

/// Names of the backbone's parameters that train at some time of the run: by the model's policy, or by the last of `unfreeze`.
/// Throws ConfigError if a policy of `unfreeze` trains less than the one before it.
std::set<std::string> ever_trained(const Model& model, const std::vector<Unfreeze>& unfreeze);

/// The groups of the whole run, each layer group in two: matrices, which decay, and the rest. Their structure does not depend on what
/// trains now; parameters that rest are undefined. Throws ConfigError for a rule of `options.rates` that matches nothing.
std::vector<ParameterGroup> parameter_groups(const Model& model, const TrainerOptions& options);

}  // namespace graft::train
