#include "train/epoch_order.h"

#include <algorithm>
#include <numeric>

#include "graft/core/error.h"
#include "graft/data/order.h"

namespace graft::train {

EpochOrder::EpochOrder(const TrainerOptions& options, std::size_t size, std::vector<std::int64_t> lengths)
    : options_(options), size_(size), lengths_(std::move(lengths)) {
  if (!options.sampler || options.sampler->size() == size) return;
  throw ConfigError({.code = "graft-C036",
                     .message = "[Trainer] the sampler draws from " + std::to_string(options.sampler->size()) + " records, there are " +
                                std::to_string(size) + " to train on.",
                     .remedy = "Make it from the training data, where each record gives one sample.",
                     .place = ""});
}

std::size_t EpochOrder::step_size() const {
  return static_cast<std::size_t>(options_.batch_size) * static_cast<std::size_t>(options_.accumulate);
}

std::int64_t EpochOrder::steps_per_epoch() const {
  const auto all = static_cast<std::int64_t>((size_ + step_size() - 1) / step_size());
  return options_.limit_steps ? std::min(all, *options_.limit_steps) : all;
}

std::vector<std::size_t> EpochOrder::operator()(int epoch, std::int64_t first) const {
  const auto number = static_cast<std::uint64_t>(options_.overfit_batch ? 1 : epoch);
  std::vector<std::size_t> order(size_);
  if (options_.sampler) {
    order = options_.sampler->order(options_.seed, number);
  } else if (options_.shuffle) {
    order = shuffled_order(size_, options_.seed, number);
  } else {
    std::iota(order.begin(), order.end(), std::size_t{0});
  }
  if (options_.shuffle && !lengths_.empty())
    order = grouped_order(std::move(order), lengths_, static_cast<std::size_t>(options_.batch_size), options_.seed, number);
  const std::size_t steps = static_cast<std::size_t>(steps_per_epoch()), size = step_size();
  if (options_.overfit_batch) {
    const std::vector<std::size_t> same(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(std::min(size, size_)));
    order.clear();
    for (std::size_t step = 0; step < steps; ++step) order.insert(order.end(), same.begin(), same.end());
  }
  order.resize(std::min(order.size(), steps * size));
  order.erase(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(std::min(order.size(), static_cast<std::size_t>(first) * size)));
  return order;
}

}  // namespace graft::train
