#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "graft/data/loader.h"
#include "graft/model/feature_set.h"
#include "graft/train/trainer_options.h"
#include "model/cut_set.h"

namespace graft::train {

/// What one pass forward and backward reads: samples of equal shapes where nothing is to be padded.
struct Piece {
  /// Features, what crosses the freeze line, or the network's inputs: see Stream::features().
  Fields inputs, targets;
  std::int64_t rows = 0;
  /// Of a stored set: the record of each row.
  std::vector<std::int64_t> records = {};
};

/// What one step reads.
struct Window {
  std::vector<Piece> pieces;
  /// Indices in the training data, where it is read in the step.
  std::vector<std::int64_t> records;
  /// In its epoch, from 1; windows of which no record can be prepared are passed over, and counted.
  std::int64_t number = 0;

  std::int64_t rows() const;
};

/// The training data of an epoch, step by step, from stored features or through the live backbone.
class Stream {
 public:
  virtual ~Stream() = default;
  /// An epoch, from its step `first` on, counted from 0.
  virtual void begin(int epoch, std::int64_t first) = 0;
  /// Valid until the next call; null at the end of the epoch.
  virtual const Window* next() = 0;
  /// What the head reads of a piece, with gradients where the backbone trains.
  virtual Fields features(const Piece& piece) const = 0;
  /// The records of the window that was given last, in the order of its rows where each gives one.
  virtual std::vector<std::int64_t> records(const Window& window) const { return window.records; }
  virtual std::int64_t steps_per_epoch() const = 0;
  /// Seconds in which steps waited for data so far.
  virtual double waited() const { return 0; }
  virtual Skipped skipped() const { return {}; }
};

/// What the frozen part gave once: all that the head reads, or what crosses the freeze line, or nothing. Several where preparing samples is
/// random: epochs take them in turn.
struct Stores {
  std::vector<FeatureSet> features;
  std::vector<CutSet> cuts;
  bool empty() const { return features.empty() && cuts.empty(); }
};

/// Without stores features are computed by `model`, with gradients where its backbone trains. All are kept by reference.
std::unique_ptr<Stream> make_stream(const Model& model, const Data& data, const Stores& stores, const TrainerOptions& options);

/// True if a batch is to be computed in pieces of equal length: some of the backbone trains, and none of it reads statistics of its batch.
bool in_pieces(const Model& model, const TrainerOptions& options);

/// A set's rows, on the model's device; padded to one piece where they are not wanted in pieces.
std::vector<Piece> cut_pieces(const Model& model, const CutSet& set, std::span<const std::size_t> rows, bool in_pieces);

/// See make_stream().
std::unique_ptr<Stream> live_stream(const Model& model, const Data& data, const TrainerOptions& options);

}  // namespace graft::train
