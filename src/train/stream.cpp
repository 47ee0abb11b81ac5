#include "train/stream.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

namespace graft::train {
namespace {

class Stored final : public Stream {
 public:
  Stored(const std::vector<FeatureSet>& views, const TrainerOptions& options) : views_(views), options_(options) {}

  void begin(int epoch) override {
    at_ = 0;
    set_ = &views_[static_cast<std::size_t>(epoch - 1) % views_.size()];
    // The order of a loader: stored features train as features computed anew would.
    const auto drawn = shuffled_order(static_cast<std::size_t>(set_->size()), options_.seed, static_cast<std::uint64_t>(epoch));
    order_ = options_.shuffle ? at::tensor(std::vector<std::int64_t>(drawn.begin(), drawn.end()), at::kLong) : at::arange(set_->size());
    if (!set_->features().empty()) order_ = order_.to(set_->features().begin()->second.device());
  }

  std::optional<StepInput> next() override {
    if (at_ >= set_->size()) return std::nullopt;
    const std::int64_t count = std::min<std::int64_t>(options_.batch_size, set_->size() - at_);
    const at::Tensor index = order_.narrow(0, at_, count);
    at_ += count;
    return StepInput{rows(set_->features(), index), rows(set_->targets(), index), count};
  }

  std::int64_t steps_per_epoch() const override { return (set_->size() + options_.batch_size - 1) / options_.batch_size; }

 private:
  const std::vector<FeatureSet>& views_;
  const FeatureSet* set_ = &views_.front();
  const TrainerOptions& options_;
  at::Tensor order_;
  std::int64_t at_ = 0;
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
    order_ = shuffled_order(size, options_.seed, static_cast<std::uint64_t>(epoch));
    if (!options_.shuffle) std::iota(order_.begin(), order_.end(), std::size_t{0});
  }

  std::optional<StepInput> next() override {
    if (at_ >= order_.size()) return std::nullopt;
    const std::size_t count = std::min(static_cast<std::size_t>(options_.batch_size), order_.size() - at_);
    const Batch batch = set_->batch(std::span(order_).subspan(at_, count));
    at_ += count;
    return StepInput{model_.features_of_cut(batch.inputs), to(batch.targets, model_.device()), batch.size()};
  }

  std::int64_t steps_per_epoch() const override { return (set_->size() + options_.batch_size - 1) / options_.batch_size; }

 private:
  const Model& model_;
  const std::vector<CutSet>& views_;
  const CutSet* set_ = &views_.front();
  const TrainerOptions& options_;
  std::vector<std::size_t> order_;
  std::size_t at_ = 0;
};

class Live final : public Stream {
 public:
  Live(const Model& model, Data data, const TrainerOptions& options) : model_(model), data_(std::move(data)), options_(options) {}

  void begin(int epoch) override {
    loader_.emplace(data_, model_.preprocess(), target_function(model_),
                    LoaderOptions{.batch_size = options_.batch_size,
                                  .order = options_.shuffle ? Order::Shuffled : Order::Sequential,
                                  .mode = Mode::Train,
                                  .seed = options_.seed,
                                  .epoch = static_cast<std::uint64_t>(epoch),
                                  .threads = options_.threads});
  }

  std::optional<StepInput> next() override {
    auto batch = loader_->next();
    if (!batch) return std::nullopt;
    return StepInput{model_.features(batch->inputs), to(batch->targets, model_.device()), batch->size()};
  }

  std::int64_t steps_per_epoch() const override {
    return (static_cast<std::int64_t>(data_.size()) + options_.batch_size - 1) / options_.batch_size;
  }

 private:
  const Model& model_;
  Data data_;
  const TrainerOptions& options_;
  std::optional<Loader> loader_;
};

}  // namespace

std::unique_ptr<Stream> make_stream(const Model& model, const Data& data, const Stores& stores, const TrainerOptions& options) {
  if (!stores.features.empty()) return std::make_unique<Stored>(stores.features, options);
  if (!stores.cuts.empty()) return std::make_unique<Divided>(model, stores.cuts, options);
  return std::make_unique<Live>(model, data, options);
}

}  // namespace graft::train
