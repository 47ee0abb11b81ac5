#pragma once

#include <string>

#include "graft/data/dataset.h"
#include "graft/model/feature_set.h"
#include "graft/model/model.h"
#include "graft/train/history.h"
#include "train/stream.h"

namespace graft::train {

/// The phase in which samples are made for the frozen part, as reports call it: "tokenize" where they are made of texts, else "prepare".
std::string preparing_phase(const Model& model);

/// What the frozen part gives for the data, computed where `store` does not hold it: several views where preparing samples is random.
/// Nothing where the store is off or the model has nothing to keep. Adds its seconds to `phases`. A stop leaves the sets short.
Stores fill_stores(const Model& model, const Data& data, FeatureSetOptions how, const FeatureStore& store, Phases& phases);

}  // namespace graft::train
