#include "train/stores.h"

#include "model/store_state.h"
#include "text/tokens_of.h"

namespace graft::train {

std::string preparing_phase(const Model& model) { return text::tokens_of(*model.preprocess()) ? "tokenize" : "prepare"; }

Stores fill_stores(const Model& model, const Data& data, FeatureSetOptions how, const FeatureStore& store, Phases& phases) {
  Stores stores;
  if (!store.is_on()) return stores;
  const auto add = [&]<class Set>(std::vector<Set>& sets) {
    std::optional<Set> made = Set::make(model, data, how, store);
    if (!made) return false;
    add_phase(phases, preparing_phase(model), made->prepare_seconds());
    add_phase(phases, "prefix", made->compute_seconds());
    sets.push_back(std::move(*made));
    return sets.back().is_random();
  };
  do {
    if (!(model.keeps_rows() ? add(stores.features) : add(stores.cuts))) return stores;
  } while (++how.view < store.state().options.views);
  return stores;
}

}  // namespace graft::train
