#pragma once

#include <memory>
#include <vector>

#include "graft/model/feature_set.h"
#include "graft/train/trainer.h"
#include "model/cut_set.h"

namespace graft::train {

/// What one step reads.
struct StepInput {
  Fields features, targets;
  std::int64_t rows = 0;
};

/// The training data of an epoch, batch by batch, from stored features or through the live backbone.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual void begin(int epoch) = 0;
  /// Valid until the next call; null at the end of the epoch.
  virtual const StepInput* next() = 0;
  virtual std::int64_t steps_per_epoch() const = 0;
};

/// What the frozen part gave once: all that the head reads, or what crosses the freeze line, or nothing. Several where preparing samples is
/// random: epochs take them in turn.
struct Stores {
  std::vector<FeatureSet> features;
  std::vector<CutSet> cuts;
};

/// Without stores features are computed by `model`, with gradients where its backbone trains. All are kept by reference.
std::unique_ptr<Stream> make_stream(const Model& model, const Data& data, const Stores& stores, const TrainerOptions& options);

}  // namespace graft::train
