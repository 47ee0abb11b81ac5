#include "graft/model/feature_store.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <numeric>

#include "core/stopwatch.h"
#include "graft/core/log.h"
#include "model/store_loader.h"

namespace graft {
namespace {

bool no_store(const std::string& reason) {
  log(LogLevel::Info, "features are computed anew in every epoch: " + reason);
  return false;
}

bool is_storable(const Model& model) {
  if (model.backbone_trains()) return false;  // the plan says so; no surprise to report
  for (const Feature& feature : model.head().reads()) {
    if (feature.pooling == Pooling::None && !feature.mask.empty()) return no_store("\"" + feature.name + "\" has the length of its text");
  }
  return true;
}

/// Batches of features under construction.
struct Parts {
  std::vector<Fields> features, targets;
  std::vector<std::int64_t> records;
};

/// One tensor a field, rows in the order of the records.
Fields joined(const std::vector<Fields>& parts, const at::Tensor& order) {
  Fields whole;
  if (parts.empty()) return whole;
  for (const auto& [name, first] : parts.front()) {
    std::vector<at::Tensor> column;
    for (const Fields& part : parts) column.push_back(part[name]);
    whole.set(name, at::cat(column).index_select(0, order.to(first.device())));
  }
  return whole;
}

bool same_row_shapes(const Fields& a, const Fields& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.second.sizes().slice(1) == y.second.sizes().slice(1); });
}

}  // namespace

TargetFunction target_function(const Model& model) {
  return [&head = model.head()](const Record& record, std::span<Sample> samples) { head.targets(record, samples); };
}

std::optional<FeatureStore> FeatureStore::make(const Model& model, const Data& data, const FeatureStoreOptions& options) {
  if (!is_storable(model)) return std::nullopt;
  const c10::NoGradGuard no_grad;
  FeatureStore store;
  const Stopwatch preparing;
  Loader loader = store_loader(model, data, options);
  store.prepare_seconds_ = preparing.seconds();
  if (loader.is_random()) {
    no_store("preprocessing draws random numbers");
    return std::nullopt;
  }

  const Stopwatch computing;
  Parts parts;
  const auto total = static_cast<std::int64_t>(loader.num_samples());
  while (const auto batch = loader.next()) {
    parts.features.push_back(model.features(batch->inputs));
    if (!same_row_shapes(parts.features.front(), parts.features.back())) {
      no_store("samples have features of different shapes");
      return std::nullopt;
    }
    parts.targets.push_back(to(batch->targets, model.device()));
    parts.records.insert(parts.records.end(), batch->records.begin(), batch->records.end());
    if (options.progress) options.progress({"features", static_cast<std::int64_t>(parts.records.size()), total, ""});
  }
  std::vector<std::int64_t> order(parts.records.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::ranges::stable_sort(order, {}, [&](std::int64_t row) { return parts.records[static_cast<std::size_t>(row)]; });
  const at::Tensor index = at::tensor(order, at::kLong);
  store.features_ = joined(parts.features, index);
  store.targets_ = joined(parts.targets, index);
  for (const std::int64_t row : order) store.records_.push_back(parts.records[static_cast<std::size_t>(row)]);
  store.size_ = static_cast<std::int64_t>(order.size());
  store.compute_seconds_ = computing.seconds();
  return store;
}

}  // namespace graft
