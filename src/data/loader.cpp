#include "graft/data/loader.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <numeric>

#include "core/parallel.h"
#include "core/stopwatch.h"
#include "data/pieces.h"
#include "data/prefetch.h"
#include "graft/core/error.h"
#include "graft/core/runtime.h"
#include "graft/data/collate.h"
#include "graft/data/order.h"

namespace graft {
namespace {

void check(const LoaderOptions& options) {
  if (!(options.mix.mixup >= 0 && options.mix.cutmix >= 0) || (options.mix.is_on() && !options.mix.targets)) {
    throw ConfigError({.code = "graft-C006",
                       .message = "[Loader] mixup and cutmix of at least 0, and a function that mixes targets, are wanted to mix samples.",
                       .remedy = "Head::mixed() mixes targets.",
                       .place = ""});
  }
  if (options.batch_size >= 1 && options.batch_positions >= 0 && options.threads >= 0) return;
  throw ConfigError({.code = "graft-C006",
                     .message = "[Loader] a batch size of at least 1 and no negative positions or threads are wanted, got batch_size " +
                                std::to_string(options.batch_size) + ", batch_positions " + std::to_string(options.batch_positions) +
                                ", threads " + std::to_string(options.threads) + ".",
                     .remedy = "Leave the options at their defaults, or give sizes in range.",
                     .place = ""});
}

}  // namespace

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
    if (options_.order == Order::ByLength && !preprocess_->is_uniform()) {
      prepare_all();
      std::ranges::stable_sort(samples_, std::greater<>(), [&](const Sample& sample) { return data::positions(sample, padding_); });
      runs_ = data::equal_runs(samples_, padding_, options_.batch_size, options_.batch_positions);
    } else {
      order_ = order();
      batches_.emplace(num_batches(), options_.threads, [this](std::size_t batch) { return prepare(batch); });
    }
  }

  std::optional<Batch> next() {
    if (options_.stop.stop_requested()) return std::nullopt;
    if (!batches_) {
      if (run_ == runs_.size()) return std::nullopt;
      const auto [start, end] = runs_[run_++];
      return collate(std::span(samples_).subspan(start, end - start), padding_);
    }
    std::vector<Batch> batch = take();
    if (batch.empty()) return std::nullopt;
    return std::move(batch.front());
  }

  std::vector<Batch> next_pieces() { return options_.stop.stop_requested() ? std::vector<Batch>() : take(); }

  void restart(std::uint64_t epoch, std::optional<std::vector<std::size_t>> records) {
    // Threads of the old round may still read what is changed here, so that is ended first.
    batches_->restart(0);
    options_.epoch = epoch;
    options_.records = std::move(records);
    order_ = order();
    batches_->restart(num_batches());
  }

  std::size_t num_batches() const {
    const auto size = static_cast<std::size_t>(options_.batch_size);
    return batches_ || !order_.empty() ? (order_.size() + size - 1) / size : runs_.size();
  }

  std::size_t num_samples() const { return batches_ ? order_.size() : samples_.size(); }
  bool is_random() const { return random_; }
  double waited() const { return waited_; }
  Skipped skipped() const {
    const std::lock_guard lock(skipping_);
    return skipped_;
  }

 private:
  std::vector<std::size_t> order() const {
    if (options_.records) return *options_.records;
    if (options_.order == Order::Shuffled) return shuffled_order(data_.size(), options_.seed, options_.epoch);
    std::vector<std::size_t> all(data_.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
  }

  std::vector<Sample> samples(std::size_t index) const {
    Rng rng(options_.seed, options_.epoch, index);
    try {
      std::vector<Sample> prepared = samples_of(data_, index, *preprocess_, targets_, rng, options_.mode);
      if (options_.mix.is_on()) mix(prepared, rng);
      if (rng.draws() > 0) random_ = true;
      return prepared;
    } catch (const Error& error) {
      if (options_.on_error == OnError::Fail) throw;
      const std::lock_guard lock(skipping_);
      if (skipped_.count++ < most_examples) skipped_.examples.push_back(error.problems().front());
      return {};
    }
  }

  void mix(std::vector<Sample>& prepared, Rng& rng) const {
    const auto partner = static_cast<std::size_t>(rng.below(data_.size()));
    Rng its(options_.seed, options_.epoch, partner);
    const std::vector<Sample> others = samples_of(data_, partner, *preprocess_, targets_, its, options_.mode);
    if (prepared.size() != 1 || others.size() != 1) {
      throw ConfigError({.code = "graft-C114",
                         .message = "[Mixing] one sample a record is wanted to mix, got " + std::to_string(prepared.size()) + " and " +
                                    std::to_string(others.size()) + ".",
                         .remedy = "Leave mixup and cutmix at 0.",
                         .place = ""});
    }
    prepared.front() = data::mixed(prepared.front(), others.front(), options_.mix, rng);
  }

  void prepare_all() {
    std::vector<std::vector<Sample>> prepared(data_.size());
    parallel_for(data_.size(), options_.threads + 1, [&](std::size_t index) {
      if (!options_.stop.stop_requested()) prepared[index] = samples(index);
    });
    for (auto& group : prepared) std::ranges::move(group, std::back_inserter(samples_));
  }

  /// In the loader's threads.
  std::vector<Batch> prepare(std::size_t batch) const {
    std::vector<Sample> members;
    const auto size = static_cast<std::size_t>(options_.batch_size), start = batch * size;
    for (std::size_t i = start; i < std::min(order_.size(), start + size); ++i)
      std::ranges::move(samples(order_[i]), std::back_inserter(members));
    if (members.empty()) return {};
    std::vector<Batch> batches;
    if (options_.unpadded) {
      batches = data::pieces_of(std::move(members), padding_, size, options_.piece_cost);
    } else {
      batches.push_back(collate(members, padding_));
    }
    if (options_.pinned) std::ranges::for_each(batches, pin);
    return batches;
  }

  static void pin(Batch& batch) {
    for (Fields* fields : {&batch.inputs, &batch.targets}) {
      for (const auto& [name, tensor] : Fields(*fields)) fields->set(name, tensor.pin_memory());
    }
  }

  /// The next batch with a sample in it; batches of skipped records alone are passed over.
  std::vector<Batch> take() {
    const Stopwatch watch;
    auto batch = batches_->next();
    while (batch && batch->empty()) batch = batches_->next();
    waited_ += watch.seconds();
    return batch ? std::move(*batch) : std::vector<Batch>();
  }

  static constexpr std::size_t most_examples = 20;
  Data data_;
  std::shared_ptr<const Preprocess> preprocess_;
  TargetFunction targets_;
  LoaderOptions options_;
  Padding padding_;
  std::vector<std::size_t> order_;
  std::vector<Sample> samples_;
  std::vector<std::pair<std::size_t, std::size_t>> runs_;
  std::size_t run_ = 0;
  double waited_ = 0;
  mutable std::atomic<bool> random_ = false;
  mutable std::mutex skipping_;
  mutable Skipped skipped_;
  std::optional<detail::Prefetch<std::vector<Batch>>> batches_;  // last: its threads use the members above
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
std::vector<Batch> Loader::next_pieces() { return pass_->next_pieces(); }
void Loader::restart(std::uint64_t epoch, std::optional<std::vector<std::size_t>> records) { pass_->restart(epoch, std::move(records)); }
std::size_t Loader::num_batches() const { return pass_->num_batches(); }
std::size_t Loader::num_samples() const { return pass_->num_samples(); }
bool Loader::is_random() const { return pass_->is_random(); }
Skipped Loader::skipped() const { return pass_->skipped(); }
double Loader::waited() const { return pass_->waited(); }

}  // namespace graft
