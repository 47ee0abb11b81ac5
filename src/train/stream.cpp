#include "train/stream.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

namespace graft::train {
namespace {

class Stored final : public Stream {
 public:
  Stored(const std::vector<FeatureSet>& views, const TrainerOptions& options) : views_(views), options_(options) {}

  void begin(int epoch) override {
    at_ = 0;
    set_ = &views_[static_cast<std::size_t>(epoch - 1) % views_.size()];
    // The order of a loader: stored features train as features computed anew would.
    const auto size = static_cast<std::size_t>(set_->size());
    order_ = shuffled_order(size, options_.seed, static_cast<std::uint64_t>(epoch));
    if (!options_.shuffle) std::iota(order_.begin(), order_.end(), std::size_t{0});
  }

  const StepInput* next() override {
    if (at_ >= order_.size()) return nullptr;
    const std::size_t count = std::min(static_cast<std::size_t>(options_.batch_size), order_.size() - at_);
    // Gathered into the same memory step after step; an epoch's last batch may be smaller.
    Gathered& gathered = gathered_[count];
    if (!gathered.index.defined()) gathered.index = at::empty({static_cast<std::int64_t>(count)}, at::kLong);
    auto* index = gathered.index.mutable_data_ptr<std::int64_t>();
    for (std::size_t i = 0; i < count; ++i) index[i] = static_cast<std::int64_t>(order_[at_ + i]);
    at_ += count;
    gather(set_->features(), gathered.index, gathered.input.features);
    gather(set_->targets(), gathered.index, gathered.input.targets);
    gathered.input.rows = static_cast<std::int64_t>(count);
    set_->touched(gathered.input.features);
    return &gathered.input;
  }

  std::int64_t steps_per_epoch() const override { return (set_->size() + options_.batch_size - 1) / options_.batch_size; }

 private:
  const std::vector<FeatureSet>& views_;
  const FeatureSet* set_ = &views_.front();
  struct Gathered {
    at::Tensor index;
    StepInput input;
  };

  static void gather(const Fields& from, const at::Tensor& index, Fields& into) {
    for (const auto& [name, values] : from) {
      const at::Tensor here = values.is_cpu() ? index : index.to(values.device());
      if (const at::Tensor* place = into.find(name)) {
        at::Tensor out = *place;
        at::index_select_out(out, values, 0, here);
      } else {
        into.set(name, values.index_select(0, here));
      }
    }
  }

  const TrainerOptions& options_;
  std::vector<std::size_t> order_;
  std::size_t at_ = 0;
  std::map<std::size_t, Gathered> gathered_;
};

/// The part above the freeze line, on what the part below gave once.
class Divided final : public Stream {
 public:
  Divided(const Model& model, const std::vector<CutSet>& views, const TrainerOptions& options)
      : model_(model), views_(views), options_(options) {}

  void begin(int epoch) override {
    at_ = 0;
    set_ = &views_[static_cast<std::size_t>(epoch - 1) % views_.size()];
    const auto size = static_cast<std::size_t>(set_->size());
    const auto seed_of_epoch = static_cast<std::uint64_t>(epoch);
    order_ = options_.group_by_length
                 ? grouped_order(set_->lengths(), static_cast<std::size_t>(options_.batch_size), options_.seed, seed_of_epoch)
                 : shuffled_order(size, options_.seed, seed_of_epoch);
    if (!options_.shuffle) std::iota(order_.begin(), order_.end(), std::size_t{0});
  }

  const StepInput* next() override {
    if (at_ >= order_.size()) return nullptr;
    const std::size_t count = std::min(static_cast<std::size_t>(options_.batch_size), order_.size() - at_);
    const Batch batch = set_->batch(std::span(order_).subspan(at_, count));
    at_ += count;
    input_ = {model_.features_of_cut(batch.inputs), to(batch.targets, model_.device()), batch.size()};
    return &input_;
  }

  std::int64_t steps_per_epoch() const override { return (set_->size() + options_.batch_size - 1) / options_.batch_size; }

 private:
  const Model& model_;
  const std::vector<CutSet>& views_;
  const CutSet* set_ = &views_.front();
  const TrainerOptions& options_;
  std::vector<std::size_t> order_;
  std::size_t at_ = 0;
  StepInput input_;
};

class Live final : public Stream {
 public:
  Live(const Model& model, Data data, const TrainerOptions& options) : model_(model), data_(std::move(data)), options_(options) {}

  void begin(int epoch) override {
    loader_.emplace(data_, model_.preprocess(), target_function(model_),
                    LoaderOptions{.batch_size = options_.batch_size,
                                  .order = order(),
                                  .mode = Mode::Train,
                                  .seed = options_.seed,
                                  .epoch = static_cast<std::uint64_t>(epoch),
                                  .threads = options_.threads});
  }

  const StepInput* next() override {
    auto batch = loader_->next();
    if (!batch) return nullptr;
    if (take_exact(*batch)) return &input_;
    input_ = {model_.features(batch->inputs), to(batch->targets, model_.device()), batch->size()};
    return &input_;
  }

  std::int64_t steps_per_epoch() const override {
    return (static_cast<std::int64_t>(data_.size()) + options_.batch_size - 1) / options_.batch_size;
  }

 private:
  /// Only what is padded gains from batches of like length, for which all samples must be prepared first.
  Order order() const {
    if (!options_.shuffle) return Order::Sequential;
    const bool gains = model_.backbone_trains() && !model_.preprocess()->padding().values.empty();
    return options_.group_by_length && gains ? Order::Grouped : Order::Shuffled;
  }

  /// In the form exact the frozen part computes every sample as it would for a store, so that the run is the same to the bit. False where
  /// there is no such part, or nothing that a store could keep.
  bool take_exact(const Batch& batch) {
    if (model_.prefix_form() != PrefixForm::Exact || loader_->is_random()) return false;
    const Data records = data_.subset({batch.records.begin(), batch.records.end()});
    const FeatureSetOptions how{.mode = Mode::Train, .seed = options_.seed, .threads = 0};
    if (!model_.backbone_trains()) {
      const auto set = FeatureSet::make(model_, records, how);
      if (set) input_ = {set->features(), set->targets(), set->size()};
      return set.has_value();
    }
    if (!model_.is_split()) return false;
    const auto set = CutSet::make(model_, records, how, FeatureStore());
    if (!set) return false;
    std::vector<std::size_t> rows(static_cast<std::size_t>(set->size()));
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    const Batch whole = set->batch(rows);
    input_ = {model_.features_of_cut(whole.inputs), to(whole.targets, model_.device()), whole.size()};
    return true;
  }

  const Model& model_;
  Data data_;
  const TrainerOptions& options_;
  std::optional<Loader> loader_;
  StepInput input_;
};

}  // namespace

std::unique_ptr<Stream> make_stream(const Model& model, const Data& data, const Stores& stores, const TrainerOptions& options) {
  if (!stores.features.empty()) return std::make_unique<Stored>(stores.features, options);
  if (!stores.cuts.empty()) return std::make_unique<Divided>(model, stores.cuts, options);
  return std::make_unique<Live>(model, data, options);
}

}  // namespace graft::train
