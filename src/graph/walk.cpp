#include "graph/walk.h"

#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/inliner.h>

#include <algorithm>
#include <map>
#include <set>

#include "graft/core/error.h"

namespace graft::graph {

namespace jit = torch::jit;

jit::Method forward_of(const jit::Module& module) {
  if (const auto method = module.find_method("forward")) return *method;
  throw ModelError({.code = "graft-M002",
                    .message = "[Backbone] the network has no forward method.",
                    .remedy = "Export the module whose forward you call in Python.",
                    .place = ""});
}

std::shared_ptr<jit::Graph> inlined_forward(const jit::Module& module) {
  auto graph = jit::toGraphFunction(forward_of(module).function()).graph()->copy();
  jit::Inline(*graph);
  return graph;
}

void for_each_node(jit::Block* block, const std::function<void(jit::Node*)>& visit) {
  for (jit::Node* node : block->nodes()) {
    visit(node);
    for (jit::Block* inner : node->blocks()) for_each_node(inner, visit);
  }
}

namespace {

constexpr int deepest_call = 200;  // a hostile file may call itself

void walk_calls(jit::Graph& graph, const std::string& path, int depth, const CallSiteVisitor& visit) {
  if (depth > deepest_call) return;
  for_each_node(graph.block(), [&](jit::Node* node) {
    visit(node, path);
    if (node->kind() == c10::prim::CallMethod) {
      const auto owner = node->input(0)->type()->cast<c10::ClassType>();
      if (owner == nullptr) return;  // an interface: which module answers is known only when it runs
      const std::string name = relative_path(node->input(0));
      auto* callee = jit::tryToGraphFunction(*owner->findMethod(node->s(c10::attr::name)));
      if (callee != nullptr) walk_calls(*callee->graph(), join_path(path, name), depth + 1, visit);
    } else if (node->kind() == c10::prim::CallFunction) {
      auto* callee = jit::tryToGraphFunction(*node->input(0)->type()->expectRef<c10::FunctionType>().function());
      if (callee != nullptr) walk_calls(*callee->graph(), path, depth + 1, visit);
    }
  });
}

}  // namespace

void for_each_call_site(const jit::Module& module, const CallSiteVisitor& visit) {
  walk_calls(*jit::toGraphFunction(forward_of(module).function()).graph(), "", 0, visit);
}

bool is_tensor(const jit::Value* value) { return value->type()->isSubtypeOf(*c10::TensorType::get()); }

std::string join_path(const std::string& path, const std::string& name) {
  return path.empty() || name.empty() ? path + name : path + "." + name;
}

void assume_eval(std::shared_ptr<jit::Graph> graph) {
  jit::Value* off = nullptr;
  {
    const jit::WithInsertPoint start(graph->block()->param_node()->next());
    off = graph->insertConstant(false);
  }
  for_each_node(graph->block(), [&](jit::Node* node) {
    if (node->kind() == c10::prim::GetAttr && node->s(c10::attr::name) == "training") node->output()->replaceAllUsesWith(off);
  });
  jit::ConstantPropagation(graph);
  jit::EliminateDeadCode(graph);
}

std::pair<c10::intrusive_ptr<c10::ivalue::Object>, std::string> attribute_owner(const jit::Module& root, const std::string& path) {
  auto object = root._ivalue();
  std::size_t start = 0;
  for (std::size_t dot = path.find('.'); dot != std::string::npos; start = dot + 1, dot = path.find('.', start))
    object = object->getAttr(path.substr(start, dot - start)).toObject();
  return {object, path.substr(start)};
}

std::optional<c10::IValue> attribute_value(const jit::Value* value, const jit::Module& root) {
  if (value == value->owningGraph()->inputs()[0]) return root._ivalue();
  if (value->node()->kind() != c10::prim::GetAttr) return std::nullopt;
  // By nodes, as names in mobile archives hold dots themselves.
  const auto owner = attribute_value(value->node()->input(0), root);
  if (!owner || !owner->isObject() || owner->isCustomClass()) return std::nullopt;
  return owner->toObjectRef().getAttr(value->node()->s(c10::attr::name));
}

std::string relative_path(const jit::Value* value) {
  return value->node()->kind() == c10::prim::GetAttr ? attribute_path(value->node()) : std::string();
}

std::string attribute_path(const jit::Node* get_attr) {
  std::string path = get_attr->s(c10::attr::name);
  for (const jit::Node* node = get_attr;;) {
    const jit::Value* owner = node->input(0);
    if (owner == owner->owningGraph()->inputs()[0]) return path;
    node = owner->node();
    if (node->kind() != c10::prim::GetAttr) return {};
    path = node->s(c10::attr::name) + '.' + path;
  }
}

std::vector<at::Tensor> tensors_in(const c10::IValue& value) {
  if (value.isTensor()) return {value.toTensor()};
  std::vector<at::Tensor> found;
  const auto add = [&](const c10::IValue& element) {
    for (const at::Tensor& tensor : tensors_in(element)) found.push_back(tensor);
  };
  if (value.isList()) std::ranges::for_each(value.toListRef().vec(), add);
  if (value.isTuple()) std::ranges::for_each(value.toTupleRef().elements().vec(), add);
  return found;
}

std::vector<std::string> execution_order(const jit::Module& module) {
  std::set<std::string> parameters, seen;
  std::map<const c10::TensorImpl*, std::string> names;
  for (const auto& parameter : module.named_parameters(/*recurse=*/true)) {
    parameters.insert(parameter.name);
    names.emplace(parameter.value.unsafeGetTensorImpl(), parameter.name);
  }
  std::vector<std::string> order;
  const auto add = [&](const jit::Value* read) {
    const std::string name = attribute_path(read->node());
    if (parameters.contains(name)) {
      if (seen.insert(name).second) order.push_back(name);
      return;
    }
    // The weights of a scripted recurrent layer are read as a list that stands beside them.
    const auto value = attribute_value(read, module);
    if (!value || !value->isList()) return;
    for (const at::Tensor& tensor : tensors_in(*value)) {
      const auto known = names.find(tensor.unsafeGetTensorImpl());
      if (known != names.end() && seen.insert(known->second).second) order.push_back(known->second);
    }
  };
  const auto graph = inlined_forward(module);
  for_each_node(graph->block(), [&](jit::Node* node) {
    // A read is where the value is used, not where it is fetched: traces fetch all attributes at the top.
    if (node->kind() == c10::prim::GetAttr || node->kind() == c10::prim::ListConstruct) return;
    for (const jit::Value* input : node->inputs()) {
      if (input->node()->kind() == c10::prim::GetAttr) add(input);
      if (input->node()->kind() != c10::prim::ListConstruct) continue;  // the weights of a recurrent layer
      for (const jit::Value* element : input->node()->inputs()) {
        if (element->node()->kind() == c10::prim::GetAttr) add(element);
      }
    }
  });
  for (const auto& parameter : module.named_parameters(/*recurse=*/true)) {
    if (seen.insert(parameter.name).second) order.push_back(parameter.name);
  }
  return order;
}

}  // namespace graft::graph
