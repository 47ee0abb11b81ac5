#include "graft/model/feature_store.h"

#include <ATen/ATen.h>

#include "graft/core/error.h"
#include "model/spill.h"
#include "model/store_state.h"

namespace graft {
namespace {

std::int64_t bytes_of(const at::Tensor& tensor) { return static_cast<std::int64_t>(tensor.nbytes()); }

}  // namespace

FeatureStore::FeatureStore(const FeatureStoreOptions& options) : state_(std::make_shared<State>(options)) {
  if (options.budget >= 0 && options.views >= 0) return;
  throw ConfigError({.code = "graft-C025",
                     .message = "[FeatureStore] a budget and a number of views of at least 0 are wanted.",
                     .remedy = "With a budget of 0 all lies in temporary files; FeatureStore::off() keeps nothing.",
                     .place = ""});
}

FeatureStore::~FeatureStore() = default;
FeatureStore::FeatureStore(const FeatureStore&) = default;
FeatureStore& FeatureStore::operator=(const FeatureStore&) = default;

FeatureStore FeatureStore::off() {
  FeatureStore store;
  store.state_.reset();
  return store;
}

std::int64_t FeatureStore::bytes_in_memory() const { return state_ ? state_->in_memory : 0; }
std::int64_t FeatureStore::bytes_in_files() const { return state_ ? state_->in_files : 0; }
std::int64_t FeatureStore::computed() const { return state_ ? state_->computed : 0; }
std::int64_t FeatureStore::found() const { return state_ ? state_->found : 0; }

Fields StoredRow::fields() const {
  Fields values;
  for (const auto& [name, tensor] : *chunk) values.set(name, tensor.select(0, row));
  return values;
}

void FeatureStore::State::turn_to(const std::string& fingerprint) {
  if (fingerprint == current) return;
  current = fingerprint;
  rows.clear();
  spilled.clear();
  file.reset();
  in_memory = in_files = since_release = 0;
  if (!options.folder.empty()) file = FeatureFile::open(options.folder, fingerprint);
}

std::optional<std::vector<StoredRow>> FeatureStore::State::find(const std::string& key) {
  if (const auto known = rows.find(key); known != rows.end()) return known->second;
  auto samples = file ? file->read(key) : std::nullopt;
  if (!samples) return std::nullopt;
  std::vector<StoredRow> loaded;
  for (const Fields& sample : *samples) {
    auto chunk = std::make_shared<Fields>();
    for (const auto& [name, tensor] : sample) chunk->set(name, settle(tensor.unsqueeze(0)));
    loaded.push_back({std::move(chunk), 0});
  }
  return rows[key] = std::move(loaded);
}

void FeatureStore::State::keep(const std::string& key, std::vector<StoredRow> samples) {
  if (file) {
    std::vector<Fields> values;
    for (const StoredRow& row : samples) values.push_back(row.fields());
    file->write(key, values);
  }
  rows[key] = std::move(samples);
}

at::Tensor FeatureStore::State::room(at::IntArrayRef sizes, at::ScalarType type) {
  std::int64_t bytes = static_cast<std::int64_t>(c10::elementSize(type));
  for (const std::int64_t size : sizes) bytes *= size;
  if (in_memory + bytes <= options.budget) {
    in_memory += bytes;
    return at::empty(sizes, type);
  }
  in_files += bytes;
  return spilled.emplace_back(spilled_tensor(sizes, type, options.folder));
}

at::Tensor FeatureStore::State::settle(const at::Tensor& values) {
  const std::int64_t bytes = bytes_of(values);
  if (in_memory + bytes <= options.budget) {
    in_memory += bytes;
    return values.cpu();
  }
  at::Tensor place = room(values.sizes(), values.scalar_type());
  place.copy_(values);
  touched(bytes);
  return place;
}

void FeatureStore::State::touched(std::int64_t bytes) {
  if (spilled.empty()) return;
  // A tenth of the budget in pages that can be had again at any time; a small budget does not pay for giving back each page.
  const std::int64_t limit = std::max<std::int64_t>(options.budget / 10, std::int64_t{4} << 20);
  if ((since_release += bytes) < limit) return;
  since_release = 0;
  for (const at::Tensor& tensor : spilled) release_pages(tensor);
}

}  // namespace graft
