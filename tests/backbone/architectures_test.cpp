// Published weights of known architectures: found from their names, and equal to Python's networks.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "core/file.h"
#include "graft/backbone/backbone.h"
#include "graft/backbone/import.h"
#include "graft/backbone/safetensors.h"
#include "graft/backbone/state_dict.h"
#include "graft/core/error.h"
#include "graph/network.h"
#include "support.h"

using namespace graft;

namespace {

const Json& golden() {
  static const Json all = test::golden("architectures.json");
  return all;
}

/// As tests/golden/make_architectures.py works them out.
at::Tensor values(const std::vector<std::int64_t>& sizes, double h) {
  const at::Tensor flat = at::empty({c10::multiply_integers(sizes)}, at::kDouble);
  double* to = flat.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < flat.numel(); ++i) {
    const double x = std::sin(12.9898 * (static_cast<double>(i) + 1) + 78.233 * h) * 43758.5453;
    to[i] = x - std::floor(x) - 0.5;
  }
  return flat.view(sizes);
}

at::Tensor weight(const std::string& name, const std::vector<std::int64_t>& sizes) {
  double h = 0;
  for (const char byte : name) h += static_cast<unsigned char>(byte);
  at::Tensor v = values(sizes, h);
  if (name.ends_with("running_var")) {
    v = 1 + v / 2;
  } else if (sizes.size() >= 2) {
    double fan_in = 1;
    for (std::size_t i = 1; i < sizes.size(); ++i) fan_in *= static_cast<double>(sizes[i]);
    v = v * 2 * std::sqrt(3 / fan_in);
  } else {
    v = name.ends_with("weight") ? 1 + v / 4 : v / 4;
  }
  return v.to(at::kFloat);
}

Fields weights_of(const Json& entry) {
  Fields tensors;
  for (const Json& named : entry.at("tensors")) tensors.set(named[0], weight(named[0], named[1].get<std::vector<std::int64_t>>()));
  return tensors;
}

Fields texts_of(const Json& entry) {
  Fields texts{{"input_ids", test::tensor_of(entry.at("ids"))}, {"attention_mask", test::tensor_of(entry.at("mask"))}};
  if (entry.contains("types")) texts.set("token_type_ids", test::tensor_of(entry.at("types")));
  return texts;
}

at::Tensor output_of(const Backbone& backbone, const Json& entry) {
  if (entry.contains("ids")) return backbone(texts_of(entry))["output"];
  const at::Tensor pictures = values(entry.at("input").get<std::vector<std::int64_t>>(), 0).to(at::kFloat) * 2;
  return backbone({{backbone.arguments().front().name, pictures}})["output"];
}

/// Imports weights as a folder where there is a config, else as a file.
Backbone imported(const test::TempDir& folder, const Fields& tensors, const Json& config, backbone::ImportReport& report) {
  std::string source = folder.file("weights.safetensors");
  if (config.is_object()) {
    std::filesystem::create_directories(folder.file("published"));
    source = folder.file("published");
    test::write(source + "/config.json", config.dump());
    backbone::write_safetensors(tensors, source + "/model.safetensors");
  } else {
    backbone::write_safetensors(tensors, source);
  }
  report = backbone::import_checkpoint(source, folder.file("imported.pt"));
  return Backbone::load(folder.file("imported.pt"));
}

}  // namespace

TEST_CASE("Architectures: outputs are Python's, for each architecture, size and library's names", "[backbone]") {
  const std::string name = GENERATE("resnet18", "resnet50", "resnext50", "resnet34_timm", "resnet_hugging_face", "resnet20",
                                    "squeezenet1_0", "squeezenet1_1", "mobilenet_v2", "mobilenet_v2_timm", "mobilenet_v2_hugging_face",
                                    "efficientnet_lite0_timm", "efficientnet_lite2_timm", "efficientnet_lite4_timm", "vit", "vit_timm",
                                    "vit_hugging_face", "vit_hugging_face_5", "distilbert", "roberta", "roberta_prefixed", "bert_pairs");
  INFO(name);
  const Json& entry = golden().at(name);
  const test::TempDir folder;
  backbone::ImportReport report;
  const Fields tensors = weights_of(entry);
  const Backbone backbone = imported(folder, tensors, entry.value("config", Json()), report);
  INFO(report.architecture);
  CHECK(report.unused.empty());
  CHECK(name.starts_with(report.architecture.substr(0, 3)));
  CHECK(report.has_preprocess == !entry.contains("ids"));
  CHECK(test::relative_difference(output_of(backbone, entry), test::tensor_of(entry.at("output"))) < 1e-5);
  CHECK(backbone.findings().empty());
  CHECK(backbone.reached_by_gradient().size() > 10);

  // Back under the names they came with. Hugging Face's ViT has three projections where the network has one.
  backbone::export_weights(folder.file("imported.pt"), folder.file("back.safetensors"));
  const Fields back = backbone::read_safetensors(folder.file("back.safetensors"));
  for (const auto& [key, tensor] : tensors) {
    if (name.starts_with("vit_hugging_face") && key.find(".attention.") != std::string::npos) continue;
    INFO(key);
    REQUIRE(back.has(key));
    CHECK(back[key].equal(tensor));
  }
}

TEST_CASE("Architectures: gradients are Python's, of places that padding does not count in and of token types too", "[backbone]") {
  const std::string name = GENERATE("roberta", "roberta_prefixed", "bert_pairs");
  INFO(name);
  const Json& entry = golden().at(name);
  const test::TempDir folder;
  backbone::ImportReport report;
  const Backbone backbone = imported(folder, weights_of(entry), entry.at("config"), report);
  const graph::Network network = backbone.network().instance([](const std::string&) { return true; });
  const Fields texts = texts_of(entry);
  std::vector<c10::IValue> inputs;
  for (const graph::Argument& argument : network.arguments()) inputs.emplace_back(texts[argument.name]);
  {
    const c10::AutoGradMode with_gradients(true);
    const at::Tensor output = network(inputs).begin()->second;
    (output * values(output.sizes().vec(), 1).to(at::kFloat) * texts["attention_mask"].unsqueeze(2)).sum().backward();
  }
  for (const auto& [key, parameter] : network.parameters()) {
    INFO(key);
    const at::Tensor gradient = parameter.grad(), weighed = gradient * values(gradient.sizes().vec(), 2).to(at::kFloat);
    const Json& expected = entry.at("gradients").at((name == "roberta_prefixed" ? "roberta." : "") + key);
    CHECK(gradient.norm().item<double>() == Approx(expected.at(1).get<double>()).epsilon(1e-4).margin(1e-5));
    CHECK(weighed.sum().item<double>() == Approx(expected.at(0).get<double>()).margin(1e-4 * (1e-1 + expected.at(1).get<double>())));
  }
}

TEST_CASE("Architectures: preprocessing lies in the file, also of a model trained on it", "[backbone]") {
  const test::TempDir folder;
  backbone::ImportReport report;
  const Backbone lite = imported(folder, weights_of(golden().at("efficientnet_lite2_timm")), Json(), report);
  CHECK(report.architecture == "efficientnet_lite2");
  const Json images = Json::parse(lite.files().at("preprocess.json"));
  CHECK(images.at("size") == 260);
  CHECK(images.at("mean")[0] == Approx(127.0 / 255));
  CHECK(images.at("interpolation") == "bicubic");
  const Json small = Json::parse(imported(folder, weights_of(golden().at("resnet20")), Json(), report).files().at("preprocess.json"));
  CHECK((small.at("size") == 32 && small.at("crop_share") == 1));
}

TEST_CASE("Architectures: what is missing or has another shape is listed in full", "[backbone][error]") {
  const Fields whole = weights_of(golden().at("squeezenet1_1"));
  Fields broken;
  for (const auto& [name, tensor] : whole) {
    if (name == "features.4.squeeze.bias") continue;
    broken.set(name, name == "features.7.expand1x1.bias" ? tensor.narrow(0, 0, 3) : tensor);
  }
  const test::TempDir folder;
  backbone::ImportReport report;
  const CheckpointError error = test::error_of<CheckpointError>([&] { imported(folder, broken, Json(), report); });
  CHECK(error.problems().size() == 2);
  const std::string text = error.what();
  CHECK(text.find("\"features.4.squeeze.bias\" is missing") != std::string::npos);
  CHECK(text.find("\"features.7.expand1x1.bias\" is wanted as [128], the file has [3]") != std::string::npos);
}

TEST_CASE("Architectures: unknown tensors are listed with their shapes, and what is known", "[backbone][error]") {
  const test::TempDir folder;
  backbone::write_safetensors({{"conv.weight", at::zeros({2, 3})}}, folder.file("odd.safetensors"));
  const auto refused = [&](const std::string& architecture) {
    return test::error_of<Error>(
        [&] { backbone::import_checkpoint(folder.file("odd.safetensors"), folder.file("out.pt"), {.architecture = architecture}); });
  };
  CHECK(refused("").code() == "graft-M006");
  CHECK(std::string(refused("").what()).find("conv.weight [2, 3]") != std::string::npos);
  CHECK(std::string(refused("").what()).find("squeezenet: ") != std::string::npos);
  CHECK(refused("resnet").code() == "graft-M006");
  CHECK(refused("resnets").code() == "graft-C028");
  CHECK_FALSE(std::filesystem::exists(folder.file("out.pt")));
}

TEST_CASE("Architectures: published files are Python's networks", "[backbone][data]") {
  const test::TempDir folder;
  const auto of = [&](const std::string& file, const std::string& architecture) {
    const auto report = backbone::import_checkpoint(test::test_data("weights/" + file), folder.file("imported.pt"));
    CHECK(report.architecture == architecture);
    return Backbone::load(folder.file("imported.pt"));
  };
  const auto compare = [&](const at::Tensor& found, const std::string& name) {
    CHECK(test::relative_difference(found, test::tensor_of(golden().at(name).at("output"))) < 1e-5);
  };
  compare(output_of(of("resnet_cifar10/resnet20-12fca82f.th", "resnet20"), golden().at("file_resnet20")), "file_resnet20");
  compare(output_of(of("squeezenet_lpips/lpips_squeeze.pt", "squeezenet1_1"), golden().at("file_squeezenet")).mean({2, 3}),
          "file_squeezenet");
  CHECK(of("resnet_cifar10/resnet56-4bfd9763.th", "resnet56").num_parameters() == 853018);
}
