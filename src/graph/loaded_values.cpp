#include <torch/csrc/jit/api/module.h>

#include <unordered_set>

#include "graft/core/error.h"
#include "graph/loaded_check.h"
#include "graph/policy.h"
#include "graph/storage_span.h"

namespace graft::graph {
namespace {

using Kind = c10::TypeKind;

/// A value, the type that whoever holds it declares, and where it is.
struct Held {
  c10::TypePtr type;
  c10::IValue value;
  std::string name;
};

/// True if the outermost of the value is what the type says; what lies inside is held and checked in turn.
bool fits(const c10::IValue& value, const c10::Type& type) {
  switch (type.kind()) {
    case Kind::TensorType:
      return value.isTensor();
    case Kind::IntType:
      return value.isInt();
    case Kind::FloatType:
      return value.isDouble();
    case Kind::ComplexType:
      return value.isComplexDouble();
    case Kind::BoolType:
      return value.isBool();
    case Kind::NumberType:
      return value.isScalar();
    case Kind::StringType:
      return value.isString();
    case Kind::NoneType:
      return value.isNone();
    case Kind::DeviceObjType:
      return value.isDevice();
    case Kind::TupleType:
      return value.isTuple() && value.toTupleRef().elements().size() == type.containedTypes().size();
    case Kind::ListType:
      return value.isList();
    case Kind::DictType:
      return value.isGenericDict();
    case Kind::EnumType:
      return value.isEnum();
    case Kind::ClassType:
    case Kind::InterfaceType:
      return value.isObject() && value.toObjectRef().type()->isSubtypeOf(type);
    default:
      return true;
  }
}

[[noreturn]] void refuse_tensor(const std::string& what, const std::string& why, const std::string& path) {
  throw CheckpointError({.code = "graft-K017",
                         .message = "[Archive] tensors within their storage are wanted, " + what + " " + why + ".",
                         .remedy = fetch_again_remedy,
                         .place = path});
}

void require_sparse(const at::Tensor& tensor, const std::string& what, const std::string& path) {
  try {
    if (tensor.layout() == at::kSparse) {
      at::_validate_sparse_coo_tensor_args(tensor._indices(), tensor._values(), tensor.sizes());
    } else {
      at::_validate_sparse_compressed_tensor_args(tensor.crow_indices(), tensor.col_indices(), tensor.values(), tensor.sizes(),
                                                  tensor.layout());
    }
  } catch (const std::exception&) {
    refuse_tensor(what, "has indices beyond its shape", path);
  }
}

void require_within(const at::Tensor& tensor, const std::string& what, const std::string& path) {
  if (!tensor.defined() || tensor.is_meta()) return;
  if (tensor.layout() == at::kSparse || tensor.layout() == at::kSparseCsr) {
    for (const at::Tensor& part : tensor.layout() == at::kSparse
                                      ? std::vector{tensor._indices(), tensor._values()}
                                      : std::vector{tensor.crow_indices(), tensor.col_indices(), tensor.values()}) {
      require_within(part, what, path);
    }
    require_sparse(tensor, what, path);
    return;
  }
  if (!tensor.has_storage()) return;
  const auto bytes = static_cast<std::int64_t>(tensor.storage().nbytes());
  if (!is_within(tensor.sizes(), tensor.strides(), tensor.storage_offset(), bits_per_element(tensor.scalar_type()), bytes)) {
    refuse_tensor(what,
                  "of sizes " + c10::str(tensor.sizes()) + " and strides " + c10::str(tensor.strides()) + " has a storage of " +
                      std::to_string(bytes) + " bytes",
                  path);
  }
  if (tensor.is_quantized() && tensor.qscheme() != at::kPerTensorAffine && tensor.qscheme() != at::kPerTensorSymmetric) {
    const std::int64_t axis = tensor.q_per_channel_axis();
    for (const at::Tensor& part : {tensor.q_per_channel_scales(), tensor.q_per_channel_zero_points()}) {
      require_within(part, what, path);
      if (axis < 0 || axis >= tensor.dim() || part.numel() != tensor.size(axis)) refuse_tensor(what, "has scales for other channels", path);
    }
  }
}

class Walk {
 public:
  explicit Walk(const std::string& path) : path_(path) {}

  void run(Held first) {
    root_ = first.name;
    todo_.push_back(std::move(first));
    while (!todo_.empty()) {
      const Held held = std::move(todo_.back());
      todo_.pop_back();
      visit(held);
    }
  }

 private:
  void visit(const Held& held) {
    if (held.type->kind() == Kind::OptionalType) {
      if (!held.value.isNone()) todo_.push_back({held.type->containedType(0), held.value, held.name});
      return;
    }
    if (!fits(held.value, *held.type)) {
      throw CheckpointError({.code = "graft-K014",
                             .message = "[Archive] a sound archive is wanted, in this one " + held.name + " is of type " +
                                        held.value.type()->annotation_str() + " where its class declares " + held.type->annotation_str() +
                                        ".",
                             .remedy = fetch_again_remedy,
                             .place = path_});
    }
    // Shared values count once, else shared pairs of pairs of pairs take for ever.
    if (held.value.isPtrType() && !seen_.insert({held.value.internalToPointer(), held.type.get()}).second) return;
    if (held.value.isTensor()) require_within(held.value.toTensor(), held.name, path_);
    if (held.value.isTuple()) {
      const auto& elements = held.value.toTupleRef().elements();
      for (std::size_t i = 0; i < elements.size(); ++i) hold(held, i, elements[i], held.name + "." + std::to_string(i));
    } else if (held.value.isList()) {
      for (const c10::IValue& element : held.value.toListRef()) hold(held, 0, element, held.name);
    } else if (held.value.isGenericDict()) {
      for (const auto& entry : held.value.toGenericDict()) {
        hold(held, 0, entry.key(), held.name);
        hold(held, 1, entry.value(), held.name);
      }
    } else if (held.value.isObject()) {
      const auto& object = held.value.toObjectRef();
      const auto type = object.type();
      for (std::size_t i = 0; i < type->numAttributes(); ++i) {
        const std::string& name = type->getAttributeName(i);
        todo_.push_back({type->getAttribute(i), object.getSlot(i), held.name == root_ ? name : held.name + "." + name});
      }
    }
  }

  /// An element, under the type that its holder declares for it, or under its own where the holder's says nothing of its content.
  void hold(const Held& holder, std::size_t position, const c10::IValue& value, std::string name) {
    const auto inside = holder.type->containedTypes();
    const bool declared =
        holder.type->kind() == Kind::TupleType || holder.type->kind() == Kind::ListType || holder.type->kind() == Kind::DictType;
    todo_.push_back({declared && position < inside.size() ? inside[position] : c10::TypePtr(c10::AnyType::get()), value, std::move(name)});
  }

  struct Hash {
    std::size_t operator()(const std::pair<const void*, const void*>& pair) const {
      return std::hash<const void*>()(pair.first) * 31 + std::hash<const void*>()(pair.second);
    }
  };

  const std::string& path_;
  std::string root_;
  std::vector<Held> todo_;
  std::unordered_set<std::pair<const void*, const void*>, Hash> seen_;
};

}  // namespace

void check_values(const torch::jit::Module& module, const std::string& path) {
  Walk(path).run({module.type(), module._ivalue(), "the network"});
}

void check_value(const c10::IValue& value, const std::string& what, const std::string& path) {
  Walk(path).run({c10::AnyType::get(), value, what});
}

}  // namespace graft::graph
