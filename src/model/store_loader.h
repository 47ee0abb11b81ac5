#pragma once

#include "graft/data/loader.h"
#include "graft/model/feature_store.h"

namespace graft {

/// Every sample once, texts of equal length together, so that nothing is padded.
inline Loader store_loader(const Model& model, const Data& data, const FeatureStoreOptions& options) {
  return Loader(data, model.preprocess(), target_function(model),
                {.batch_positions = options.batch_positions,
                 .order = Order::ByLength,
                 .mode = options.mode,
                 .seed = options.seed,
                 .threads = options.threads,
                 .stop = options.stop});
}

}  // namespace graft
