#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "graft/core/api.h"
#include "graft/core/error.h"
#include "graft/data/dataset.h"
#include "graft/data/mixing.h"
#include "graft/data/preprocess.h"
#include "graft/data/sample.h"

namespace graft {

enum class Order {
  /// As the data set has them; batches are padded.
  Sequential,
  /// Drawn from (seed, epoch); batches are padded.
  Shuffled,
  /// Longest first, equal shapes together: nothing is padded. All samples are prepared before the first batch, unless the preprocessing is
  /// uniform: then it is as Sequential.
  ByLength,
};

/// What happens to a record that cannot be prepared.
enum class OnError {
  /// The error ends the pass.
  Fail,
  /// The record is left out and counted, see Loader::skipped().
  Skip,
};

struct LoaderOptions {
  /// Records of a batch, at least 1.
  int batch_size = 32;
  /// Order::ByLength: positions (along the dimension that is padded, tokens for texts) of a batch; short samples come in larger batches.
  /// 0, and where nothing is padded: batch_size alone.
  std::int64_t batch_positions = 0;
  Order order = Order::Sequential;
  /// These records in this order in the place of all of them: what a sampler drew, or what is left of an epoch. Order::ByLength has none.
  std::optional<std::vector<std::size_t>> records = std::nullopt;
  Mode mode = Mode::Eval;
  /// Seed and epoch of the order and of what preprocessing draws.
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;
  /// Threads that prepare samples beside the caller; 0: the caller does it. They are a few batches ahead and no further.
  int threads = 1;
  OnError on_error = OnError::Fail;
  /// A batch comes as several of equal shapes, by next_pieces(), so that nothing is padded; see piece_cost.
  bool unpadded = false;
  /// With `unpadded`: what a piece costs by itself, in positions. Pieces are joined, and the shorter samples filled up, where that saves
  /// more than it adds; 0: never. For networks that read the mask.
  std::int64_t piece_cost = 0;
  /// Batches lie in page-locked memory, from where a GPU fetches them while it computes. Needs CUDA.
  bool pinned = false;
  /// Each sample is mixed with that of another record, drawn from all of the data set, which it prepares as in that record's own turn. For
  /// preprocessing that gives one sample a record.
  MixOptions mix = {};
  /// Ends the pass early: next() gives nothing more.
  std::stop_token stop = {};
};

/// Records that were left out.
struct Skipped {
  std::size_t count = 0;
  /// The first of them, with their places.
  std::vector<Problem> examples;
};

/// Fills the targets of a record's samples; empty at prediction.
using TargetFunction = std::function<void(const Record&, std::span<Sample>)>;

/// The samples of one record, targets included. Exceptions become DataError that names the record's place.
GRAFT_API std::vector<Sample> samples_of(const Data& data, std::size_t index, const Preprocess& preprocess, const TargetFunction& targets,
                                         Rng& rng, Mode mode);

/// Passes over a data set in batches. The same options give the same batches, whatever the number of threads.
class GRAFT_API Loader {
 public:
  /// Throws ConfigError for options out of range; with Order::ByLength also what preparing the samples throws.
  Loader(Data data, std::shared_ptr<const Preprocess> preprocess, TargetFunction targets, const LoaderOptions& options = {});
  ~Loader();
  Loader(Loader&&) noexcept;
  Loader& operator=(Loader&&) noexcept;

  /// The next batch, or nothing at the end of the pass. Throws DataError that names the record where preparing a sample failed.
  std::optional<Batch> next();
  /// The same with LoaderOptions::unpadded: one batch in pieces; empty at the end of the pass.
  std::vector<Batch> next_pieces();
  /// Another pass, with the same threads; not with Order::ByLength.
  void restart(std::uint64_t epoch, std::optional<std::vector<std::size_t>> records = std::nullopt);
  std::size_t num_batches() const;
  /// Samples of the pass; with an order other than ByLength the number of records, as samples are not known before.
  std::size_t num_samples() const;
  /// True if preparing a sample drew random numbers so far: then another epoch's samples look different.
  bool is_random() const;
  /// Of all passes so far.
  Skipped skipped() const;
  /// Seconds in which the caller waited for batches, in all passes so far.
  double waited() const;

 private:
  class Pass;
  std::unique_ptr<Pass> pass_;
};

}  // namespace graft
