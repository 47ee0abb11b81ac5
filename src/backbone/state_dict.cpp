#include "graft/backbone/state_dict.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>

#include "backbone/unpickler.h"
#include "core/file.h"
#include "graft/backbone/safetensors.h"
#include "graft/core/error.h"
#include "graft/core/runtime.h"
#include "graph/archive.h"
#include "graph/policy.h"
#include "graph/storage_span.h"

namespace graft::backbone {
namespace {

using Kind = PickleObject::Kind;

// The magic number of files before PyTorch 1.6, as a pickle of protocol 2: LONG1 of 10 bytes.
constexpr std::string_view legacy_start("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);

/// Of "torch FloatStorage"; nothing for numbers that networks do not train with.
std::optional<at::ScalarType> type_of(const std::string& storage) {
  const auto type = graph::storage_type(std::string_view(storage).substr(storage.rfind(' ') + 1));
  const bool known = type && (at::isFloatingType(*type) || at::isIntegralType(*type, /*includeBool=*/true));
  return known ? type : std::nullopt;
}

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), file_(Mapping::open(path)) {}

  Fields read() {
    std::string_view bytes = file_->bytes();
    if (bytes.starts_with("PK")) {
      read_zip();
    } else if (bytes.starts_with(legacy_start)) {
      bytes.remove_prefix(legacy_start.size());
      read_legacy(bytes);
    } else {
      damaged("is neither a zip archive nor starts as older files do");
    }
    return tensors_of(root_);
  }

 private:
  struct Storage {
    std::string key;
    at::ScalarType type = at::kFloat;
    std::int64_t count = 0;
    at::Tensor values;  // flat; unset until its bytes are read
  };
  /// In files before PyTorch 1.6 the bytes of the storages come behind the tensors that name them.
  struct Pending {
    std::int64_t storage, offset;
    std::vector<std::int64_t> sizes, strides;
  };

  [[noreturn]] void damaged(const std::string& what) const {
    throw CheckpointError({.code = "graft-K014",
                           .message = "[StateDict] a sound file of torch.save is wanted, this one " + what + ".",
                           .remedy = graph::fetch_again_remedy,
                           .place = path_});
  }

  [[noreturn]] void forbidden(const std::string& what) const {
    throw CheckpointError({.code = "graft-K021",
                           .message = "[StateDict] tensors and containers are wanted, the file asks for \"" + what + "\".",
                           .remedy = "Save the weights alone: torch.save(model.state_dict(), path), or as safetensors.",
                           .place = path_});
  }

  Unpickler unpickler() {
    return Unpickler(
        {.storage = [this](const std::vector<PickleRef>& description) { return storage(description); },
         .tensor = [this](std::int64_t at, std::int64_t offset, std::vector<std::int64_t> sizes,
                          std::vector<std::int64_t> strides) { return tensor(at, offset, std::move(sizes), std::move(strides)); },
         .damaged = [this](const std::string& what) { damaged(what); },
         .forbidden = [this](const std::string& what) { forbidden(what); }});
  }

  /// ("storage", type, key, location, elements), before 1.6 with a view of another storage behind.
  std::int64_t storage(const std::vector<PickleRef>& description) {
    if (description.size() < 5 || description[0]->text != "storage" || description[1]->kind != Kind::Global ||
        description[4]->kind != Kind::Int || description[4]->integer < 0) {
      damaged("has a storage that is not described as one");
    }
    const auto type = type_of(description[1]->text);
    if (!type) forbidden(description[1]->text);
    if (description.size() > 5 && description[5]->kind != Kind::None) forbidden("a storage that is a view of another one");
    const std::string key = description[2]->kind == Kind::Int ? std::to_string(description[2]->integer) : description[2]->text;
    if (const auto known = by_key_.find(key); known != by_key_.end()) {
      if (storages_[static_cast<std::size_t>(known->second)].type != *type) damaged("has a storage of two types");
      return known->second;
    }
    Storage made{.key = key, .type = *type, .count = description[4]->integer, .values = {}};
    if (archive_) fill(made);
    storages_.push_back(std::move(made));
    return by_key_[key] = static_cast<std::int64_t>(storages_.size()) - 1;
  }

  void fill(Storage& storage) const {
    const graph::Record* record = archive_->find("data/" + storage.key);
    if (record == nullptr) damaged("lacks the record of the storage " + storage.key);
    give(storage, archive_->bytes(*record));
  }

  void give(Storage& storage, std::string_view bytes) const {
    std::int64_t wanted = 0;
    if (__builtin_mul_overflow(storage.count, static_cast<std::int64_t>(c10::elementSize(storage.type)), &wanted) ||
        static_cast<std::uint64_t>(wanted) > bytes.size()) {
      throw beyond("the storage " + storage.key + " has " + std::to_string(storage.count) + " elements", bytes.size());
    }
    storage.values = at::empty({storage.count}, storage.type);
    if (wanted > 0) std::memcpy(storage.values.data_ptr(), bytes.data(), static_cast<std::size_t>(wanted));
  }

  CheckpointError beyond(const std::string& what, std::size_t bytes) const {
    return CheckpointError(
        {.code = "graft-K017",
         .message = "[StateDict] tensors within their data are wanted, " + what + " in " + std::to_string(bytes) + " bytes.",
         .remedy = graph::fetch_again_remedy,
         .place = path_});
  }

  at::Tensor tensor(std::int64_t at, std::int64_t offset, std::vector<std::int64_t> sizes, std::vector<std::int64_t> strides) {
    const Storage& storage = storages_.at(static_cast<std::size_t>(at));
    const auto bytes = static_cast<std::int64_t>(c10::elementSize(storage.type)) * storage.count;
    if (!graph::is_within(sizes, strides, offset, graph::bits_per_element(storage.type), bytes))
      throw beyond("a tensor of sizes " + c10::str(at::IntArrayRef(sizes)) + " lies", static_cast<std::size_t>(bytes));
    if (storage.values.defined()) return storage.values.as_strided(sizes, strides, offset);
    // Stands for the tensor until the storages come.
    pending_.push_back({at, offset, std::move(sizes), std::move(strides)});
    const at::Tensor place = at::empty({0}, storage.type);
    places_.emplace(place.unsafeGetTensorImpl(), pending_.size() - 1);
    return place;
  }

  void read_zip() {
    archive_.emplace(file_, path_);
    archive_->require_sound();
    const graph::Record* record = archive_->find("data.pkl");
    if (record == nullptr) damaged("holds no data.pkl");
    const std::string pickle = archive_->bytes(*record);
    std::string_view bytes = pickle;
    root_ = unpickler().read(bytes);
  }

  void read_legacy(std::string_view bytes) {
    Unpickler reader = unpickler();
    reader.read(bytes);  // the protocol's number
    reader.read(bytes);  // what machine wrote it
    root_ = reader.read(bytes);
    const PickleRef keys = reader.read(bytes);
    if (keys->kind != Kind::List) damaged("does not list its storages");
    for (const PickleRef& key : keys->elements) {
      std::int64_t count = 0;
      if (bytes.size() < sizeof(count)) damaged("ends in the middle");
      std::memcpy(&count, bytes.data(), sizeof(count));
      bytes.remove_prefix(sizeof(count));
      const auto known = by_key_.find(key->kind == Kind::Int ? std::to_string(key->integer) : key->text);
      if (known == by_key_.end()) damaged("has a storage that no tensor names");
      Storage& storage = storages_[static_cast<std::size_t>(known->second)];
      if (count != storage.count) damaged("has a storage of another size than it says");
      give(storage, bytes);
      bytes.remove_prefix(storage.values.nbytes());
    }
    for (const Storage& storage : storages_) {
      if (!storage.values.defined()) damaged("lacks the storage " + storage.key);
    }
  }

  at::Tensor finished(const at::Tensor& tensor) const {
    const auto place = places_.find(tensor.unsafeGetTensorImpl());
    if (place == places_.end()) return tensor;
    const Pending& pending = pending_[place->second];
    return storages_[static_cast<std::size_t>(pending.storage)].values.as_strided(pending.sizes, pending.strides, pending.offset);
  }

  static const PickleObject* entry(const PickleObject& dict, const std::string& key) {
    for (const auto& [name, value] : dict.entries) {
      if (name->kind == Kind::Text && name->text == key) return value.get();
    }
    return nullptr;
  }

  void collect(const PickleObject& object, const std::string& prefix, Fields& into) const {
    for (const auto& [key, value] : object.entries) {
      if (key->kind != Kind::Text) continue;
      const std::string name = prefix.empty() ? key->text : prefix + "." + key->text;
      if (value->kind == Kind::Tensor) into.set(name, finished(value->tensor));
      if (value->kind == Kind::Dict) collect(*value, name, into);
    }
  }

  Fields tensors_of(const PickleRef& root) const {
    if (root->kind != Kind::Dict) forbidden("something else than a dictionary of tensors");
    const PickleObject* weights = root.get();
    for (const char* key : {"state_dict", "model_state_dict", "model", "net", "ema"}) {
      const PickleObject* inner = entry(*root, key);
      if (inner != nullptr && inner->kind == Kind::Dict && !inner->entries.empty()) {
        weights = inner;
        break;
      }
    }
    Fields found;
    collect(*weights, "", found);
    const std::vector<std::string> names = found.names();
    const std::string wrapper = "module.";
    if (names.empty() || !std::ranges::all_of(names, [&](const std::string& name) { return name.starts_with(wrapper); })) return found;
    Fields plain;
    for (const auto& [name, tensor] : found) plain.set(name.substr(wrapper.size()), tensor);
    return plain;
  }

  std::string path_;
  std::shared_ptr<const Mapping> file_;
  std::optional<graph::Archive> archive_;
  PickleRef root_;
  std::vector<Storage> storages_;
  std::map<std::string, std::int64_t> by_key_;
  std::vector<Pending> pending_;
  std::map<const c10::TensorImpl*, std::size_t> places_;
};

}  // namespace

Fields read_state_dict(const std::string& path) {
  runtime();
  return Reader(path).read();
}

Fields read_weights(const std::string& path) {
  const auto file = Mapping::open(path);
  const std::string_view bytes = file->bytes();
  return bytes.starts_with("PK") || bytes.starts_with("\x80\x02") ? read_state_dict(path) : read_safetensors(path);
}

}  // namespace graft::backbone
