#include "train/mixtures.h"

#include "graft/core/log.h"
#include "graft/data/loader.h"
#include "graft/model/feature_set.h"

namespace graft::train {

MixOptions mixing(const Model& model, const TrainerOptions& options) {
  return {.mixup = options.mixup,
          .cutmix = options.cutmix,
          .targets = [&head = model.head()](const Fields& first, const Fields& second, double share) {
            return head.mixed(first, second, share);
          }};
}

void require_mixable(const Model& model, const Data& train, const TrainerOptions& options) {
  if (!mixes(options) || train.empty()) return;
  const MixOptions how = mixing(model, options);
  Rng rng(options.seed);
  for (const Sample& sample : samples_of(train, 0, *model.preprocess(), target_function(model), rng, Mode::Eval))
    data::mixed(sample, sample, how, rng);
}

FeatureStore training_store(const TrainerOptions& options) {
  if (!mixes(options)) return options.store;
  if (options.store.is_on()) log(LogLevel::Info, "no stored features of training data: its pictures are mixed anew in each epoch");
  return FeatureStore::off();
}

}  // namespace graft::train
