#include "graft/model/feature_set.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "graft/core/log.h"
#include "graft/data/collate.h"
#include "model/stored_samples.h"

namespace graft {
namespace {

/// The rows as one tensor a field: the chunk itself where they are all of it, in order.
Fields joined(const std::vector<StoredRow>& rows, FeatureStore::State& store) {
  if (rows.empty()) return {};
  const auto& first = rows.front().chunk;
  std::vector<std::int64_t> places;
  const bool together = std::ranges::all_of(rows, [&](const StoredRow& row) { return row.chunk == first; });
  for (const StoredRow& row : rows) places.push_back(row.row);
  const bool in_order =
      together && static_cast<std::int64_t>(rows.size()) == first->begin()->second.size(0) && std::ranges::is_sorted(places);
  if (in_order) return *first;
  Fields whole;
  for (const auto& [name, sample] : *first) {
    std::vector<std::int64_t> sizes = sample.sizes().vec();
    sizes[0] = static_cast<std::int64_t>(rows.size());
    at::Tensor values = store.room(sizes, sample.scalar_type());
    if (together) {
      at::index_select_out(values, sample, 0, at::tensor(places, at::kLong));
    } else {
      for (std::size_t i = 0; i < rows.size(); ++i) {
        const at::Tensor row = (*rows[i].chunk)[name].select(0, rows[i].row);
        values.select(0, static_cast<std::int64_t>(i)).copy_(row);
        store.touched(static_cast<std::int64_t>(row.nbytes()));
      }
    }
    whole.set(name, std::move(values));
  }
  return whole;
}

std::optional<FeatureSet> no_set(const std::string& reason) {
  log(LogLevel::Info, "no stored features: " + reason);
  return std::nullopt;
}

}  // namespace

TargetFunction target_function(const Model& model) {
  return [&head = model.head()](const Record& record, std::span<Sample> samples) { head.targets(record, samples); };
}

void FeatureSet::touched(const Fields& rows) const {
  if (store_.bytes_in_files() == 0) return;
  std::int64_t bytes = 0;
  for (const auto& [name, tensor] : rows) bytes += static_cast<std::int64_t>(tensor.nbytes());
  store_.state().touched(bytes);
}

std::optional<FeatureSet> FeatureSet::make(const Model& model, const Data& data, const FeatureSetOptions& options,
                                           const FeatureStore& store) {
  if (model.backbone_trains()) return no_set("some of the backbone trains");
  if (!model.keeps_rows()) return no_set("features are as long as their texts");
  const c10::NoGradGuard no_grad;
  const StoredKind kind{
      .fingerprint = model.fingerprint(), .compute = [&](const Batch& batch) { return model.kept(batch.inputs); }, .dense = true};
  StoredSamples stored = stored_samples(model, data, store.state(), kind, options);
  if (!stored.why.empty()) return no_set(stored.why);
  FeatureSet set(store);
  set.prepare_seconds_ = stored.prepare_seconds;
  set.random_ = stored.random;
  set.compute_seconds_ = stored.compute_seconds;
  std::vector<Sample> samples = with_targets(model, data, stored);
  for (Sample& sample : samples) sample.inputs = {};
  set.targets_ = to(collate(samples, {}).targets, model.device());
  set.features_ = to(joined(stored.rows, store.state()), model.device());
  set.records_ = std::move(stored.records);
  return set;
}

}  // namespace graft
