#include <torch/csrc/jit/api/module.h>

#include <algorithm>
#include <unordered_map>

#include "graph/network.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

/// Copies objects, keeping what is shared shared.
class Copier {
 public:
  Copier(std::unordered_map<const c10::TensorImpl*, bool> trains, bool own_state) : trains_(std::move(trains)), own_state_(own_state) {
    for (const auto& [tensor, does] : trains_) own_state_ |= does;  // statistics may move where something trains
  }

  c10::intrusive_ptr<c10::ivalue::Object> object(const c10::intrusive_ptr<c10::ivalue::Object>& original) {
    auto& copy = objects_[original.get()];
    if (copy) return copy;
    auto fresh = c10::ivalue::Object::create(c10::StrongTypePtr(original->compilation_unit(), original->type()), original->slots().size());
    copy = fresh;
    for (std::size_t i = 0; i < original->slots().size(); ++i) fresh->setSlot(i, value(original->getSlot(i)));
    return fresh;
  }

 private:
  c10::IValue value(const c10::IValue& original) {
    if (original.isTensor()) return tensor(original.toTensor());
    if (original.isObject() && !original.isCustomClass()) return object(original.toObject());
    // Containers may be changed by the network (recurrent state), so each copy has its own. What they hold may be parameters as well (the
    // weights of a recurrent layer).
    if (original.isTuple()) {
      std::vector<c10::IValue> elements;
      for (const c10::IValue& element : original.toTupleRef().elements()) elements.push_back(value(element));
      return c10::ivalue::Tuple::create(std::move(elements));
    }
    if (original.isList()) {
      c10::impl::GenericList copy(original.type()->expectRef<c10::ListType>().getElementType());
      for (const c10::IValue& element : original.toListRef()) copy.push_back(value(element));
      return copy;
    }
    if (original.isGenericDict()) {
      const auto given = original.toGenericDict();
      c10::impl::GenericDict copy(given.keyType(), given.valueType());
      for (const auto& entry : given) copy.insert(entry.key(), value(entry.value()));
      return copy;
    }
    return original;
  }

  at::Tensor tensor(const at::Tensor& original) {
    if (!original.defined()) return original;
    auto& copy = tensors_[original.unsafeGetTensorImpl()];
    if (copy.defined()) return copy;
    const auto parameter = trains_.find(original.unsafeGetTensorImpl());
    if (parameter == trains_.end()) {
      copy = own_state_ ? original.detach().clone() : original.detach();
    } else {
      copy = parameter->second ? original.detach().clone().requires_grad_(true) : original.detach();
    }
    return copy;
  }

  std::unordered_map<const c10::TensorImpl*, bool> trains_;  // of parameters
  bool own_state_;
  std::unordered_map<const c10::ivalue::Object*, c10::intrusive_ptr<c10::ivalue::Object>> objects_;
  std::unordered_map<const c10::TensorImpl*, at::Tensor> tensors_;
};

}  // namespace

Network Network::instance(const Trains& trains) const {
  std::unordered_map<const c10::TensorImpl*, bool> decided;
  for (const auto& [name, tensor] : parameters()) decided[tensor.unsafeGetTensorImpl()] |= trains(name);
  const c10::NoGradGuard no_grad;
  return Network(torch::jit::Module(Copier(std::move(decided), false).object(module_->_ivalue())), origin_);
}

Network Network::with_tensors(const NamedTensors& tensors) const {
  const Network copy = instance([](const std::string&) { return false; });
  const NamedTensors before = parameters(), after = copy.parameters();
  for (std::size_t i = 0; i < before.size(); ++i) at::Tensor(after[i].second).set_requires_grad(before[i].second.requires_grad());
  const auto has = [&](const std::string& path) {
    return std::ranges::any_of(before, [&](const auto& entry) { return entry.first == path; });
  };
  for (const auto& [path, tensor] : tensors) {
    if (!has(path)) continue;  // of a part that was cut off
    const auto [owner, name] = attribute_owner(*copy.module_, path);
    owner->setAttr(name, tensor.detach().requires_grad_(true));
  }
  return copy;
}

Network Network::with_own_state() const {
  std::unordered_map<const c10::TensorImpl*, bool> frozen;
  for (const auto& [name, tensor] : parameters()) frozen[tensor.unsafeGetTensorImpl()] = false;
  const c10::NoGradGuard no_grad;
  return Network(torch::jit::Module(Copier(std::move(frozen), true).object(module_->_ivalue())));
}

}  // namespace graft::graph
