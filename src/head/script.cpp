#include "graft/head/script.h"

#include "graft/core/runtime.h"
#include "graph/script.h"

namespace graft::head {

struct Script::State {
  graph::Script function;
};

Script::Script(const std::string& source) {
  runtime();
  state_ = std::make_shared<const State>(State{graph::Script(source)});
}

std::vector<at::Tensor> Script::operator()(const std::vector<at::Tensor>& arguments) const { return state_->function(arguments); }

}  // namespace graft::head
