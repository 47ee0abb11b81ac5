#include <torch/csrc/jit/api/module.h>

#include "graph/builder.h"
#include "support.h"

using namespace graft;

namespace {

graph::Network with_state(const std::string& forward) {
  graph::Builder builder("State");
  graph::Network network = builder.network();
  network.module().register_buffer("seen", at::zeros({2}));
  builder.define(forward);
  return network;
}

}  // namespace

TEST_CASE("Network: one that changes itself in forward is stateful, one that only reads its buffers is not", "[graph]") {
  CHECK(with_state("def forward(self, x):\n    self.seen = self.seen + x\n    return self.seen\n").is_stateful());
  CHECK(with_state("def forward(self, x):\n    self.seen.add_(x)\n    return self.seen + 0\n").is_stateful());
  CHECK(with_state("def forward(self, x):\n    view = self.seen[0:1]\n    view.add_(x)\n    return self.seen + 0\n").is_stateful());
  CHECK_FALSE(with_state("def forward(self, x):\n    return self.seen + x\n").is_stateful());
  CHECK_FALSE(
      with_state("def forward(self, x):\n    if self.training:\n        self.seen.add_(x)\n    return self.seen + x\n").is_stateful());
  CHECK_FALSE(graph::Network::load(test::golden_path("vision_script.pt")).is_stateful());  // batch norm counts in training only
}

TEST_CASE("Network: a copy with its own state leaves the original's alone and shares its parameters", "[graph]") {
  const graph::Network original = with_state("def forward(self, x):\n    self.seen.add_(x)\n    return self.seen + 0\n");
  const auto once = [&] { return original.with_own_state()({at::ones({2})})["output"]; };
  CHECK(once().equal(at::ones({2})));
  CHECK(once().equal(at::ones({2})));
  CHECK(original.buffers().at(0).second.equal(at::zeros({2})));
  const graph::Network vision = graph::Network::load(test::golden_path("vision_script.pt"));
  CHECK(vision.with_own_state().parameters().at(0).second.data_ptr() == vision.parameters().at(0).second.data_ptr());
  CHECK(vision.with_own_state().buffers().at(0).second.data_ptr() != vision.buffers().at(0).second.data_ptr());
}

TEST_CASE("Network: a published recurrent network is stateful", "[graph][data]") {
  CHECK(graph::Network::load(test::test_data("torchscript/silero_vad_v6_head.jit")).is_stateful());
}
