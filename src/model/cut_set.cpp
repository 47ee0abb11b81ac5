#include "model/cut_set.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "data/pieces.h"
#include "graft/core/log.h"
#include "model/stored_samples.h"

namespace graft {
namespace {

std::optional<CutSet> no_set(const std::string& reason) {
  log(LogLevel::Info, "the part below the freeze line runs in every epoch: " + reason);
  return std::nullopt;
}

/// What grows with the text is filled up again when texts of several lengths share a batch; masks tell what is real.
Padding padding_for(const std::vector<Sample>& samples, Padding padding) {
  for (const Sample& sample : samples) {
    for (const auto& [name, tensor] : sample.inputs) {
      const bool known = std::ranges::find(padding.values, name, &std::pair<std::string, double>::first) != padding.values.end();
      if (!known && tensor.sizes() != samples.front().inputs[name].sizes()) padding.values.emplace_back(name, 0.0);
    }
  }
  return padding;
}

/// Along the first dimension of the first field whose shapes differ.
std::vector<std::int64_t> lengths_of(const std::vector<Sample>& samples) {
  std::vector<std::int64_t> lengths(samples.size(), 0);
  if (samples.empty()) return lengths;
  for (const auto& [name, first] : samples.front().inputs) {
    const auto differs = [&](const Sample& sample) { return sample.inputs[name].sizes() != first.sizes(); };
    if (first.dim() == 0 || std::ranges::none_of(samples, differs)) continue;
    std::ranges::transform(samples, lengths.begin(), [&](const Sample& sample) { return sample.inputs[name].size(0); });
    return lengths;
  }
  return lengths;
}

}  // namespace

std::optional<CutSet> CutSet::make(const Model& model, const Data& data, const FeatureSetOptions& options, const FeatureStore& store) {
  if (!store.is_on()) return no_set("the store is off");
  if (model.backbone_trains() && !model.is_split()) return no_set(model.plan().why);
  const c10::NoGradGuard no_grad;
  const StoredKind kind{.fingerprint = model.fingerprint(), .compute = [&](const Batch& batch) { return model.kept(batch.inputs); }};
  const StoredSamples stored = stored_samples(model, data, store.state(), kind, options);
  if (!stored.why.empty()) return no_set(stored.why);
  CutSet set(store);
  set.samples_ = with_targets(model, data, stored);
  set.lengths_ = lengths_of(set.samples_);
  set.padding_ = padding_for(set.samples_, model.preprocess()->padding());
  set.prepare_seconds_ = stored.prepare_seconds;
  set.random_ = stored.random;
  set.compute_seconds_ = stored.compute_seconds;
  return set;
}

std::vector<std::size_t> CutSet::by_length() const {
  std::vector<std::size_t> order(samples_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t row) { return lengths_[row]; });
  return order;
}

std::vector<Sample> CutSet::chosen(std::span<const std::size_t> rows) const {
  std::vector<Sample> chosen;
  chosen.reserve(rows.size());
  for (const std::size_t row : rows) chosen.push_back(samples_[row]);
  return chosen;
}

void CutSet::touched(const Batch& batch) const {
  std::int64_t bytes = 0;
  for (const auto& [name, tensor] : batch.inputs) bytes += static_cast<std::int64_t>(tensor.nbytes());
  store_.state().touched(bytes);
}

Batch CutSet::batch(std::span<const std::size_t> rows) const {
  Batch batch = collate(chosen(rows), padding_);
  touched(batch);
  return batch;
}

std::vector<Batch> CutSet::pieces(std::span<const std::size_t> rows) const {
  std::vector<Batch> pieces = data::pieces_of(chosen(rows), padding_, rows.size());
  for (const Batch& piece : pieces) touched(piece);
  return pieces;
}

}  // namespace graft
