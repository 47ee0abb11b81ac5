// Files of torch.export become networks that compute, train and are saved like any other.
#include <algorithm>

#include "core/json.h"
#include "graft/core/error.h"
#include "graph/builder.h"
#include "graph/findings.h"
#include "graph/network.h"
#include "graph/reach.h"
#include "halves.h"
#include "support.h"
#include "zip.h"

using namespace graft;

namespace {

std::string file(const std::string& name) { return test::golden_path("exported/" + name + ".pt2"); }
const Json& described(const std::string& name) {
  static const Json all = test::golden("exported/exported.json");
  return all.at(name);
}

std::vector<c10::IValue> inputs_of(const Json& entry) {
  std::vector<c10::IValue> inputs;
  for (const Json& value : entry.at("inputs")) inputs.emplace_back(test::tensor_of(value));
  return inputs;
}

bool all(const std::string&) { return true; }

/// Outputs, and the sum of each parameter's absolute gradient, against Python's.
void compare(const graph::Network& network, const Json& entry, double tolerance = 1e-5, double gradient_tolerance = 1e-3) {
  const std::vector<c10::IValue> inputs = inputs_of(entry);
  at::manual_seed(3);
  const Fields found = network(inputs);
  for (const auto& [name, values] : entry.at("outputs").items()) {
    const std::string field = found.has(name) ? name : "output." + name;
    INFO(name);
    REQUIRE(found.has(field));
    CHECK(test::relative_difference(found[field], test::tensor_of(values)) < tolerance);
  }
  found.begin()->second.pow(2).mean().backward();
  for (const auto& [name, tensor] : network.parameters()) {
    INFO(name);
    REQUIRE(entry.at("gradients").contains(name));
    const Json& expected = entry.at("gradients").at(name);
    REQUIRE(tensor.grad().defined() == !expected.is_null());
    if (!expected.is_null())
      CHECK(tensor.grad().abs().sum().item<double>() ==
            Approx(expected.get<double>()).epsilon(gradient_tolerance).margin(0.01 * gradient_tolerance));
  }
  CHECK(network.parameters().size() == entry.at("gradients").size());
}

}  // namespace

TEST_CASE("Exported: outputs and every gradient are Python's", "[graph]") {
  const std::string name = GENERATE("resnet", "mobilenet", "vit", "bert", "lstm", "whole", "pair");
  INFO(name);
  const graph::Network network = graph::Network::load(file(name));
  compare(network, described(name));
}

TEST_CASE("Exported: saved as TorchScript and loaded again it is the same", "[graph]") {
  const std::string name = GENERATE("resnet", "mobilenet", "vit", "bert", "lstm", "whole", "pair");
  INFO(name);
  const test::TempDir folder;
  graph::Network::load(file(name)).save(folder.file("saved.pt"));
  const graph::Network loaded = graph::Network::load(folder.file("saved.pt"));
  compare(loaded, described(name));
}

TEST_CASE("Exported: sizes left open are open", "[graph]") {
  const std::string name = GENERATE("resnet", "mobilenet", "vit", "bert", "lstm");
  graph::Network exported = graph::Network::load(file(name)),
                 scripted = graph::Network::load(test::golden_path("checkpoints/" + name + "_script.pt"));
  exported.eval();
  scripted.eval();
  const c10::NoGradGuard no_grad;
  for (const std::int64_t rows : {2, 5}) {
    const auto inputs = test::inputs_of(name, rows);
    CHECK(test::relative_difference(exported(inputs)["output"], scripted(inputs)["output"]) < 1e-5);
  }
}

TEST_CASE("Exported: parameters keep their names, modules theirs, in order", "[graph]") {
  const graph::Network exported = graph::Network::load(file("resnet")),
                       scripted = graph::Network::load(test::golden_path("checkpoints/resnet_script.pt"));
  std::set<std::string> names, expected;
  for (const auto& [name, tensor] : exported.parameters()) names.insert(name);
  for (const auto& [name, tensor] : scripted.parameters()) expected.insert(name);
  CHECK(names == expected);
  std::set<std::string> taps;
  for (const graph::Tap& tap : graph::taps(exported)) taps.insert(tap.name);
  CHECK(taps.contains("layer1.0.conv1"));
  CHECK(taps.contains("layer2"));
  CHECK(exported.arguments().at(0).name == "x");
  const c10::NoGradGuard no_grad;
  const auto inputs = test::inputs_of("resnet", 3);
  graph::Network other = scripted;
  other.eval();
  CHECK(test::relative_difference(graph::with_features(exported, {"layer1.1"})(inputs)["layer1.1"],
                                  graph::with_features(other, {"layer1.1"})(inputs)["layer1.1"]) < 1e-5);
}

TEST_CASE("Exported: in train mode, statistics move as in Python, and repair gives both modes", "[graph]") {
  const std::string name = GENERATE("resnet_train", "resnet_core");
  INFO(name);
  const graph::Network loaded = graph::Network::load(file(name));
  const auto mean = [](const graph::Network& network) {
    for (const auto& [buffer, tensor] : network.buffers()) {
      if (buffer == "bn1.running_mean") return tensor.clone();
    }
    return at::Tensor();
  };
  const at::Tensor before = mean(loaded);
  REQUIRE(before.defined());
  compare(loaded, described("resnet_train"));
  CHECK_FALSE(mean(loaded).equal(before));
  graph::Network repaired = graph::repaired(graph::Network::load(file(name)));
  repaired.train(all);
  compare(repaired, described("resnet_train"));
  graph::Network again = graph::repaired(graph::Network::load(file(name)));
  again.eval();
  compare(again, described("resnet"));
}

TEST_CASE("Exported: weights of 16 bits become float32", "[graph]") {
  const graph::Network network = graph::Network::load(file("bert_bf16"));
  for (const auto& [name, tensor] : network.parameters()) CHECK(tensor.scalar_type() == at::kFloat);
  compare(network, described("bert_bf16"), 2e-2, 0.1);
}

TEST_CASE("Exported: one module called twice, a number written down, outputs by name", "[graph]") {
  const graph::Network network = graph::Network::load(file("pair"));
  REQUIRE(network.arguments().size() == 2);
  CHECK(network.arguments()[0].name == "left");
  CHECK(network.arguments()[1].name == "right");
  const c10::NoGradGuard no_grad;
  const Fields found = network({at::ones({2, 6}), at::ones({2, 6})});
  CHECK(found.has("scores"));
  CHECK(found.has("distance"));
}

TEST_CASE("Exported: sizes that were written down are told, with the line that leaves them open", "[graph]") {
  const auto findings = graph::findings(graph::Network::load(file("bert_fixed")));
  const auto fixed = std::ranges::find(findings, "graft-F018", &Finding::code);
  REQUIRE(fixed != findings.end());
  CHECK(fixed->message.find("dimension 1 of \"input_ids\" is 5") != std::string::npos);
  CHECK(fixed->remedy.find("dynamic_shapes={\"input_ids\": {0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO}, \"attention_mask\": {0: "
                           "torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO}}") != std::string::npos);
  const auto open = graph::findings(graph::Network::load(file("bert")));
  for (const char* code : {"graft-F010", "graft-F018"}) CHECK(std::ranges::find(open, code, &Finding::code) == open.end());
}

TEST_CASE("Findings: random numbers that no flag governs", "[graph]") {
  const auto codes = [](const std::string& code) {
    graph::Builder builder("Toy");
    builder.parameter("w", at::ones({1})).define(code);
    std::set<std::string> found;
    for (const Finding& finding : graph::findings(builder.network())) found.insert(finding.code);
    return found;
  };
  CHECK(codes("def forward(self, x):\n    return x * self.w * torch.bernoulli(torch.ones_like(x), 0.5)\n").contains("graft-F019"));
  CHECK_FALSE(
      codes(
          "def forward(self, x):\n    if self.training:\n        x = x * torch.bernoulli(torch.ones_like(x), 0.5)\n    return x * self.w\n")
          .contains("graft-F019"));
}

TEST_CASE("Exported: what is not covered is refused with its place", "[graph][error]") {
  const auto refused = [](const std::string& path) { return test::error_of<CheckpointError>([&] { graph::Network::load(path); }); };
  const CheckpointError branch = refused(file("branch"));
  INFO(branch.what());
  CHECK(branch.code() == "graft-K020");
  CHECK(std::string(branch.what()).find("control-flow operator \"cond\"") != std::string::npos);

  const test::TempDir folder;
  const auto code_and_text = [&](const std::string& record, const std::string& from, const std::string& to, const std::string& text) {
    test::ZipRecords records = test::read_zip(file("resnet"));
    test::replace(test::record(records, record).bytes, from, to);
    test::write(folder.file("changed.pt2"), test::write_zip(records));
    const CheckpointError error = refused(folder.file("changed.pt2"));
    INFO(error.what());
    CHECK(std::string(error.what()).find(text) != std::string::npos);
    return error.code();
  };
  CHECK(code_and_text("model.json", "\"major\":8", "\"major\":9", "files of schema 8") == "graft-K020");
  CHECK(code_and_text("model.json", "torch.ops.aten.conv2d.default", "torch.ops.vision.nms2.default", "vision::nms2") == "graft-K020");
  CHECK(code_and_text("model_weights_config.json", "\"use_pickle\": false", "\"use_pickle\": true", "pickled") == "graft-K020");
  CHECK(code_and_text("model_weights_config.json", "{\"as_int\": 8}", "{\"as_int\": 9}", "reaches beyond") == "graft-K017");
  CHECK(code_and_text("model.json", "\"graph_module\"", "\"graph_modules\"", "lacks something") == "graft-K014");
  CHECK(code_and_text("model.json", "torch.ops.aten.conv2d.default", "torch.ops.aten.from_file.default", "from_file") != "");
}
