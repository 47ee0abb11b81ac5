#include "graph/training_flags.h"

#include <torch/csrc/jit/ir/ir.h>

#include <set>
#include <unordered_map>
#include <unordered_set>

#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

/// Which values depend on trained parameters, and which flags govern operations on such values.
class Dataflow {
 public:
  Dataflow(jit::Graph& graph, const std::function<bool(const std::string&)>& trains) {
    std::size_t before = 0;
    do {  // loops and in-place writes carry taint backwards, so the walk repeats until nothing is added
      before = tainted_.size();
      for_each_node(graph.block(), [&](jit::Node* node) { visit(node, trains); });
    } while (tainted_.size() != before);
    for_each_node(graph.block(), [&](jit::Node* node) { follow_flags(node); });
  }

  /// Modules whose flag the graph reads, and those of them where that matters.
  std::set<std::string> seen, live;

 private:
  bool is_tainted(const jit::Node* node) const {
    for (const jit::Value* input : node->inputs()) {
      if (tainted_.contains(input)) return true;
    }
    for (const jit::Block* block : node->blocks()) {
      for (const jit::Node* inner : block->nodes()) {
        if (is_tainted(inner)) return true;
      }
    }
    return false;
  }

  void visit(jit::Node* node, const std::function<bool(const std::string&)>& trains) {
    if (node->kind() == c10::prim::GetAttr) {
      if (trains(attribute_path(node))) tainted_.insert(node->output());
      return;
    }
    if (!is_tainted(node)) return;
    for (const jit::Value* output : node->outputs()) tainted_.insert(output);
    for (const jit::Block* block : node->blocks()) {
      for (const jit::Value* input : block->inputs()) tainted_.insert(input);
    }
    const auto* schema = node->maybeSchema();
    if (schema == nullptr) return;
    for (std::size_t i = 0; i < schema->arguments().size() && i < node->inputs().size(); ++i) {
      const auto* alias = schema->arguments()[i].alias_info();
      if (alias != nullptr && alias->isWrite()) tainted_.insert(node->input(i));
    }
  }

  void follow_flags(const jit::Node* node) {
    if (node->kind() == c10::prim::GetAttr) {
      const std::string path = attribute_path(node);
      if (path == "training" || path.ends_with(".training")) {
        const std::string owner = path.size() > 9 ? path.substr(0, path.size() - 9) : "";
        seen.insert(owner);
        flags_[node->output()].insert(owner);
      }
      return;
    }
    std::set<std::string> governed;
    for (const jit::Value* input : node->inputs()) {
      if (const auto found = flags_.find(input); found != flags_.end()) governed.insert(found->second.begin(), found->second.end());
    }
    if (governed.empty()) return;
    if (is_tainted(node)) {
      live.insert(governed.begin(), governed.end());
    } else {  // `p = 0.1 if self.training else 0.0`: what is computed from a flag carries it on
      for (const jit::Value* output : node->outputs()) {
        if (!output->type()->isSubtypeOf(*c10::TensorType::get())) flags_[output].insert(governed.begin(), governed.end());
      }
    }
  }

  std::unordered_set<const jit::Value*> tainted_;
  std::unordered_map<const jit::Value*, std::set<std::string>> flags_;
};

void set_flag(jit::Module module, bool value) {
  if (const auto slot = module.type()->findAttributeSlot("training")) module._ivalue()->setSlot(*slot, value);
}

struct Census {
  bool any = false;     // parameters in the subtree
  bool trains = false;  // one of them trains
};

Census census(const jit::Module& module, const std::string& path, const std::function<bool(const std::string&)>& trains) {
  Census count;
  for (const auto& parameter : module.named_parameters(/*recurse=*/true)) {
    count.any = true;
    count.trains |= trains(join_path(path, parameter.name));
  }
  return count;
}

void set_flags(jit::Module module, const std::string& path, bool owner_trains, const std::function<bool(const std::string&)>& trains,
               const Dataflow& flow) {
  const Census subtree = census(module, path, trains);
  if (subtree.any) owner_trains = subtree.trains;
  bool own_state = false, own_trains = false;
  for (const auto& parameter : module.named_parameters(/*recurse=*/false)) {
    own_state = true;
    own_trains |= trains(join_path(path, parameter.name));
  }
  for (const auto& buffer : module.named_buffers(/*recurse=*/false)) own_state |= buffer.value.is_floating_point();
  const bool matters = !flow.seen.contains(path) || flow.live.contains(path);
  set_flag(module, matters && (own_state ? own_trains : owner_trains));
  for (const auto& child : module.named_children()) set_flags(child.value, join_path(path, child.name), owner_trains, trains, flow);
}

}  // namespace

void train(jit::Module& module, const std::function<bool(const std::string&)>& trains) {
  const auto graph = inlined_forward(module);
  set_flags(module, "", false, trains, Dataflow(*graph, trains));
}

void eval(jit::Module& module) {
  for (const auto& part : module.modules()) set_flag(part, false);
}

}  // namespace graft::graph
