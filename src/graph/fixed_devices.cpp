#include "graph/fixed_devices.h"

#include <torch/csrc/jit/ir/constants.h>

#include "graph/editor.h"
#include "graph/places.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

bool is_device(const jit::Node* node) {
  return node->kind() == c10::prim::Constant && node->output()->type()->kind() == c10::TypeKind::DeviceObjType && node->output()->hasUses();
}

/// Something on the device that the network runs on: an argument, or a parameter of the module.
jit::Value* reference(jit::Graph& graph) {
  for (std::size_t i = 1; i < graph.inputs().size(); ++i) {
    if (graph.inputs()[i]->type()->isSubtypeOf(*c10::TensorType::get())) return graph.inputs()[i];
  }
  jit::Value* self = graph.inputs()[0];
  const auto type = self->type()->cast<c10::ClassType>();
  for (std::size_t i = 0; type != nullptr && i < type->numAttributes(); ++i) {
    if (type->is_parameter(i) && type->getAttribute(i)->isSubtypeOf(*c10::TensorType::get()))
      return graph.insertGetAttr(self, type->getAttributeName(i));
  }
  return nullptr;
}

}  // namespace

void find_fixed_devices(const jit::Module& module, std::vector<Finding>& findings) {
  Places places;
  std::string device;
  for_each_call_site(module, [&](jit::Node* node, const std::string& path) {
    if (!is_device(node)) return;
    places.add(path);
    device = jit::toIValue(node->output())->toDevice().str();
  });
  if (places.count() == 0) return;
  findings.push_back({"graft-F005", FindingKind::Repairable,
                      "[Backbone] tracing wrote down the device \"" + device + "\" in " + counted(places.count(), "place") +
                          ": the network cannot be moved to another.",
                      "Repair it: tensors are made where the input is.", places.text()});
}

void repair_fixed_devices(Editor& editor) {
  editor.for_each_graph([](jit::Graph& graph) {
    std::vector<jit::Node*> nodes;
    for_each_node(graph.block(), [&](jit::Node* node) {
      if (is_device(node)) nodes.push_back(node);
    });
    if (nodes.empty()) return;
    const jit::WithInsertPoint at(*graph.block()->nodes().begin());
    jit::Value* given = reference(graph);
    if (given == nullptr) return;
    jit::Value* device = graph.insert(c10::prim::device, {given});
    for (jit::Node* node : nodes) node->output()->replaceAllUsesWith(device);
  });
}

}  // namespace graft::graph
