#include "model/stored_samples.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <span>

#include "core/stopwatch.h"

namespace graft {
namespace {

/// True if preparing training samples draws random numbers, as the first record tells.
bool is_random(const Model& model, const Data& data, const FeatureSetOptions& options) {
  if (options.mode != Mode::Train || data.empty()) return false;
  Rng rng(options.seed);
  samples_of(data, 0, *model.preprocess(), {}, rng, Mode::Train);
  return rng.draws() > 0;
}

/// Takes what is computed, batch by batch, in the order of its coming.
class Intake {
 public:
  Intake(FeatureStore::State& store, bool dense, std::size_t samples, std::size_t records)
      : store_(store), dense_(dense), samples_(static_cast<std::int64_t>(samples)), one_each_(samples == records) {}

  /// The reason why there can be no set; empty if there can.
  std::string add(const Fields& values, const Batch& batch) {
    for (const auto& [name, tensor] : values) {
      if (tensor.dim() == 0 || tensor.size(0) != batch.size()) return "\"" + name + "\" belongs to no single sample";
    }
    if (!dense_) {
      auto chunk = std::make_shared<Fields>();
      for (const auto& [name, tensor] : values) chunk->set(name, store_.settle(tensor.detach()));
      for (std::int64_t row = 0; row < batch.size(); ++row) rows_[batch.records[static_cast<std::size_t>(row)]].push_back({chunk, row});
      return "";
    }
    if (chunk_ == nullptr) make_chunk(values);
    for (const auto& [name, tensor] : values) {
      const at::Tensor* whole = chunk_->find(name);
      if (whole == nullptr || whole->sizes().slice(1) != tensor.sizes().slice(1)) return "samples have features of different shapes";
    }
    // With one sample a record, rows lie in the order of the records.
    std::vector<std::int64_t> places(batch.records);
    if (!one_each_) {
      for (std::int64_t& place : places) place = next_++;
    }
    const at::Tensor index = at::tensor(places, at::kLong);
    for (const auto& [name, tensor] : values) {
      at::Tensor whole = (*chunk_)[name];
      whole.index_copy_(0, index, tensor.cpu());
      store_.touched(static_cast<std::int64_t>(tensor.nbytes()));
    }
    for (std::size_t i = 0; i < places.size(); ++i) rows_[batch.records[i]].push_back({chunk_, places[i]});
    return "";
  }

  std::map<std::int64_t, std::vector<StoredRow>>& rows() { return rows_; }

 private:
  void make_chunk(const Fields& values) {
    auto chunk = std::make_shared<Fields>();
    for (const auto& [name, tensor] : values) {
      std::vector<std::int64_t> sizes = tensor.sizes().vec();
      sizes[0] = samples_;
      chunk->set(name, store_.room(sizes, tensor.scalar_type()));
    }
    chunk_ = std::move(chunk);
  }

  FeatureStore::State& store_;
  bool dense_;
  std::int64_t samples_, next_ = 0;
  bool one_each_;
  std::shared_ptr<const Fields> chunk_;
  std::map<std::int64_t, std::vector<StoredRow>> rows_;  // by record of the part that was missing
};

}  // namespace

namespace {

/// Computes records of `data` and keeps them under their keys as they come; fills `found`. Gives the reason why there can be no set.
std::string compute(const Model& model, const Data& data, FeatureStore::State& store, const StoredKind& kind,
                    const FeatureSetOptions& options, std::span<const std::size_t> missing, std::span<const std::string> keys, bool random,
                    int view, StoredSamples& result, std::vector<std::optional<std::vector<StoredRow>>>& found) {
  const Stopwatch preparing;
  const bool all = missing.size() == data.size();
  Loader loader(all ? data : data.subset({missing.begin(), missing.end()}), model.preprocess(), {},
                {.batch_positions = options.batch_positions,
                 .order = Order::ByLength,
                 .mode = options.mode,
                 .seed = options.seed,
                 .epoch = static_cast<std::uint64_t>(view),
                 .threads = options.threads,
                 .stop = options.stop});
  result.prepare_seconds = preparing.seconds();
  if (loader.is_random() && !random) return "preprocessing draws random numbers";
  const Stopwatch computing;
  Intake intake(store, kind.dense, loader.num_samples(), missing.size());
  const auto total = static_cast<std::int64_t>(loader.num_samples());
  std::int64_t done = 0;
  const auto keep = [&](std::int64_t record) {
    const std::size_t i = missing[static_cast<std::size_t>(record)];
    store.keep(keys[i], intake.rows()[record]);
    found[i] = intake.rows()[record];
    ++store.computed;
  };
  const bool one_each = loader.num_samples() == missing.size();
  while (const auto batch = loader.next()) {
    if (std::string why = intake.add(kind.compute(*batch), *batch); !why.empty()) return why;
    done += batch->size();
    if (one_each) std::ranges::for_each(batch->records, keep);
    if (options.progress) options.progress({"features", done, total, ""});
  }
  // Samples of one record may come in several batches, and a stop between them.
  if (!one_each && done == total) {
    for (const auto& [record, rows] : intake.rows()) keep(record);
  }
  if (store.file) store.file->flush();
  result.compute_seconds = computing.seconds();
  return "";
}

}  // namespace

StoredSamples stored_samples(const Model& model, const Data& data, FeatureStore::State& store, const StoredKind& kind,
                             const FeatureSetOptions& options) {
  StoredSamples result;
  store.turn_to(kind.fingerprint);
  result.random = is_random(model, data, options);
  if (result.random && store.options.views == 0) return {.why = "preprocessing draws random numbers"};
  const int view = result.random ? options.view % store.options.views : 0;
  // A random record looks different at every place in the data, as its generator counts them.
  const std::string suffix = result.random ? "/" + std::to_string(options.seed) + "/" + std::to_string(view) + "/" : "";

  std::vector<std::optional<std::vector<StoredRow>>> found(data.size());
  std::vector<std::string> keys(data.size());
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < data.size(); ++i) {
    keys[i] = data.key(i) + (result.random ? suffix + std::to_string(i) : "");
    found[i] = store.find(keys[i]);
    if (!found[i]) missing.push_back(i);
  }
  store.found += static_cast<std::int64_t>(data.size() - missing.size());
  if (!missing.empty()) {
    // So random records are computed with the whole set, where they have their numbers.
    if (result.random) {
      missing.resize(data.size());
      std::iota(missing.begin(), missing.end(), std::size_t{0});
    }
    std::string why = compute(model, data, store, kind, options, missing, keys, result.random, view, result, found);
    if (!why.empty()) return {.why = std::move(why)};
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!found[i]) continue;
    for (StoredRow& row : *found[i]) {
      result.rows.push_back(std::move(row));
      result.records.push_back(static_cast<std::int64_t>(i));
    }
  }
  return result;
}

std::vector<Sample> with_targets(const Model& model, const Data& data, const StoredSamples& stored) {
  std::vector<Sample> samples;
  samples.reserve(stored.rows.size());
  for (std::size_t i = 0; i < stored.rows.size(); ++i) samples.push_back({stored.rows[i].fields(), {}, stored.records[i]});
  for (std::size_t start = 0; start < samples.size();) {
    std::size_t end = start + 1;
    while (end < samples.size() && samples[end].record == samples[start].record) ++end;
    model.head().targets(data.get(static_cast<std::size_t>(samples[start].record)), std::span(samples).subspan(start, end - start));
    start = end;
  }
  return samples;
}

}  // namespace graft
