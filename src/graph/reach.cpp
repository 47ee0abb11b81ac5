#include "graph/reach.h"

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/alias_analysis.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "core/names.h"
#include "graft/core/error.h"
#include "graph/flat.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

bool is_tensor(const jit::Value* value) { return value->type()->isSubtypeOf(*c10::TensorType::get()); }

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

/// A feature that is written to later, by an activation in place, is kept as it was.
jit::Value* kept(jit::Graph& graph, jit::Value* value) {
  const jit::AliasDb aliases(graph.shared_from_this());
  bool written = false;
  for (jit::Node* node : graph.block()->nodes()) written |= node->isAfter(value->node()) && aliases.writesToAlias(node, {value});
  if (!written) return value;
  const jit::WithInsertPoint at(value->node()->next());
  return graph.insert(c10::aten::clone, {value});
}

Network giving(const std::shared_ptr<jit::Graph>& graph, const std::vector<std::pair<std::string, jit::Value*>>& values,
               const Network& source) {
  // What is written to is copied right after it is made, while the whole graph still shows who writes.
  std::vector<jit::Value*> keys, results;
  while (!graph->outputs().empty()) graph->eraseOutput(0);
  for (const auto& [name, value] : values) results.push_back(value);
  const jit::Node* last = graph->block()->param_node();
  for (jit::Value* value : results) {
    graph->registerOutput(value);
    if (value->node()->isAfter(last)) last = value->node();
  }
  // What comes later goes, checks that raise errors included, which dead code elimination would keep.
  while (*graph->block()->nodes().rbegin() != last) graph->block()->nodes().rbegin()->destroy();
  jit::EliminateDeadCode(graph);
  for (jit::Value*& value : results) value = kept(*graph, value);
  while (!graph->outputs().empty()) graph->eraseOutput(0);
  const jit::WithInsertPoint at(graph->block());
  for (const auto& [name, value] : values) keys.push_back(graph->insertConstant(name));
  graph->registerOutput(graph->insertNode(graph->createDict(c10::StringType::get(), c10::TensorType::get(), keys, results))->output());
  return network_of(graph, source);
}

/// The last linear layer before the output, through operators without weights.
jit::Node* classifier_node(jit::Graph& graph) {
  jit::Value* value = graph.outputs()[0];
  for (int steps = 0; steps < 20; ++steps) {
    jit::Node* node = value->node();
    if (node->kind() == c10::aten::linear || node->kind() == c10::aten::addmm) return node;
    const bool is_container = node->kind() == c10::prim::TupleConstruct || node->kind() == c10::prim::DictConstruct;
    if (is_container) {
      value = node->inputs().back();
      continue;
    }
    static const std::unordered_set<std::string> plain = {"aten::softmax", "aten::log_softmax", "aten::sigmoid", "aten::squeeze",
                                                          "aten::view",    "aten::reshape",     "aten::flatten", "aten::contiguous",
                                                          "aten::to",      "aten::dropout"};
    if (!plain.contains(node->kind().toQualString())) return nullptr;
    value = node->input(0);
  }
  return nullptr;
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

std::optional<Classifier> classifier(const Network& network) {
  const auto graph = inlined_forward(network.module());
  const jit::Node* node = classifier_node(*graph);
  if (node == nullptr || node->kind() != c10::aten::linear) return std::nullopt;
  const Classifier found{relative_path(node->input(1)), relative_path(node->input(2))};
  return found.weight.empty() ? std::nullopt : std::optional(found);
}

Network without_classifier(const Network& network) {
  const auto graph = inlined_forward(network.module());
  const jit::Node* node = classifier_node(*graph);
  if (node == nullptr) {
    throw ModelError({.code = "graft-M023",
                      .message = "[Backbone] the network does not end in a linear layer, so there is no classifier to take away.",
                      .remedy = "Name the feature to end at (graft inspect FILE --features lists them).",
                      .place = ""});
  }
  return giving(graph, {{"features", node->input(node->kind() == c10::aten::linear ? 0 : 1)}}, network);
}

FirstUse first_use(const Network& network, const std::string& argument) {
  const auto graph = inlined_forward(network.module());
  std::unordered_set<const jit::Value*> same;
  const auto arguments = network.arguments();
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].name == argument) same.insert(graph->inputs()[i + 1]);
  }
  FirstUse use;
  for_each_node(graph->block(), [&](jit::Node* node) {
    if (use.kind != FirstUse::Kind::Unknown || node->inputs().empty()) return;
    const std::string kind = node->kind().toUnqualString();
    const bool embeds = kind == "embedding" && same.contains(node->input(1));
    if (embeds) use.kind = FirstUse::Kind::Tokens;
    if (embeds || !same.contains(node->input(0))) return;
    const bool weighs = (kind.starts_with("conv") && !kind.starts_with("conv_")) || kind == "_convolution" || kind == "linear";
    if (!weighs) {
      if (node->outputs().size() == 1 && is_tensor(node->output())) same.insert(node->output());
      return;
    }
    auto weight = attribute_value(node->input(1), network.module());
    if (!weight) weight = jit::toIValue(node->input(1));
    if (!weight || !weight->isTensor()) return;
    const at::Tensor tensor = weight->toTensor();  // [C, I / groups, ...] or [C, D]
    const auto groups =
        kind == "linear" ? std::optional<c10::IValue>(std::int64_t{1}) : jit::toIValue(node->inputs()[kind == "_convolution" ? 8 : 6]);
    use.width = tensor.size(1) * (groups && groups->isInt() ? groups->toInt() : 1);
    use.kind = kind == "linear" ? FirstUse::Kind::Vectors : tensor.dim() == 4 ? FirstUse::Kind::Pictures : FirstUse::Kind::Signals;
  });
  return use;
}

std::string first_convolution(const Network& network) {
  std::string name;
  const auto graph = inlined_forward(network.module());
  for_each_node(graph->block(), [&](jit::Node* node) {
    const std::string kind = node->kind().toUnqualString();
    if (name.empty() && (kind.starts_with("conv") || kind == "_convolution") && node->inputs().size() > 2)
      name = relative_path(node->input(1));
  });
  return name;
}

}  // namespace graft::graph
