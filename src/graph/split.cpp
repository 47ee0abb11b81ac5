#include "graph/split.h"

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include <algorithm>
#include <set>
#include <unordered_set>

#include "graph/dataflow.h"
#include "graph/flat.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

std::string nothing_gained(const Network& network) {
  return network.is_stateful() ? "all that has weights depends on the state that the network keeps from call to call"
                               : "nothing with weights is computed before the first layer that trains";
}

bool is_argument(const jit::Value* value) { return value->node()->kind() == c10::prim::Param; }

/// Values from outside that a node reads, itself or in its blocks.
std::vector<jit::Value*> free_values(jit::Node* node, const jit::Block* top) {
  std::vector<jit::Value*> values;
  const auto add = [&](jit::Value* value) {
    if (value->node()->owningBlock() == top) values.push_back(value);
  };
  for (jit::Value* input : node->inputs()) add(input);
  for (jit::Block* block : node->blocks()) {
    for_each_node(block, [&](jit::Node* inner) {
      for (jit::Value* input : inner->inputs()) add(input);
      for (jit::Block* deeper : inner->blocks()) {
        for (jit::Value* output : deeper->outputs()) add(output);
      }
    });
    for (jit::Value* output : block->outputs()) add(output);
  }
  return values;
}

/// Decides what the suffix holds, and where it is cut off.
class Line {
 public:
  Line(jit::Graph& graph, const Dataflow& flow) : graph_(graph), flow_(flow) {
    for (jit::Node* node : graph.block()->nodes()) {
      if (is_light(node)) light_.insert(node);
    }
    std::set<std::string> norms;  // modules of those that stay
    std::vector<jit::Node*> open{graph.return_node()};
    for (jit::Node* node : graph.block()->nodes()) {
      if (flow.of(node) == Depends::Training && suffix_.insert(node).second) open.push_back(node);
      if (flow.of(node) == Depends::Training) add_owners(node, norms);
    }
    // The batch counter of a norm depends on nothing, and stays with its norm.
    for (jit::Node* node : graph.block()->nodes()) {
      std::set<std::string> owners;
      if (flow.of(node) == Depends::Nothing && writes(node)) add_owners(node, owners);
      const bool stays = std::ranges::any_of(owners, [&](const std::string& owner) { return norms.contains(owner); });
      if (stays && suffix_.insert(node).second) open.push_back(node);
    }
    take(std::move(open));
  }

  /// In order of execution, arguments of the network first.
  std::vector<jit::Value*> cut() const {
    std::vector<jit::Value*> values(cut_.begin(), cut_.end());
    std::ranges::sort(values, [](const jit::Value* a, const jit::Value* b) {
      if (a->node() == b->node()) return a->offset() < b->offset();
      return a->node()->isBefore(b->node());
    });
    return values;
  }
  bool in_suffix(jit::Node* node) const { return suffix_.contains(node); }

 private:
  /// Follows what the nodes read, down to the cut.
  void take(std::vector<jit::Node*> open) {
    while (!open.empty()) {
      jit::Node* node = open.back();
      open.pop_back();
      for (jit::Value* value : free_values(node, graph_.block())) {
        jit::Node* maker = value->node();
        if (maker->kind() == c10::prim::Param) {
          if (value != graph_.inputs()[0]) cut_.insert(value);
        } else if (flow_.of(maker) == Depends::Nothing || light_.contains(maker) ||
                   (flow_.of(maker) == Depends::Inputs && !is_tensor(value))) {
          // A tuple or an optional does not cross the line: what it is made of does.
          if (suffix_.insert(maker).second) open.push_back(maker);
        } else if (flow_.of(maker) == Depends::Inputs) {
          cut_.insert(value);
        }
      }
    }
  }

  /// Paths of the modules whose statistics a node reads or writes.
  static void add_owners(jit::Node* node, std::set<std::string>& owners) {
    const auto add = [&](const jit::Node* reader) {
      for (const jit::Value* input : reader->inputs()) {
        const jit::Node* maker = input->node();
        const bool statistic = maker->kind() == c10::prim::GetAttr &&
                               (maker->s(c10::attr::name) == "running_mean" || maker->s(c10::attr::name) == "num_batches_tracked");
        if (statistic) owners.insert(relative_path(maker->input(0)));
      }
    };
    add(node);
    for (jit::Block* block : node->blocks()) for_each_node(block, add);
  }

  /// Needs no weights and little work: sizes, numbers, masks made of the inputs.
  bool is_light(jit::Node* node) const {
    if (flow_.of(node) != Depends::Inputs || !node->blocks().empty()) return false;
    const bool only_numbers = std::ranges::none_of(node->outputs(), [](const jit::Value* output) { return holds_tensor(output->type()); });
    if (only_numbers) return true;
    static const std::unordered_set<std::string> heavy = {"aten::linear",
                                                          "aten::matmul",
                                                          "aten::mm",
                                                          "aten::bmm",
                                                          "aten::addmm",
                                                          "aten::conv1d",
                                                          "aten::conv2d",
                                                          "aten::conv3d",
                                                          "aten::_convolution",
                                                          "aten::embedding",
                                                          "aten::lstm",
                                                          "aten::gru",
                                                          "aten::scaled_dot_product_attention",
                                                          "aten::stft"};
    if (heavy.contains(node->kind().toQualString())) return false;
    return std::ranges::all_of(node->inputs(), [&](const jit::Value* input) {
      const jit::Node* maker = input->node();
      if (maker->kind() == c10::prim::GetAttr) return !is_tensor(input);
      if (maker->kind() == c10::prim::Param) return true;
      return flow_.of(maker) == Depends::Nothing || light_.contains(maker);
    });
  }

  static bool holds_tensor(const c10::TypePtr& type) {
    if (type->isSubtypeOf(*c10::TensorType::get())) return true;
    return std::ranges::any_of(type->containedTypes(), [](const c10::TypePtr& inner) { return holds_tensor(inner); });
  }

  jit::Graph& graph_;
  const Dataflow& flow_;
  std::unordered_set<const jit::Node*> light_, suffix_;
  std::set<jit::Value*> cut_;
};

/// Copies of nodes and values by their position, since a copy of a graph keeps the order.
struct Copy {
  std::shared_ptr<jit::Graph> graph;
  std::vector<jit::Node*> nodes;

  explicit Copy(jit::Graph& original) : graph(original.copy()), nodes(graph->block()->nodes().begin(), graph->block()->nodes().end()) {}
};

Network make_prefix(jit::Graph& graph, const std::vector<jit::Node*>& top, const Dataflow& flow, const std::vector<jit::Value*>& cut,
                    const std::vector<std::string>& names, const Network& source, Below below) {
  Copy copy(graph);
  std::vector<jit::Value*> keys, values;
  std::vector<std::string> kept;
  for (std::size_t i = 0; i < cut.size(); ++i) {
    if (is_argument(cut[i])) continue;
    const auto at = static_cast<std::size_t>(std::ranges::find(top, cut[i]->node()) - top.begin());
    values.push_back(copy.nodes[at]->outputs()[cut[i]->offset()]);
    kept.push_back(names[i]);
  }
  while (!copy.graph->outputs().empty()) copy.graph->eraseOutput(0);
  {
    const jit::WithInsertPoint at(copy.graph->block());
    for (const std::string& name : kept) keys.push_back(copy.graph->insertConstant(name));
    copy.graph->registerOutput(
        copy.graph->insertNode(copy.graph->createDict(c10::StringType::get(), c10::TensorType::get(), keys, values))->output());
  }
  for (std::size_t i = top.size(); i-- > 0;) {
    if (flow.of(top[i]) == Depends::Training) copy.nodes[i]->destroy();
  }
  if (below == Below::Frozen) assume_eval(copy.graph);
  return network_of(copy.graph, source);
}

Network make_suffix(jit::Graph& graph, const std::vector<jit::Node*>& top, const Line& line, const std::vector<jit::Value*>& cut,
                    const std::vector<std::string>& names, const Network& source) {
  Copy copy(graph);
  const std::size_t arguments = copy.graph->inputs().size();
  for (std::size_t i = 0; i < cut.size(); ++i) {
    const auto at = static_cast<std::size_t>(std::ranges::find(top, cut[i]->node()) - top.begin());
    jit::Value* value = at == top.size() ? copy.graph->inputs()[cut[i]->offset()] : copy.nodes[at]->outputs()[cut[i]->offset()];
    jit::Value* given = copy.graph->addInput(names[i]);
    given->setType(c10::unshapedType(value->type()));
    value->replaceAllUsesWith(given);
  }
  for (std::size_t i = top.size(); i-- > 0;) {
    if (!line.in_suffix(top[i])) copy.nodes[i]->destroy();
  }
  for (std::size_t i = arguments; i-- > 1;) copy.graph->eraseInput(i);
  return network_of(copy.graph, source, names);
}

void bind(std::shared_ptr<jit::Graph>& graph, const Network& network, const Constants& constants) {
  if (constants.empty()) return;
  const jit::WithInsertPoint start(*graph->block()->nodes().begin());
  const std::vector<Argument> arguments = network.arguments();
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto constant = constants.find(arguments[i].name);
    if (constant != constants.end()) graph->inputs()[i + 1]->replaceAllUsesWith(graph->insertConstant(constant->second));
  }
  jit::ConstantPropagation(graph);
}

}  // namespace

SplitResult split(const Network& network, const Trains& trains, const Constants& constants, Below below) {
  const jit::Module& module = network.module();
  std::shared_ptr<jit::Graph> graph = inlined_forward(module);
  bind(graph, network, constants);
  jit::EliminateDeadCode(graph);
  const Dataflow flow(graph, module, trains);
  const std::vector<jit::Node*> top(graph->block()->nodes().begin(), graph->block()->nodes().end());
  const Line line(*graph, flow);
  const std::vector<jit::Value*> cut = line.cut();
  if (std::ranges::all_of(cut, is_argument)) return {std::nullopt, nothing_gained(network)};
  std::vector<std::string> names, arguments, inner;
  const std::vector<Argument> known = network.arguments();
  for (std::size_t i = 0; i < cut.size(); ++i) {
    std::string name = is_argument(cut[i]) ? known.at(cut[i]->offset() - 1).name : "cut" + std::to_string(i);
    // A suffix that is divided once more has arguments of such names.
    while (!is_argument(cut[i]) && std::ranges::find(known, name, &Argument::name) != known.end()) name += "_";
    names.push_back(std::move(name));
    (is_argument(cut[i]) ? arguments : inner).push_back(names.back());
  }
  Network prefix = make_prefix(*graph, top, flow, cut, names, network, below);
  if (prefix.parameters().empty()) return {std::nullopt, nothing_gained(network)};
  return {Split{std::move(prefix), make_suffix(*graph, top, line, cut, names, network), arguments, inner}, ""};
}

}  // namespace graft::graph
