#include "graph/exported_modules.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>

#include <algorithm>
#include <memory>
#include <set>
#include <span>

#include "graph/exported_operator.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

using Node = ExportedProgram::Node;
using Values = ExportedOperator::Values;

/// Modules by dotted path, made when they are first needed.
class Tree {
 public:
  Tree() : root_(make("Exported")) {}

  jit::Module at(const std::string& path) {
    if (path.empty()) return root_;
    if (const auto known = modules_.find(path); known != modules_.end()) return known->second;
    const std::size_t dot = path.rfind('.');
    jit::Module parent = at(dot == std::string::npos ? "" : path.substr(0, dot));
    std::string name = path;
    std::ranges::replace(name, '.', '_');
    jit::Module made = make("exported_" + name);
    parent.register_module(path.substr(dot + 1), made);
    modules_.emplace(path, made);
    return made;
  }

 private:
  static jit::Module make(const std::string& name) {
    jit::Module module("__torch__.graft." + name);
    module.register_attribute("training", c10::BoolType::get(), false);
    return module;
  }

  jit::Module root_;
  std::map<std::string, jit::Module> modules_;
};

/// One method in the making.
struct Frame {
  std::string path;
  std::shared_ptr<jit::Graph> graph = std::make_shared<jit::Graph>();
  jit::Value* self = nullptr;
  Values values;
};

class Modules {
 public:
  Modules(const ExportedProgram& program, const std::string& path) : program_(program), path_(path) {
    for (const auto& held : program.held) {
      held_[held.value] = &held;
      jit::Module owner = tree_.at(parent_of(held.path));
      const at::Tensor tensor = held.tensor;
      if (held.is_parameter) tensor.requires_grad_(tensor.is_floating_point());
      if (!owner.hasattr(name_of(held.path))) owner.register_parameter(name_of(held.path), tensor, !held.is_parameter);
    }
    keep_what_is_read();
  }

  jit::Module build() {
    Frame root = frame("");
    for (const auto& input : program_.inputs) {
      jit::Value* value = root.graph->addInput(input.value);
      value->setType(input.is_number ? c10::TypePtr(c10::IntType::get()) : c10::TypePtr(c10::TensorType::get()));
      root.values[input.value] = value;
    }
    body(root, nodes_, 0);
    for (const auto& [buffer, value] : program_.buffer_updates) {
      jit::Value* place = attribute(root, buffer);
      root.graph->insert(c10::aten::copy_, {place, get(root, value)});
    }
    std::vector<jit::Value*> outputs;
    for (const std::string& name : program_.outputs) outputs.push_back(get(root, name));
    finish(root, "forward", outputs, program_.output_keys);
    return tree_.at("");
  }

 private:
  static std::string parent_of(const std::string& path) {
    return path.find('.') == std::string::npos ? "" : path.substr(0, path.rfind('.'));
  }
  static std::string name_of(const std::string& path) { return path.substr(path.rfind('.') + 1); }

  /// Backwards from the outputs; what changes its arguments is kept as well.
  void keep_what_is_read() {
    std::set<std::string> read(program_.outputs.begin(), program_.outputs.end());
    for (const auto& [buffer, value] : program_.buffer_updates) read.insert(value);
    for (auto node = program_.nodes.rbegin(); node != program_.nodes.rend(); ++node) {
      if (ExportedOperator::is_check(*node)) continue;
      const std::vector<std::string> results = results_of(*node);
      // An operator that is not known matters only if something reads it; whether it writes is asked of those that are.
      const bool wanted = std::ranges::any_of(results, [&](const std::string& name) { return read.contains(name); });
      const bool may_write = node->target.find("_.") != std::string::npos || node->target == "torch.ops.aten.batch_norm.default";
      if (!wanted && !may_write) continue;
      const auto operation = operators_.emplace(&*node, ExportedOperator(*node, path_)).first;
      if (!wanted && !operation->second.writes()) continue;
      for_each_argument(*node, [&](const std::string& name) { read.insert(name); });
      nodes_.push_back(&*node);
    }
    std::ranges::reverse(nodes_);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      place_[nodes_[i]] = i;
      for_each_argument(*nodes_[i], [&](const std::string& name) { last_read_[name] = i; });
    }
    for (const std::string& name : program_.outputs) last_read_[name] = nodes_.size();
    for (const auto& [buffer, value] : program_.buffer_updates) last_read_[value] = nodes_.size();
  }

  Frame frame(const std::string& path) {
    Frame made;
    made.path = path;
    made.self = made.graph->addInput("self");
    made.self->setType(tree_.at(path).type());
    return made;
  }

  /// Reads `path`, which lies in the frame's module, from its `self`.
  jit::Value* attribute(Frame& frame, const std::string& path) {
    std::string rest = frame.path.empty() ? path : path.substr(frame.path.size() + 1);
    jit::Value* value = frame.self;
    for (std::size_t dot; (dot = rest.find('.')) != std::string::npos; rest = rest.substr(dot + 1))
      value = frame.graph->insertGetAttr(value, rest.substr(0, dot));
    return frame.graph->insertGetAttr(value, rest);
  }

  static bool holds(const std::string& module, const std::string& path) { return module.empty() || path.starts_with(module + "."); }

  jit::Value* get(Frame& frame, const std::string& name) {
    if (const auto known = frame.values.find(name); known != frame.values.end()) return known->second;
    const auto held = held_.find(name);
    if (held == held_.end()) refuse_export(path_, "the value \"" + name + "\" is read before it is made", "Export the model again.");
    return frame.values[name] = attribute(frame, held->second->path);
  }

  /// The nodes of a method; those that lie deeper are calls of other modules' methods.
  void body(Frame& frame, std::span<const Node* const> nodes, std::size_t depth) {
    for (std::size_t i = 0; i < nodes.size();) {
      if (nodes[i]->stack.size() <= depth) {
        for_each_argument(*nodes[i], [&](const std::string& name) { get(frame, name); });
        operators_.at(nodes[i]).insert(*frame.graph, frame.values);
        ++i;
        continue;
      }
      const std::string& call_key = nodes[i]->stack[depth].first;
      std::size_t end = i;
      while (end < nodes.size() && nodes[end]->stack.size() > depth && nodes[end]->stack[depth].first == call_key) ++end;
      call(frame, nodes.subspan(i, end - i), depth);
      i = end;
    }
  }

  void call(Frame& caller, std::span<const Node* const> nodes, std::size_t depth) {
    Frame callee = frame(nodes.front()->stack[depth].second);
    std::vector<std::string> inputs, results;
    std::set<std::string> made, asked;
    for (const Node* node : nodes) {
      for_each_argument(*node, [&](const std::string& name) {
        const auto held = held_.find(name);
        if (made.contains(name) || (held != held_.end() && holds(callee.path, held->second->path))) return;
        if (asked.insert(name).second) inputs.push_back(name);
      });
      for (const std::string& name : results_of(*node)) made.insert(name);
    }
    const std::size_t last = place_.at(nodes.back());
    for (const Node* node : nodes) {
      for (const std::string& name : results_of(*node)) {
        if (last_read_.contains(name) && last_read_.at(name) > last) results.push_back(name);
      }
    }
    jit::Value* module = attribute(caller, callee.path);
    std::vector<jit::Value*> arguments{module};
    for (const std::string& name : inputs) {
      arguments.push_back(get(caller, name));
      jit::Value* value = callee.graph->addInput();
      value->setType(arguments.back()->type());
      callee.values[name] = value;
    }
    body(callee, nodes, depth + 1);
    std::vector<jit::Value*> outputs;
    for (const std::string& name : results) outputs.push_back(get(callee, name));
    const int times = calls_[callee.path]++;
    const std::string method = times == 0 ? "forward" : "forward_" + std::to_string(times);
    const c10::TypePtr type = finish(callee, method, outputs, {});
    jit::Node* node = caller.graph->insertNode(caller.graph->create(c10::prim::CallMethod, arguments, 1));
    node->s_(c10::attr::name, method);
    node->output()->setType(type);
    if (results.size() == 1) {
      caller.values[results[0]] = node->output();
    } else if (!results.empty()) {
      jit::Node* unpacked = caller.graph->insertNode(caller.graph->createTupleUnpack(node->output()));
      for (std::size_t i = 0; i < results.size(); ++i) caller.values[results[i]] = unpacked->outputs()[i];
    }
  }

  /// Adds the method to its module; gives the type of what it returns.
  c10::TypePtr finish(Frame& frame, const std::string& method, const std::vector<jit::Value*>& outputs,
                      const std::vector<std::string>& keys) {
    jit::Graph& graph = *frame.graph;
    jit::Value* result = nullptr;
    if (!keys.empty()) {
      std::vector<jit::Value*> names;
      for (const std::string& key : keys) names.push_back(graph.insertConstant(key));
      result = graph.insertNode(graph.createDict(c10::StringType::get(), c10::TensorType::get(), names, outputs))->output();
    } else {
      result = outputs.size() == 1 ? outputs[0] : graph.insertNode(graph.createTuple(outputs))->output();
    }
    graph.registerOutput(result);
    graph.lint();
    const jit::Module module = tree_.at(frame.path);
    std::vector<c10::Argument> arguments;
    for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
      const bool root = frame.path.empty() && i > 0;
      arguments.emplace_back(i == 0 ? "self" : root ? program_.inputs[i - 1].name : "x" + std::to_string(i), graph.inputs()[i]->type());
    }
    auto* function = module._ivalue()->compilation_unit()->create_function(c10::QualifiedName(*module.type()->name(), method), frame.graph);
    function->setSchema(c10::FunctionSchema(method, "", std::move(arguments), {c10::Argument("", result->type())}));
    module.type()->addMethod(function);
    return result->type();
  }

  const ExportedProgram& program_;
  const std::string& path_;
  Tree tree_;
  std::map<std::string, const ExportedProgram::Held*> held_;
  std::vector<const Node*> nodes_;
  std::map<const Node*, ExportedOperator> operators_;
  std::map<const Node*, std::size_t> place_;
  std::map<std::string, std::size_t> last_read_;
  std::map<std::string, int> calls_;
};

}  // namespace

Network network_of(const ExportedProgram& program, const std::string& path) {
  Origin origin;
  origin.exported = true;
  for (const auto& input : program.inputs) {
    // Batches vary, and texts in length; that pictures have one size is the rule.
    const std::size_t vary = std::min<std::size_t>(input.sizes.size(), input.is_whole ? 2 : 1);
    for (std::size_t i = 0; i < vary; ++i) {
      if (input.sizes[i] >= 0) origin.fixed_sizes.push_back({input.name, i, input.sizes[i]});
    }
  }
  return Network(Modules(program, path).build(), std::move(origin));
}

}  // namespace graft::graph
