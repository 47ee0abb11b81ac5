#include "graph/network.h"

#include <set>

#include "hostile.h"

using namespace graft;

namespace {

/// Arguments of a golden case, in the order of the network's.
std::vector<c10::IValue> arguments_of(const Json& network, const Json& one) {
  std::vector<c10::IValue> arguments;
  for (const auto& name : network.at("inputs")) {
    const Json& value = one.at("inputs").at(name.get<std::string>());
    if (value.is_null()) {
      arguments.emplace_back();
    } else if (value.is_array()) {
      arguments.emplace_back(test::tensor_of(value));
    } else {
      arguments.emplace_back(value.get<double>());
    }
  }
  return arguments;
}

at::Tensor named(const graph::NamedTensors& tensors, const std::string& name) {
  for (const auto& [key, tensor] : tensors) {
    if (key == name) return tensor;
  }
  FAIL("no tensor " << name);
  return {};
}

}  // namespace

TEST_CASE("Network: scripted and traced files give what Python gives, for two shapes each", "[graph]") {
  const c10::NoGradGuard no_grad;
  const Json networks = test::golden("networks.json");
  for (const auto& [name, network] : networks.items()) {
    graph::Network loaded = graph::Network::load(test::golden_path(network.at("file")));
    loaded.eval();
    for (const Json& one : network.at("cases")) {
      const Fields outputs = loaded(arguments_of(network, one));
      REQUIRE(outputs.size() == network.at("outputs").size());
      std::size_t position = 0;
      for (const auto& output : network.at("outputs")) {
        INFO(name << " " << output);
        // Names follow the kind: "output", "output.0", the dictionary's keys.
        const std::string key = network.at("kind") == "dict"    ? output.get<std::string>()
                                : network.at("kind") == "tuple" ? "output." + std::to_string(position)
                                                                : "output";
        CHECK(test::max_difference(outputs[key], test::tensor_of(one.at("outputs").at(output.get<std::string>()))) < 1e-5);
        ++position;
      }
    }
  }
}

TEST_CASE("Network: an instance shares what is frozen and owns what trains", "[graph]") {
  const graph::Network original = graph::Network::load(test::golden_path("vision_script.pt"));
  const graph::Network copy = original.instance([](const std::string& name) { return name.starts_with("layer2."); });
  for (const auto& [name, tensor] : copy.parameters()) {
    INFO(name);
    const bool trains = name.starts_with("layer2.");
    CHECK(tensor.requires_grad() == trains);
    CHECK(tensor.is_leaf());
    CHECK((tensor.data_ptr() == named(original.parameters(), name).data_ptr()) != trains);
    CHECK(tensor.unsafeGetTensorImpl() != named(original.parameters(), name).unsafeGetTensorImpl());
  }
  SECTION("statistics that may move are its own") {
    CHECK(named(copy.buffers(), "bn1.running_mean").data_ptr() != named(original.buffers(), "bn1.running_mean").data_ptr());
  }
  SECTION("where nothing trains, buffers are shared as well") {
    const graph::Network frozen = original.instance([](const std::string&) { return false; });
    CHECK(named(frozen.buffers(), "bn1.running_mean").data_ptr() == named(original.buffers(), "bn1.running_mean").data_ptr());
  }
}

TEST_CASE("Network: saved and loaded again it is the same, extra files included", "[graph]") {
  const test::TempDir folder;
  graph::Network network = graph::Network::load(test::golden_path("text_script.pt"));
  network.save(folder.file("copy.pt"), {{"note.txt", "kept"}});
  graph::Files files{{"note.txt", ""}, {"absent.txt", ""}};
  const graph::Network copy = graph::Network::load(folder.file("copy.pt"), &files);
  CHECK(files == graph::Files{{"note.txt", "kept"}});
  REQUIRE(copy.parameters().size() == network.parameters().size());
  for (const auto& [name, tensor] : copy.parameters()) CHECK(at::equal(tensor, named(network.parameters(), name)));
}

TEST_CASE("Network: parameters come in the order of execution", "[graph]") {
  const auto order = graph::Network::load(test::golden_path("vision_trace.pt")).execution_order();
  const auto position = [&](const std::string& name) { return std::ranges::find(order, name) - order.begin(); };
  CHECK(order.front() == "conv1.weight");
  CHECK(position("bn1.weight") < position("layer1.0.conv1.weight"));
  CHECK(position("layer1.1.bn2.weight") < position("layer2.0.conv1.weight"));
  CHECK(std::set<std::string>(order.begin(), order.end()).size() == 30);
}

TEST_CASE("Network says what a file is that it cannot load", "[graph][error]") {
  const test::TempDir folder;
  SECTION("no such file, with the near name") {
    const auto error = test::error_of<DataError>([] { graph::Network::load(test::golden_path("vision_scrip.pt")); });
    CHECK(error.code() == "graft-D002");
    CHECK(error.remedy().find("vision_script.pt") != std::string::npos);
  }
  SECTION("noise") {
    test::write(folder.file("noise.pt"), std::string(5000, 'x'));
    const auto error = test::error_of<CheckpointError>([&] { graph::Network::load(folder.file("noise.pt")); });
    CHECK(error.code() == "graft-K003");
    CHECK(error.place() == folder.file("noise.pt"));
  }
  SECTION("a folder") {
    CHECK(test::error_of<DataError>([&] { graph::Network::load(folder.path()); }).code() == "graft-D001");
  }
}

TEST_CASE("Network: a state dict is told from TorchScript", "[graph][error][data]") {
  const auto error =
      test::error_of<CheckpointError>([] { graph::Network::load(test::test_data("weights/squeezenet_lpips/lpips_squeeze.pt")); });
  CHECK(error.code() == "graft-K001");
  CHECK(error.message().find("state dict") != std::string::npos);
  CHECK(error.remedy().find("torch.jit") != std::string::npos);
}

TEST_CASE("Network: a missing forward is told, whoever asks first", "[graph][error]") {
  const graph::Network network = test::loaded(test::small_network("code/__torch__.py", "def forward(", "def other("));
  CHECK(test::error_of<ModelError>([&] { network.execution_order(); }).code() == "graft-M002");
  CHECK(test::error_of<ModelError>([&] { network.arguments(); }).code() == "graft-M002");
}

TEST_CASE("Network: a wrong shape is told by its cause, without a trace", "[graph][error]") {
  const graph::Network network = graph::Network::load(test::golden_path("vision_script.pt"));
  const auto error = test::error_of<ModelError>([&] { network({at::zeros({1, 5, 8, 8})}); });
  CHECK(error.message().find("channels") != std::string::npos);
  CHECK(error.message().find("Traceback") == std::string::npos);
  CHECK(error.message().find('\n') == std::string::npos);
  CHECK_FALSE(error.details().empty());
}
