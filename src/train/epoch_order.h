#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "graft/train/trainer_options.h"

namespace graft::train {

/// Which samples the steps of an epoch take, of so many records or rows of a set. Drawn from (seed, epoch), so that a resumed run finds it.
class EpochOrder {
 public:
  /// `lengths`, one each, groups samples of like length; empty: no grouping. `options` is kept by reference.
  EpochOrder(const TrainerOptions& options, std::size_t size, std::vector<std::int64_t> lengths = {});

  /// From the epoch's step `first` on, counted from 0.
  std::vector<std::size_t> operator()(int epoch, std::int64_t first) const;
  std::int64_t steps_per_epoch() const;
  /// Samples of a full step.
  std::size_t step_size() const;

 private:
  const TrainerOptions& options_;
  std::size_t size_;
  std::vector<std::int64_t> lengths_;
};

}  // namespace graft::train
