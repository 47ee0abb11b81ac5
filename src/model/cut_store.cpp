#include "model/cut_store.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "core/names.h"
#include "core/stopwatch.h"
#include "graft/core/log.h"
#include "model/store_loader.h"

namespace graft {
namespace {

std::optional<CutStore> no_store(const std::string& reason) {
  log(LogLevel::Info, "the part below the freeze line runs in every epoch: " + reason);
  return std::nullopt;
}

std::int64_t bytes_of(const Fields& fields) {
  std::int64_t bytes = 0;
  for (const auto& [name, tensor] : fields) bytes += static_cast<std::int64_t>(tensor.nbytes());
  return bytes;
}

}  // namespace

std::optional<CutStore> CutStore::make(const Model& model, const Data& data, const FeatureStoreOptions& options, std::int64_t budget) {
  if (const Plan plan = model.plan(); !plan.splits) return no_store(plan.why);
  const c10::NoGradGuard no_grad;
  CutStore store;
  const Stopwatch preparing;
  Loader loader = store_loader(model, data, options);
  store.prepare_seconds_ = preparing.seconds();
  if (loader.is_random()) return no_store("preprocessing draws random numbers");
  store.padding_ = model.preprocess()->padding();

  const Stopwatch computing;
  std::int64_t bytes = 0, done = 0;
  const auto total = static_cast<std::int64_t>(loader.num_samples());
  Fields first;
  while (const auto batch = loader.next()) {
    const Fields cut = model.cut(batch->inputs);
    bytes += bytes_of(cut);
    if (bytes > budget) return no_store("it would take more than " + with_commas(budget) + " bytes to keep what it gives");
    const Fields targets = to(batch->targets, model.device());
    for (const auto& [name, tensor] : cut) {
      if (tensor.dim() == 0 || tensor.size(0) != batch->size()) return no_store("\"" + name + "\" belongs to no single sample");
      // What grows with the text is filled up again when texts of several lengths share a batch; masks tell what is real.
      const bool varies = !first.empty() && tensor.sizes().slice(1) != first[name].sizes().slice(1);
      const bool known =
          std::ranges::find(store.padding_.values, name, [](const auto& entry) { return entry.first; }) != store.padding_.values.end();
      if (varies && !known) store.padding_.values.emplace_back(name, 0.0);
    }
    if (first.empty()) first = cut;
    for (std::int64_t row = 0; row < batch->size(); ++row) {
      Sample sample{{}, {}, batch->records[static_cast<std::size_t>(row)]};
      for (const auto& [name, tensor] : cut) sample.inputs.set(name, tensor.select(0, row));
      for (const auto& [name, tensor] : targets) sample.targets.set(name, tensor.select(0, row));
      store.samples_.push_back(std::move(sample));
    }
    done += batch->size();
    if (options.progress) options.progress({"features", done, total, ""});
  }
  std::ranges::stable_sort(store.samples_, {}, &Sample::record);
  store.compute_seconds_ = computing.seconds();
  return store;
}

Batch CutStore::batch(std::span<const std::size_t> rows) const {
  std::vector<Sample> chosen;
  chosen.reserve(rows.size());
  for (const std::size_t row : rows) chosen.push_back(samples_[row]);
  return collate(chosen, padding_);
}

}  // namespace graft
