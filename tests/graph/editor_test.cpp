#include "graph/editor.h"

#include <torch/script.h>

#include "support.h"

using namespace graft;

namespace {

namespace jit = torch::jit;

/// A module without a training flag.
jit::Module plain(const std::string& name) {
  jit::Module module(name);
  module.define("def forward(self, x):\n    return torch.dropout(x, 0.5, False)\n");
  return module;
}

jit::Graph& graph_of(const jit::Module& module) { return *jit::toGraphFunction(module.get_method("forward").function()).graph(); }

}  // namespace

TEST_CASE("Editor: a class of one module gets what it lacks, and the original stays as it was", "[graph]") {
  const jit::Module original = plain("Alone");
  graph::Editor editor{graph::Network(original)};
  jit::Graph& graph = editor.forward();
  const jit::WithInsertPoint at(*graph.block()->nodes().begin());
  CHECK(editor.training_flag(graph) != nullptr);
  CHECK(editor.root().hasattr("training"));
  CHECK_FALSE(original.hasattr("training"));
}

TEST_CASE("Editor: nothing is registered on a class that modules share", "[graph]") {
  const jit::Module first = plain("Shared");
  jit::Module root("Root");
  root.register_module("first", first);
  root.register_module("second", first.copy());
  root.define("def forward(self, x):\n    return self.second.forward(self.first.forward(x))\n");
  graph::Editor editor{graph::Network(root)};
  jit::Graph& shared = graph_of(editor.root().attr("first").toModule());
  REQUIRE(editor.root().attr("first").toModule().type() == editor.root().attr("second").toModule().type());
  const jit::WithInsertPoint at(*shared.block()->nodes().begin());
  CHECK(editor.training_flag(shared) == nullptr);
  CHECK(editor.root().attr("first").toModule().type()->numAttributes() == 0);
}

TEST_CASE("Editor: an edit counts though the original has run, and changes nothing there", "[graph]") {
  const graph::Network original{plain("Ran")};
  const at::Tensor x = at::ones({1000});
  REQUIRE(at::equal(original({x})["output"], x));
  graph::Editor editor(original);
  jit::Graph& graph = editor.forward();
  for (jit::Node* node : graph.block()->nodes()) {
    if (node->kind() != c10::aten::dropout) continue;
    const jit::WithInsertPoint at(node);
    node->replaceInput(2, graph.insertConstant(true));
  }
  CHECK_FALSE(at::equal(editor.finish()({x})["output"], x));
  CHECK(at::equal(original({x})["output"], x));
}

TEST_CASE("Editor: tensors become parameters and buffers of modules of their own", "[graph]") {
  graph::Editor editor{graph::Network(plain("Root"))};
  jit::Graph& graph = editor.forward();
  {
    const jit::WithInsertPoint at(*graph.block()->nodes().begin());
    editor.add_tensor("conv0", "weight", at::ones({2}), true);
    editor.add_tensor("conv0", "running_mean", at::zeros({2}), false);
  }
  const graph::Network network = editor.finish();
  REQUIRE(network.parameters().size() == 1);
  CHECK(network.parameters().front().first == "conv0.weight");
  CHECK(network.parameters().front().second.requires_grad());
  CHECK(network.buffers().front().first == "conv0.running_mean");
}
