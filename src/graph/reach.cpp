#include "graph/reach.h"

#include <torch/csrc/jit/api/module.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "core/names.h"
#include "graft/core/error.h"
#include "graph/giving.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

/// A forward with all calls inlined, and the name of every value that can be brought out.
class Reach {
 public:
  explicit Reach(const jit::Module& module) : graph_(jit::toGraphFunction(forward_of(module).function()).graph()->copy()) {
    while (jit::Node* call = next_call(graph_->block())) inline_call(call);
    collect_outputs();
    name_modules();
    name_operators();
    std::ranges::stable_sort(named_, [](const Named& a, const Named& b) { return a.value->node()->isBefore(b.value->node()); });
  }

  struct Named {
    Tap tap;
    jit::Value* value;
  };
  const std::vector<Named>& named() const { return named_; }
  const std::shared_ptr<jit::Graph>& graph() const { return graph_; }

 private:
  struct Output {
    std::string path;
    jit::Value* value;
  };

  static jit::Node* next_call(jit::Block* block) {
    for (jit::Node* node : block->nodes()) {
      if (callee_of(node) != nullptr) return node;
      for (jit::Block* inner : node->blocks()) {
        if (jit::Node* found = next_call(inner)) return found;
      }
    }
    return nullptr;
  }

  static jit::GraphFunction* callee_of(const jit::Node* node) {
    if (node->kind() == c10::prim::CallFunction)
      return jit::tryToGraphFunction(*node->input(0)->type()->expectRef<c10::FunctionType>().function());
    if (node->kind() != c10::prim::CallMethod) return nullptr;
    const auto owner = node->input(0)->type()->cast<c10::ClassType>();
    return owner == nullptr ? nullptr : jit::tryToGraphFunction(*owner->findMethod(node->s(c10::attr::name)));
  }

  /// One level only, so that the calls inside come up with their paths.
  void inline_call(jit::Node* call) {
    jit::GraphFunction* callee = callee_of(call);
    const bool is_forward = call->kind() == c10::prim::CallMethod &&
                            (call->s(c10::attr::name) == "forward" || call->s(c10::attr::name).starts_with("forward__"));
    // Chains of attributes lead to the network itself by now, so the path is the whole one.
    const std::string path = call->kind() == c10::prim::CallMethod ? relative_path(call->input(0)) : owner_[call];
    if (call->kind() == c10::prim::CallFunction) call->removeInput(0);  // the function itself
    const jit::Node* before = call->prev();
    const jit::Node* after = call->next();
    const std::vector<jit::Value*> results = jit::inlineCallTo(call, callee, callee->graph().get());
    for (jit::Node* node = before->next(); node != after; node = node->next()) {
      owner_[node] = path;
      for (jit::Block* inner : node->blocks()) for_each_node(inner, [&](jit::Node* deep) { owner_[deep] = path; });
    }
    if (!is_forward || path.empty() || results.size() != 1 || results.front()->node()->owningBlock() != graph_->block()) return;
    // As an output of the graph it is followed when what gives it is inlined in turn.
    graph_->registerOutput(results.front());
    outputs_.push_back({path, nullptr});
  }

  void collect_outputs() {
    for (std::size_t i = 0; i < outputs_.size(); ++i) outputs_[i].value = graph_->outputs()[i + 1];
    while (graph_->outputs().size() > 1) graph_->eraseOutput(graph_->outputs().size() - 1);
  }

  bool is_outside(const jit::Value* value) const {
    return value->node()->owningBlock() == graph_->block() && value->node()->kind() != c10::prim::Param;
  }

  void name_modules() {
    std::map<std::string, std::size_t> calls, seen;
    for (const Output& output : outputs_) ++calls[output.path];
    for (const Output& output : outputs_) {
      const std::size_t call = ++seen[output.path];
      const std::string name = output.path + (call < calls[output.path] ? "#" + std::to_string(call) : "");
      if (!is_outside(output.value)) continue;
      if (is_tensor(output.value)) {
        add(name, output.value, true);
      } else if (const auto tuple = output.value->type()->cast<c10::TupleType>()) {
        const jit::WithInsertPoint at(output.value->node()->next());
        jit::Node* unpack = graph_->insertNode(graph_->createTupleUnpack(output.value));
        for (std::size_t i = 0; i < unpack->outputs().size(); ++i) {
          if (is_tensor(unpack->outputs()[i])) add(name + ".output." + std::to_string(i), unpack->outputs()[i], true);
        }
      }
    }
  }

  void name_operators() {
    std::map<std::string, std::size_t> counts;
    for (jit::Node* node : graph_->block()->nodes()) {
      if (node->kind().ns() != c10::namespaces::aten || node->outputs().size() != 1 || !is_tensor(node->output())) continue;
      std::string kind = node->kind().toUnqualString();
      while (kind.ends_with('_')) kind.pop_back();
      kind.erase(0, kind.find_first_not_of('_'));
      const std::string name = join_path(owner_[node], kind);
      add(name + std::to_string(counts[name]++), node->output(), false);
    }
  }

  void add(const std::string& name, jit::Value* value, bool from_module) {
    if (!from_module && modules_.contains(value)) return;  // it has a better name
    if (from_module) modules_.insert(value);
    named_.push_back({{name, from_module}, value});
  }

  std::shared_ptr<jit::Graph> graph_;
  std::unordered_map<const jit::Node*, std::string> owner_;  // the module whose code a node is
  std::vector<Output> outputs_;
  std::unordered_set<const jit::Value*> modules_;
  std::vector<Named> named_;
};

/// The network's output by the name that Network gives it, or null. Inserts what takes it out at the end of the graph.
jit::Value* output_named(jit::Graph& graph, const std::string& name) {
  const jit::WithInsertPoint at(graph.block());
  jit::Value* value = graph.outputs()[0];
  std::string rest = name;
  if (value->type()->kind() != c10::TypeKind::DictType) {
    if (!name.starts_with("output")) return nullptr;
    rest.erase(0, 6);
  } else {
    rest = "." + name;
  }
  while (!rest.empty()) {
    if (rest.front() != '.') return nullptr;
    std::string part = rest.substr(1, rest.find('.', 1) - 1);
    const auto dict = value->type()->cast<c10::DictType>();
    if (dict != nullptr) part = rest.substr(1);  // keys may hold dots
    rest.erase(0, part.size() + 1);
    const bool is_number = !part.empty() && part.find_first_not_of("0123456789") == std::string::npos && part.size() < 6;
    if (const auto tuple = value->type()->cast<c10::TupleType>()) {
      if (!is_number || std::stoul(part) >= tuple->elements().size()) return nullptr;
      value = graph.insertNode(graph.createTupleUnpack(value))->outputs()[std::stoul(part)];
    } else if (value->type()->kind() == c10::TypeKind::ListType && is_number) {
      value = graph.insert(c10::aten::__getitem__, {value, graph.insertConstant(static_cast<std::int64_t>(std::stoul(part)))});
    } else if (dict != nullptr) {
      value = graph.insert(c10::aten::__getitem__, {value, graph.insertConstant(part)});
    } else {
      return nullptr;
    }
  }
  return is_tensor(value) ? value : nullptr;
}

}  // namespace

std::vector<Tap> taps(const Network& network) {
  std::vector<Tap> found;
  const Reach reach(network.module());
  for (const auto& named : reach.named()) found.push_back(named.tap);
  return found;
}

Network with_features(const Network& network, const std::vector<std::string>& names) {
  const Reach reach(network.module());
  std::vector<std::pair<std::string, jit::Value*>> values;
  std::vector<Problem> problems;
  for (const std::string& name : names) {
    const auto named = std::ranges::find(reach.named(), name, [](const auto& entry) { return entry.tap.name; });
    jit::Value* value = named != reach.named().end() ? named->value : output_named(*reach.graph(), name);
    if (value != nullptr) {
      values.emplace_back(name, value);
      continue;
    }
    std::vector<std::string> known;
    for (const auto& entry : reach.named()) known.push_back(entry.tap.name);
    problems.push_back({"graft-M022", "[Backbone] there is no feature or output \"" + name + "\" outside of branches and loops.",
                        did_you_mean(name, known, "graft inspect FILE --features lists them."), ""});
  }
  if (!problems.empty()) throw ModelError(problems);
  return giving(reach.graph(), values, network);
}

}  // namespace graft::graph
