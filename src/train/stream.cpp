#include "train/stream.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "graph/training_form.h"
#include "train/epoch_order.h"

namespace graft::train {
namespace {

/// A step's samples are one piece, whatever it accumulates: features take little memory.
class Stored final : public Stream {
 public:
  Stored(const std::vector<FeatureSet>& views, const TrainerOptions& options)
      : views_(views), order_of_(options, static_cast<std::size_t>(views.front().size())) {}

  void begin(int epoch, std::int64_t first) override {
    at_ = 0;
    number_ = first;
    set_ = &views_[static_cast<std::size_t>(epoch - 1) % views_.size()];
    order_ = order_of_(epoch, first);
  }

  const Window* next() override {
    if (at_ >= order_.size()) return nullptr;
    const std::size_t count = std::min(order_of_.step_size(), order_.size() - at_);
    // Gathered into the same memory step after step; an epoch's last batch may be smaller.
    Gathered& gathered = gathered_[count];
    if (!gathered.index.defined()) {
      gathered.index = at::empty({static_cast<std::int64_t>(count)}, at::kLong);
      gathered.window.pieces.push_back({{}, {}, static_cast<std::int64_t>(count)});
    }
    auto* index = gathered.index.mutable_data_ptr<std::int64_t>();
    for (std::size_t i = 0; i < count; ++i) index[i] = static_cast<std::int64_t>(order_[at_ + i]);
    at_ += count;
    Piece& piece = gathered.window.pieces.front();
    gather(set_->features(), gathered.index, piece.inputs);
    gather(set_->targets(), gathered.index, piece.targets);
    set_->touched(piece.inputs);
    gathered.window.number = ++number_;
    return &gathered.window;
  }

  Fields features(const Piece& piece) const override { return piece.inputs; }
  // Told when they are asked for, as steps on stored features take little more time than a list.
  std::vector<std::int64_t> records(const Window& window) const override {
    std::vector<std::int64_t> found;
    for (std::size_t i = at_ - static_cast<std::size_t>(window.rows()); i < at_; ++i) found.push_back(set_->records()[order_[i]]);
    return found;
  }
  std::int64_t steps_per_epoch() const override { return order_of_.steps_per_epoch(); }

 private:
  struct Gathered {
    at::Tensor index;
    Window window;
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

  const std::vector<FeatureSet>& views_;
  const FeatureSet* set_ = &views_.front();
  EpochOrder order_of_;
  std::vector<std::size_t> order_;
  std::size_t at_ = 0;
  std::int64_t number_ = 0;
  std::map<std::size_t, Gathered> gathered_;
};

/// The part above the freeze line, on what the part below gave once.
class Divided final : public Stream {
 public:
  Divided(const Model& model, const std::vector<CutSet>& views, const TrainerOptions& options)
      : model_(model),
        views_(views),
        options_(options),
        in_pieces_(in_pieces(model, options)),
        order_of_(options, static_cast<std::size_t>(views.front().size()),
                  // Only what is padded in a part that trains gains from batches of like length.
                  options.group_by_length && model.backbone_trains() ? views.front().lengths() : std::vector<std::int64_t>()) {}

  void begin(int epoch, std::int64_t first) override {
    at_ = 0;
    window_.number = first;
    set_ = &views_[static_cast<std::size_t>(epoch - 1) % views_.size()];
    order_ = order_of_(epoch, first);
  }

  const Window* next() override {
    if (at_ >= order_.size()) return nullptr;
    ++window_.number;
    window_.pieces.clear();
    const auto size = static_cast<std::size_t>(options_.batch_size);
    for (int batch = 0; batch < options_.accumulate && at_ < order_.size(); ++batch) {
      const std::size_t count = std::min(size, order_.size() - at_);
      std::ranges::move(cut_pieces(model_, *set_, std::span(order_).subspan(at_, count), in_pieces_), std::back_inserter(window_.pieces));
      at_ += count;
    }
    return &window_;
  }

  Fields features(const Piece& piece) const override { return model_.features_of_kept(piece.inputs); }
  std::vector<std::int64_t> records(const Window& window) const override {
    std::vector<std::int64_t> found;
    for (const Piece& piece : window.pieces) found.insert(found.end(), piece.records.begin(), piece.records.end());
    return found;
  }
  std::int64_t steps_per_epoch() const override { return order_of_.steps_per_epoch(); }

 private:
  const Model& model_;
  const std::vector<CutSet>& views_;
  const TrainerOptions& options_;
  bool in_pieces_;
  EpochOrder order_of_;
  const CutSet* set_ = &views_.front();
  std::vector<std::size_t> order_;
  std::size_t at_ = 0;
  Window window_;
};

}  // namespace

std::int64_t Window::rows() const {
  return std::accumulate(pieces.begin(), pieces.end(), std::int64_t{0},
                         [](std::int64_t sum, const Piece& piece) { return sum + piece.rows; });
}

bool in_pieces(const Model& model, const TrainerOptions& options) {
  return options.group_by_length && model.backbone_trains() && !graph::has_batch_statistics(model.backbone().network());
}

std::vector<Piece> cut_pieces(const Model& model, const CutSet& set, std::span<const std::size_t> rows, bool in_pieces) {
  std::vector<Piece> pieces;
  for (const Batch& batch : in_pieces ? set.pieces(rows) : std::vector<Batch>{set.batch(rows)})
    pieces.push_back({batch.inputs, to(batch.targets, model.device()), batch.size(), batch.records});
  return pieces;
}

std::unique_ptr<Stream> make_stream(const Model& model, const Data& data, const Stores& stores, const TrainerOptions& options) {
  if (!stores.features.empty()) return std::make_unique<Stored>(stores.features, options);
  if (!stores.cuts.empty()) return std::make_unique<Divided>(model, stores.cuts, options);
  return live_stream(model, data, options);
}

}  // namespace graft::train
