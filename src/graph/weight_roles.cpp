#include "graph/weight_roles.h"

#include <array>
#include <unordered_map>
#include <vector>

namespace graft::graph {
namespace {

namespace jit = torch::jit;

struct Slot {
  std::size_t input;
  const char* name;
  bool trains = true;
};
struct Layer {
  const char* name;
  std::vector<Slot> slots;
};

const Layer* layer_of(const jit::Node* node) {
  static const std::vector<Slot> conv = {{1, "weight"}, {2, "bias"}};
  static const std::vector<Slot> batch_norm = {{1, "weight"}, {2, "bias"}, {3, "running_mean", false}, {4, "running_var", false}};
  static const std::unordered_map<std::string, Layer> layers = {
      {"aten::conv1d", {"conv", conv}},
      {"aten::conv2d", {"conv", conv}},
      {"aten::conv3d", {"conv", conv}},
      {"aten::_convolution", {"conv", conv}},
      {"aten::convolution", {"conv", conv}},
      {"aten::conv_transpose1d", {"conv", conv}},
      {"aten::conv_transpose2d", {"conv", conv}},
      {"aten::linear", {"linear", conv}},
      {"aten::addmm", {"linear", {{0, "bias"}, {2, "weight_t"}}}},  // x.mm(weight_t), [D, C]
      {"aten::matmul", {"linear", {{1, "weight_t"}}}},
      {"aten::mm", {"linear", {{1, "weight_t"}}}},
      {"aten::t", {"linear", {{0, "weight"}}}},
      {"aten::embedding", {"embedding", {{0, "weight"}}}},
      {"aten::layer_norm", {"norm", {{2, "weight"}, {3, "bias"}}}},
      {"aten::group_norm", {"norm", {{2, "weight"}, {3, "bias"}}}},
      {"aten::batch_norm", {"bn", batch_norm}},
      {"aten::instance_norm", {"norm", batch_norm}},
      {"aten::prelu", {"prelu", {{1, "weight"}}}}};
  const auto found = layers.find(node->kind().toQualString());
  return found == layers.end() ? nullptr : &found->second;
}

/// torch.nn's names for the list of a recurrent layer's weights: weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, then those of the
/// reverse direction and of the next layer.
std::optional<WeightRole> recurrent_role(const jit::Use& use) {
  if (use.user->kind() != c10::prim::ListConstruct) return std::nullopt;
  for (const jit::Use& of_list : use.user->output()->uses()) {
    const std::string kind = of_list.user->kind().toUnqualString();
    if ((kind != "lstm" && kind != "gru" && kind != "rnn_tanh" && kind != "rnn_relu") || of_list.offset < 2) continue;
    const bool packed = of_list.user->input(3)->type()->kind() != c10::TypeKind::BoolType;
    if (of_list.offset != (packed ? 3U : 2U)) continue;  // the list before it is the state
    const auto flag = [&](std::size_t input) {
      const auto value = jit::toIValue(of_list.user->input(input));
      return value && value->isBool() && value->toBool();
    };
    const bool biases = flag(packed ? 4 : 3), both = flag(packed ? 8 : 7);
    static constexpr std::array<const char*, 4> names = {"weight_ih_l", "weight_hh_l", "bias_ih_l", "bias_hh_l"};
    const std::size_t each = biases ? 4 : 2, run = use.offset / each;
    const std::string layer = std::to_string(both ? run / 2 : run);
    return WeightRole{kind.substr(0, kind.find('_')), names[use.offset % each] + layer + (both && run % 2 == 1 ? "_reverse" : ""),
                      of_list.user};
  }
  return std::nullopt;
}

}  // namespace

std::optional<WeightRole> weight_role(const jit::Value* value) {
  for (const jit::Use& use : value->uses()) {
    if (auto role = recurrent_role(use)) return role;
    const Layer* layer = layer_of(use.user);
    if (layer == nullptr) continue;
    for (const Slot& slot : layer->slots) {
      if (slot.input == use.offset) return WeightRole{layer->name, slot.name, use.user, slot.trains};
    }
  }
  return std::nullopt;
}

const std::string& LayerNames::of(const WeightRole& role) {
  std::string& name = names_[role.user];
  if (name.empty()) name = role.layer + std::to_string(counts_[role.layer]++);
  return name;
}

}  // namespace graft::graph
