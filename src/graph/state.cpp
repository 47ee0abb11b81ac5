#include <set>
#include <unordered_set>

#include "graph/network.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

/// The attributes that a graph writes to. LibTorch's own alias analysis takes everything for written once a value that an activation
/// changed in place stands in a container, so writes are followed back to their targets here.
class Writes {
 public:
  explicit Writes(jit::Graph& graph) {
    for_each_node(graph.block(), [&](jit::Node* node) {
      if (node->kind() == c10::prim::SetAttr) attributes.insert(join_path(relative_path(node->input(0)), node->s(c10::attr::name)));
      for (jit::Value* target : targets(node)) follow(target);
    });
  }

  std::set<std::string> attributes;

 private:
  static std::vector<jit::Value*> targets(jit::Node* node) {
    std::vector<jit::Value*> found;
    if (node->kind() == c10::aten::batch_norm && !is_off(node->input(5))) found = {node->input(3), node->input(4)};
    const auto* schema = node->maybeSchema();
    for (std::size_t i = 0; schema != nullptr && i < std::min(schema->arguments().size(), node->inputs().size()); ++i) {
      const auto* alias = schema->arguments()[i].alias_info();
      if (alias != nullptr && alias->isWrite()) found.push_back(node->input(i));
    }
    return found;
  }

  static bool is_off(const jit::Value* flag) {
    const auto value = jit::toIValue(flag);
    return value && value->isBool() && !value->toBool();
  }

  /// To the attributes that a value is, is a view of, or was taken out of.
  void follow(jit::Value* value) {
    if (!seen_.insert(value).second) return;
    jit::Node* node = value->node();
    const c10::Symbol kind = node->kind();
    if (kind == c10::prim::GetAttr) {
      attributes.insert(attribute_path(node));
    } else if (kind == c10::prim::Param) {
      jit::Node* owner = node->owningBlock()->owningNode();
      if (owner == nullptr) return;
      for (jit::Value* input : owner->inputs()) follow(input);
      for (jit::Value* output : node->owningBlock()->outputs()) follow(output);
    } else if (!node->blocks().empty()) {
      for (jit::Value* input : node->inputs()) follow(input);
      for (jit::Block* block : node->blocks()) {
        for (jit::Value* output : block->outputs()) follow(output);
      }
    } else if (is_container(kind) || gives_alias(node)) {
      for (jit::Value* input : node->inputs()) follow(input);
    }
  }

  static bool is_container(c10::Symbol kind) {
    static const std::unordered_set<std::string> kinds = {
        "prim::unchecked_cast", "prim::TupleUnpack",    "prim::ListUnpack",    "prim::TupleIndex",
        "prim::ListConstruct",  "prim::TupleConstruct", "prim::DictConstruct", "prim::unchecked_unwrap_optional",
        "aten::__getitem__"};
    return kinds.contains(kind.toQualString());
  }

  static bool gives_alias(const jit::Node* node) {
    const auto* schema = node->maybeSchema();
    return schema != nullptr &&
           std::ranges::any_of(schema->returns(), [](const c10::Argument& result) { return result.alias_info() != nullptr; });
  }

  std::unordered_set<const jit::Value*> seen_;
};

}  // namespace

std::vector<std::string> Network::state() const {
  const std::shared_ptr<jit::Graph> graph = inlined_forward(*module_);
  assume_eval(graph);
  const Writes writes(*graph);
  return {writes.attributes.begin(), writes.attributes.end()};
}

void Network::set_state(const Network& from, const std::vector<std::string>& names) const {
  for (const std::string& path : names) {
    const auto [source, name] = attribute_owner(*from.module_, path);
    const auto [target, same_name] = attribute_owner(*module_, path);
    const c10::IValue value = source->getAttr(name);
    target->setAttr(name,
                    value.isTensor() && value.toTensor().defined() ? c10::IValue(value.toTensor().detach().clone()) : value.deepcopy());
  }
}

}  // namespace graft::graph
