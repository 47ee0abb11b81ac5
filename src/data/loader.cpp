#include "graft/data/loader.h"

#include <algorithm>
#include <atomic>
#include <numeric>

#include "core/parallel.h"
#include "data/prefetch.h"
#include "graft/core/error.h"
#include "graft/core/runtime.h"
#include "graft/data/collate.h"

namespace graft {
namespace {

void check(const LoaderOptions& options) {
  if (options.batch_size >= 1 && options.batch_positions >= 0 && options.threads >= 0) return;
  throw ConfigError({.code = "graft-C006",
                     .message = "[Loader] a batch size of at least 1 and no negative positions or threads are wanted, got batch_size " +
                                std::to_string(options.batch_size) + ", batch_positions " + std::to_string(options.batch_positions) +
                                ", threads " + std::to_string(options.threads) + ".",
                     .remedy = "Leave the options at their defaults, or give sizes in range.",
                     .place = ""});
}

/// Along the dimension that padding would fill up; 0 for samples that have none, such as pictures.
std::int64_t positions(const Sample& sample, const Padding& padding) {
  for (const auto& [name, fill] : padding.values) {
    const at::Tensor* input = sample.inputs.find(name);
    if (input != nullptr && input->dim() > 0) return input->size(0);
  }
  return 0;
}

/// Half-open ranges of samples that share a batch.
std::vector<std::pair<std::size_t, std::size_t>> equal_runs(const std::vector<Sample>& samples, const Padding& padding,
                                                            const LoaderOptions& options) {
  std::vector<std::pair<std::size_t, std::size_t>> runs;
  for (std::size_t start = 0; start < samples.size();) {
    const std::int64_t length = positions(samples[start], padding);
    const auto most =
        options.batch_positions > 0 && length > 0 ? std::max<std::int64_t>(1, options.batch_positions / length) : options.batch_size;
    std::size_t end = start + 1;
    while (end < samples.size() && end - start < static_cast<std::size_t>(most) && same_shapes(samples[start], samples[end])) ++end;
    runs.emplace_back(start, end);
    start = end;
  }
  return runs;
}

}  // namespace

std::vector<std::size_t> shuffled_order(std::size_t n, std::uint64_t seed, std::uint64_t epoch) {
  return permutation(n, Rng(seed, epoch, ~std::uint64_t{0}));  // a key that no record's preprocessing has
}

std::vector<std::size_t> grouped_order(std::span<const std::int64_t> lengths, std::size_t batch_size, std::uint64_t seed,
                                       std::uint64_t epoch) {
  std::vector<std::size_t> order = shuffled_order(lengths.size(), seed, epoch);
  // Those that are left over by whole batches are a random choice, not the longest or shortest.
  const std::size_t batches = order.size() / batch_size, whole = batches * batch_size;
  std::stable_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(whole),
                   [&](std::size_t a, std::size_t b) { return lengths[a] < lengths[b]; });
  std::vector<std::size_t> grouped;
  grouped.reserve(order.size());
  for (const std::size_t batch : permutation(batches, Rng(seed, epoch, ~std::uint64_t{1}))) {
    const auto start = order.begin() + static_cast<std::ptrdiff_t>(batch * batch_size);
    grouped.insert(grouped.end(), start, start + static_cast<std::ptrdiff_t>(batch_size));
  }
  grouped.insert(grouped.end(), order.begin() + static_cast<std::ptrdiff_t>(whole), order.end());
  return grouped;
}

std::vector<Sample> samples_of(const Data& data, std::size_t index, const Preprocess& preprocess, const TargetFunction& targets, Rng& rng,
                               Mode mode) {
  std::string place = "record " + std::to_string(index);  // until the record tells its own
  try {
    const Record record = data.get(index);
    if (!record.place.empty()) place = record.place;
    std::vector<Sample> samples = preprocess(record, rng, mode);
    if (targets) targets(record, samples);
    for (Sample& sample : samples) sample.record = static_cast<std::int64_t>(index);
    return samples;
  } catch (const Error& error) {
    if (dynamic_cast<const DataError*>(&error) != nullptr && !error.place().empty()) throw;  // says all there is to say
    const std::string& where = error.place().empty() ? place : error.place();
    throw DataError({.code = error.code(), .message = error.message(), .remedy = error.remedy(), .place = where}, error.details());
  } catch (const std::exception& error) {
    throw DataError({.code = "graft-D015",
                     .message = std::string("[Loader] this record cannot be prepared: ") + error.what(),
                     .remedy = "Repair the record, or the preprocessing.",
                     .place = place},
                    error.what());
  }
}

class Loader::Pass {
 public:
  Pass(Data data, std::shared_ptr<const Preprocess> preprocess, TargetFunction targets, const LoaderOptions& options)
      : data_(std::move(data)),
        preprocess_(std::move(preprocess)),
        targets_(std::move(targets)),
        options_(options),
        padding_(preprocess_->padding()) {
    if (options_.order == Order::ByLength) {
      prepare_all();
      std::ranges::stable_sort(samples_, std::greater<>(), [&](const Sample& sample) { return positions(sample, padding_); });
      runs_ = equal_runs(samples_, padding_, options_);
    } else if (options_.order == Order::Grouped) {
      prepare_all();
      group();
    } else {
      order_ = options_.order == Order::Shuffled ? shuffled_order(data_.size(), options_.seed, options_.epoch) : identity();
      batches_.emplace(num_batches(), options_.threads, [this](std::size_t batch) { return make(batch); });
    }
  }

  std::optional<Batch> next() {
    if (options_.stop.stop_requested()) return std::nullopt;
    if (!is_prepared()) return batches_->next();
    if (run_ == runs_.size()) return std::nullopt;
    const auto [start, end] = runs_[run_++];
    return collate(std::span(samples_).subspan(start, end - start), padding_);
  }

  std::size_t num_batches() const {
    const auto size = static_cast<std::size_t>(options_.batch_size);
    return is_prepared() ? runs_.size() : (data_.size() + size - 1) / size;
  }

  std::size_t num_samples() const { return is_prepared() ? samples_.size() : data_.size(); }
  bool is_random() const { return random_; }

 private:
  std::vector<Sample> samples(std::size_t index) const {
    Rng rng(options_.seed, options_.epoch, index);
    std::vector<Sample> prepared = samples_of(data_, index, *preprocess_, targets_, rng, options_.mode);
    if (rng.draws() > 0) random_ = true;
    return prepared;
  }

  void prepare_all() {
    std::vector<std::vector<Sample>> prepared(data_.size());
    parallel_for(data_.size(), options_.threads + 1, [&](std::size_t index) {
      if (!options_.stop.stop_requested()) prepared[index] = samples(index);
    });
    for (auto& group : prepared) std::ranges::move(group, std::back_inserter(samples_));
  }

  void group() {
    std::vector<std::int64_t> lengths;
    for (const Sample& sample : samples_) lengths.push_back(positions(sample, padding_));
    const auto size = static_cast<std::size_t>(options_.batch_size);
    std::vector<Sample> grouped;
    grouped.reserve(samples_.size());
    for (const std::size_t i : grouped_order(lengths, size, options_.seed, options_.epoch)) grouped.push_back(std::move(samples_[i]));
    samples_ = std::move(grouped);
    for (std::size_t start = 0; start < samples_.size(); start += size) runs_.emplace_back(start, std::min(samples_.size(), start + size));
  }

  bool is_prepared() const { return options_.order == Order::ByLength || options_.order == Order::Grouped; }

  std::vector<std::size_t> identity() const {
    std::vector<std::size_t> order(data_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    return order;
  }

  Batch make(std::size_t batch) const {
    std::vector<Sample> members;
    const std::size_t start = batch * static_cast<std::size_t>(options_.batch_size);
    for (std::size_t i = start; i < std::min(order_.size(), start + static_cast<std::size_t>(options_.batch_size)); ++i) {
      std::ranges::move(samples(order_[i]), std::back_inserter(members));
    }
    return collate(members, padding_);
  }

  Data data_;
  std::shared_ptr<const Preprocess> preprocess_;
  TargetFunction targets_;
  LoaderOptions options_;
  Padding padding_;
  std::vector<std::size_t> order_;
  std::vector<Sample> samples_;
  std::vector<std::pair<std::size_t, std::size_t>> runs_;
  std::size_t run_ = 0;
  mutable std::atomic<bool> random_ = false;
  std::optional<detail::Prefetch<Batch>> batches_;  // last: its threads use the members above
};

Loader::Loader(Data data, std::shared_ptr<const Preprocess> preprocess, TargetFunction targets, const LoaderOptions& options) {
  runtime();
  check(options);
  pass_ = std::make_unique<Pass>(std::move(data), std::move(preprocess), std::move(targets), options);
}

Loader::~Loader() = default;
Loader::Loader(Loader&&) noexcept = default;
Loader& Loader::operator=(Loader&&) noexcept = default;

std::optional<Batch> Loader::next() { return pass_->next(); }
std::size_t Loader::num_batches() const { return pass_->num_batches(); }
std::size_t Loader::num_samples() const { return pass_->num_samples(); }
bool Loader::is_random() const { return pass_->is_random(); }

}  // namespace graft
