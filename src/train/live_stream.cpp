#include <algorithm>
#include <numeric>
#include <optional>

#include "data/pieces.h"
#include "train/epoch_order.h"
#include "train/mixtures.h"
#include "train/stream.h"

namespace graft::train {
namespace {

// In positions: each piece packs all weights for their products anew, and adds a gradient of their size to the others'. Both grow with the
// weights, as the work of a position does.
constexpr std::int64_t piece_cost = 96;

/// Samples are prepared in the step, ahead of it in threads of their own, and run through the whole network.
class Live final : public Stream {
 public:
  Live(const Model& model, const Data& data, const TrainerOptions& options)
      : model_(model), data_(data), options_(options), in_pieces_(in_pieces(model, options)), order_of_(options, data.size(), lengths()) {}

  void begin(int epoch, std::int64_t first) override {
    order_ = order_of_(epoch, first);
    first_ = first;
    ahead_ = {};
    if (loader_) return loader_->restart(static_cast<std::uint64_t>(epoch), order_);
    LoaderOptions how = loader_options();
    how.records = order_;
    how.epoch = static_cast<std::uint64_t>(epoch);
    loader_.emplace(data_, model_.preprocess(), target_function(model_), how);
  }

  const Window* next() override {
    window_ = {};
    if (ahead_.pieces.empty()) fetch();
    const std::size_t batches = model_.backbone_trains() ? static_cast<std::size_t>(options_.accumulate) : 1;
    const std::size_t window = ahead_.number / batches;
    while (!ahead_.pieces.empty() && ahead_.number / batches == window) {
      add(ahead_.pieces);
      const bool is_last = (ahead_.number + 1) % batches == 0;
      ahead_.pieces.clear();
      if (is_last) break;
      fetch();
    }
    window_.number = first_ + static_cast<std::int64_t>(window) + 1;
    return window_.pieces.empty() ? nullptr : &window_;
  }

  Fields features(const Piece& piece) const override {
    if (!is_exact_) return model_.features(piece.inputs);
    return model_.features_of_kept(piece.inputs);
  }

  std::int64_t steps_per_epoch() const override { return order_of_.steps_per_epoch(); }
  double waited() const override { return loader_ ? loader_->waited() : 0; }
  Skipped skipped() const override { return loader_ ? loader_->skipped() : Skipped(); }

 private:
  /// A batch that has a record, and which of those of the order it is, from 0.
  struct Ahead {
    std::vector<Batch> pieces;
    std::size_t number = 0;
    bool fetched = false;
  };

  /// The loader passes over batches of which no record can be prepared; which one this is, its records tell: it is the first to hold one
  /// of them.
  void fetch() {
    const std::size_t next = ahead_.number + (ahead_.fetched ? 1 : 0);
    ahead_ = {.pieces = loader_->next_pieces(), .number = next, .fetched = true};
    if (ahead_.pieces.empty()) return;
    const auto record = static_cast<std::size_t>(ahead_.pieces.front().records.front());
    const auto size = static_cast<std::size_t>(batch_size());
    const auto from = order_.begin() + static_cast<std::ptrdiff_t>(std::min(order_.size(), next * size));
    ahead_.number = static_cast<std::size_t>(std::find(from, order_.end(), record) - order_.begin()) / size;
  }

  void add(const std::vector<Batch>& pieces) {
    std::vector<std::int64_t> records;
    for (const Batch& piece : pieces) records.insert(records.end(), piece.records.begin(), piece.records.end());
    if (!take_exact(records)) {
      for (const Batch& piece : pieces)
        window_.pieces.push_back({to(piece.inputs, model_.device()), to(piece.targets, model_.device()), piece.size()});
    }
    window_.records.insert(window_.records.end(), records.begin(), records.end());
  }

  /// Features without gradients are one piece of a step, as they are when they come from a store.
  int batch_size() const { return model_.backbone_trains() ? options_.batch_size : static_cast<int>(order_of_.step_size()); }

  LoaderOptions loader_options() const {
    return {.batch_size = batch_size(),
            .mode = Mode::Train,
            .seed = options_.seed,
            .threads = options_.threads,
            .on_error = options_.on_error,
            .unpadded = in_pieces_,
            .piece_cost = model_.reads_mask() ? piece_cost : 0,
            .pinned = model_.device().is_cuda(),
            .mix = mixing(model_, options_)};
  }

  /// Only what is padded in a part that trains gains from batches of like length.
  std::vector<std::int64_t> lengths() const {
    const bool gains =
        options_.shuffle && options_.group_by_length && model_.backbone_trains() && !model_.preprocess()->padding().values.empty();
    const LoaderOptions how{.mode = Mode::Train, .seed = options_.seed, .threads = options_.threads, .on_error = options_.on_error};
    return gains ? data::record_lengths(data_, *model_.preprocess(), how) : std::vector<std::int64_t>();
  }

  /// In the form exact the frozen part computes every sample as it would for a store, so that the run is the same to the bit. False where
  /// there is no such part, or nothing that a store could keep.
  bool take_exact(const std::vector<std::int64_t>& records) {
    is_exact_ = false;
    if (model_.prefix_form() != PrefixForm::Exact || loader_->is_random()) return false;
    if (model_.backbone_trains() && !model_.is_split()) return false;
    // In the order of the stored run, which pieces have left.
    std::vector<std::size_t> chosen(records.begin(), records.end());
    const Data batch = data_.subset(chosen);
    const FeatureSetOptions how{.mode = Mode::Train, .seed = options_.seed, .threads = 0};
    if (model_.keeps_rows()) {
      const auto set = FeatureSet::make(model_, batch, how);
      if (set) window_.pieces.push_back({set->features(), set->targets(), set->size()});
      is_exact_ = set.has_value();
    } else if (const auto set = CutSet::make(model_, batch, how, FeatureStore())) {
      std::vector<std::size_t> rows(static_cast<std::size_t>(set->size()));
      std::iota(rows.begin(), rows.end(), std::size_t{0});
      std::ranges::move(cut_pieces(model_, *set, rows, in_pieces_), std::back_inserter(window_.pieces));
      is_exact_ = true;
    }
    return is_exact_;
  }

  const Model& model_;
  Data data_;
  const TrainerOptions& options_;
  bool in_pieces_;
  EpochOrder order_of_;
  std::vector<std::size_t> order_;
  std::int64_t first_ = 0;  // window of the epoch that the order begins with, from 0
  std::optional<Loader> loader_;
  Ahead ahead_;
  Window window_;
  bool is_exact_ = false;
};

}  // namespace

std::unique_ptr<Stream> live_stream(const Model& model, const Data& data, const TrainerOptions& options) {
  return std::make_unique<Live>(model, data, options);
}

}  // namespace graft::train
