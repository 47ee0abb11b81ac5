#include <torch/csrc/jit/api/module.h>

#include <unordered_map>

#include "graph/network.h"

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
    // Containers may be changed by the network (recurrent state), so each copy has its own.
    if (original.isList() || original.isGenericDict() || original.isTuple()) return original.deepcopy();
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
  return Network(torch::jit::Module(Copier(std::move(decided), false).object(module_->_ivalue())));
}

Network Network::with_own_state() const {
  std::unordered_map<const c10::TensorImpl*, bool> frozen;
  for (const auto& [name, tensor] : parameters()) frozen[tensor.unsafeGetTensorImpl()] = false;
  const c10::NoGradGuard no_grad;
  return Network(torch::jit::Module(Copier(std::move(frozen), true).object(module_->_ivalue())));
}

}  // namespace graft::graph
