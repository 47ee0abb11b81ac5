#include "graph/loaded_check.h"

#include <torch/csrc/jit/api/module.h>

#include "graph/builder.h"
#include "hostile.h"

using namespace graft;

namespace {

/// A network with one tensor whose form was changed behind its back, as LibTorch's unpickler does it.
graph::Network with_tensor(std::vector<std::int64_t> sizes, std::vector<std::int64_t> strides, std::int64_t offset = 0) {
  at::Tensor tensor = at::zeros({4, 6});
  tensor.unsafeGetTensorImpl()->set_storage_offset(offset);
  tensor.unsafeGetTensorImpl()->set_sizes_and_strides(sizes, strides);
  graph::Builder network("Net");
  network.parameter("weight", tensor);
  network.define("def forward(self, x):\n  return x\n");
  return network.network();
}

void check_tensor_refused(const graph::Network& network) {
  const auto error = test::error_of<CheckpointError>([&] { graph::check_values(network.module(), "x.pt"); });
  CHECK(error.code() == "graft-K017");
  CHECK(error.message().find("weight of sizes") != std::string::npos);
  CHECK(error.place() == "x.pt");
}

}  // namespace

TEST_CASE("Loaded: tensors stay within their storage", "[graph][error]") {
  CHECK_NOTHROW(graph::check_values(with_tensor({4, 6}, {6, 1}).module(), "x.pt"));
  CHECK_NOTHROW(graph::check_values(with_tensor({6, 4}, {1, 6}).module(), "x.pt"));
  CHECK_NOTHROW(graph::check_values(with_tensor({2, 6}, {6, 1}, 12).module(), "x.pt"));
  CHECK_NOTHROW(graph::check_values(with_tensor({7, 24}, {0, 1}).module(), "x.pt"));
  CHECK_NOTHROW(graph::check_values(with_tensor({0, 1LL << 40}, {1, 1}, 0).module(), "x.pt"));
  check_tensor_refused(with_tensor({4, 6}, {6, 1}, 1));
  check_tensor_refused(with_tensor({4, 7}, {6, 1}));
  check_tensor_refused(with_tensor({4, 6}, {1 << 28, 1}));
  check_tensor_refused(with_tensor({1LL << 32, 4}, {1LL << 32, 1}));
  check_tensor_refused(with_tensor({1LL << 40, 6}, {0, 1}));
}

TEST_CASE("Loaded: constants of the graphs are checked as well", "[graph][error]") {
  graph::Network network = with_tensor({4, 6}, {6, 1});
  const auto graph = torch::jit::toGraphFunction(network.module().get_method("forward").function()).graph();
  at::Tensor constant = at::zeros({4});
  constant.unsafeGetTensorImpl()->set_sizes_and_strides(at::IntArrayRef{4}, at::IntArrayRef{1 << 20});
  graph->insertConstant(constant);
  const auto error = test::error_of<CheckpointError>([&] { graph::check_graphs(network.module(), "x.pt", graph::Trust::Code); });
  CHECK(error.code() == "graft-K017");
  CHECK(error.message().find("constant") != std::string::npos);
}

TEST_CASE("Loaded: a sparse tensor has its indices within its shape", "[graph][error]") {
  const at::Tensor sparse = at::_sparse_coo_tensor_unsafe(at::tensor({0, 1000000}, at::kLong).view({1, 2}), at::ones({2}), {3});
  const auto error = test::error_of<CheckpointError>([&] { graph::check_value(sparse, "weight", "x.pt"); });
  CHECK(error.code() == "graft-K017");
  CHECK_NOTHROW(graph::check_value(at::eye(3).to_sparse(), "weight", "x.pt"));
  CHECK_NOTHROW(graph::check_value(at::eye(3).to_sparse_csr(), "weight", "x.pt"));
}

TEST_CASE("Loaded: values are of the types that their classes declare", "[graph][error]") {
  const auto refused = [](const std::string& from, const std::string& to, const std::string& words) {
    const auto error = test::refusal(test::small_network("data.pkl", from, to));
    INFO(error.what());
    CHECK(error.code() == "graft-K014");
    CHECK(error.message().find(words) != std::string::npos);
  };
  refused(std::string("training") + "q\x01\x88", std::string("training") + "q\x01K\x05",
          "training is of type int where its class declares bool");
  // The second layer gets the class of the first: code for the one would read the fields of the other.
  refused("___torch_mangle_253\nLinear", "___torch_mangle_252\nLinear", "fc2 is of type");
}

TEST_CASE("Loaded: values that hold each other many times are walked once", "[graph]") {
  c10::IValue value = at::ones({2});
  for (int i = 0; i < 60; ++i) value = c10::ivalue::Tuple::create({value, value});
  CHECK_NOTHROW(graph::check_value(value, "pairs of pairs", "x.pt"));
}
