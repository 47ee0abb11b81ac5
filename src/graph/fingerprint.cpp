#include "graph/fingerprint.h"

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/constants.h>

#include <sstream>
#include <unordered_map>

#include "core/hash.h"
#include "graph/walk.h"

namespace graft::graph {
namespace {

namespace jit = torch::jit;

class Digest {
 public:
  explicit Digest(const jit::Module& module) : module_(module) {}

  void add(jit::Block* block) {
    for (const jit::Value* input : block->inputs()) number(input);
    for (jit::Node* node : block->nodes()) {
      hash_.add(node->kind().toQualString());
      for (const jit::Value* input : node->inputs()) hash_.add(number(input));
      if (node->kind() == c10::prim::GetAttr) {
        hash_.add(node->s(c10::attr::name));
        if (const auto value = attribute_value(node->output(), module_)) add(*value);
      }
      if (node->kind() == c10::prim::Constant) {
        if (const auto value = jit::toIValue(node->output())) add(*value);
      }
      hash_.add(static_cast<std::int64_t>(node->blocks().size()));
      for (jit::Block* inner : node->blocks()) add(inner);
      for (const jit::Value* output : node->outputs()) number(output);
    }
    for (const jit::Value* output : block->outputs()) hash_.add(number(output));
  }
  std::string hex() const { return hash_.hex(); }

 private:
  /// Values count from the top, whatever the graph calls them.
  std::int64_t number(const jit::Value* value) { return numbers_.emplace(value, static_cast<std::int64_t>(numbers_.size())).first->second; }

  void add(const c10::IValue& value) {
    if (value.isObject()) return;  // what is read of it counts
    for (const at::Tensor& tensor : tensors_in(value)) {
      if (tensor.defined() && tensor.layout() == at::kStrided) hash_.add(tensor);
    }
    if (value.isTensor() || value.isTensorList()) return;
    std::ostringstream text;
    text << value;
    hash_.add(text.str());
  }

  const jit::Module& module_;
  Hash hash_;
  std::unordered_map<const jit::Value*, std::int64_t> numbers_;
};

}  // namespace

std::string fingerprint(const Network& network) {
  const auto graph = inlined_forward(network.module());
  assume_eval(graph);
  Digest digest(network.module());
  digest.add(graph->block());
  return digest.hex();
}

}  // namespace graft::graph
