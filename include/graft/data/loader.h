#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>

#include "graft/core/api.h"
#include "graft/data/dataset.h"
#include "graft/data/preprocess.h"
#include "graft/data/sample.h"

namespace graft {

enum class Order {
  /// As the data set has them; batches are padded.
  Sequential,
  /// Drawn from (seed, epoch); batches are padded.
  Shuffled,
  /// Shuffled into batches of like length, in content and order drawn from (seed, epoch): see grouped_order(). All samples are prepared
  /// before
  /// the first batch.
  Grouped,
  /// Longest first, equal shapes together: nothing is padded. All samples are prepared before the first batch.
  ByLength,
};

struct LoaderOptions {
  /// Records of a batch, at least 1.
  int batch_size = 32;
  /// Order::ByLength: positions (along the dimension that is padded, tokens for texts) of a batch; short samples come in larger batches.
  /// 0, and where nothing is padded: batch_size alone.
  std::int64_t batch_positions = 0;
  Order order = Order::Sequential;
  Mode mode = Mode::Eval;
  /// Seed and epoch of the order and of what preprocessing draws.
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;
  /// Threads that prepare samples beside the caller; 0: the caller does it.
  int threads = 1;
  /// Ends the pass early: next() gives nothing more.
  std::stop_token stop = {};
};

/// Fills the targets of a record's samples; empty at prediction.
using TargetFunction = std::function<void(const Record&, std::span<Sample>)>;

/// The order in which an epoch of this seed takes n records.
GRAFT_API std::vector<std::size_t> shuffled_order(std::size_t n, std::uint64_t seed, std::uint64_t epoch);

/// An order for batches of `batch_size` in which samples of like length share a batch, so that little is padded: which of them do, and
/// where the batch stands, is drawn from (seed, epoch). A batch that is not full comes last.
GRAFT_API std::vector<std::size_t> grouped_order(std::span<const std::int64_t> lengths, std::size_t batch_size, std::uint64_t seed,
                                                 std::uint64_t epoch);

/// The samples of one record, targets included. Exceptions become DataError that names the record's place.
GRAFT_API std::vector<Sample> samples_of(const Data& data, std::size_t index, const Preprocess& preprocess, const TargetFunction& targets,
                                         Rng& rng, Mode mode);

/// One pass over a data set in batches. The same options give the same batches, whatever the number of threads.
class GRAFT_API Loader {
 public:
  /// Throws ConfigError for options out of range; with Order::ByLength also what preparing the samples throws.
  Loader(Data data, std::shared_ptr<const Preprocess> preprocess, TargetFunction targets, const LoaderOptions& options = {});
  ~Loader();
  Loader(Loader&&) noexcept;
  Loader& operator=(Loader&&) noexcept;

  /// The next batch, or nothing at the end of the pass. Throws DataError that names the record where preparing a sample failed.
  std::optional<Batch> next();
  std::size_t num_batches() const;
  /// Samples of the pass; with an order other than ByLength the number of records, as samples are not known before.
  std::size_t num_samples() const;
  /// True if preparing a sample drew random numbers so far: then another epoch's samples look different.
  bool is_random() const;

 private:
  class Pass;
  std::unique_ptr<Pass> pass_;
};

}  // namespace graft
