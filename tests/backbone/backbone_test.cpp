#include "graft/backbone/backbone.h"

#include "graph/network.h"
#include "support.h"

using namespace graft;

namespace {

std::vector<std::string> names(const Backbone& backbone) {
  std::vector<std::string> found;
  for (const LayerGroup& group : backbone.groups()) found.push_back(group.name);
  return found;
}

}  // namespace

TEST_CASE("Backbone: traced and scripted files are used in the same way", "[backbone]") {
  const Json golden = test::golden("networks.json");
  for (const std::string name : {"tiny_bert_trace", "text_script"}) {
    INFO(name);
    const Backbone backbone = Backbone::load(test::golden_path(golden.at(name).at("file")));
    CHECK(backbone.num_parameters() == golden.at(name).at("parameter_count").get<std::int64_t>());
    const Json& one = golden.at(name).at("cases").at(0);
    const Fields inputs{{"input_ids", test::tensor_of(one.at("inputs").at("input_ids"))},
                        {"attention_mask", test::tensor_of(one.at("inputs").at("attention_mask"))}};
    CHECK(test::max_difference(backbone(inputs)["output"], test::tensor_of(one.at("outputs").begin().value())) < 1e-5);
  }
}

TEST_CASE("Backbone: runs in eval mode without gradients, whatever the file's flags", "[backbone]") {
  const Backbone backbone = Backbone::load(test::golden_path("text_script.pt"));  // saved in train mode, with dropout
  const Fields inputs{{"input_ids", at::ones({2, 5}, at::kLong)}};
  const at::Tensor first = backbone(inputs)["output"];
  CHECK(at::equal(first, backbone(inputs)["output"]));
  CHECK_FALSE(first.requires_grad());
  CHECK(backbone.num_trainable_as_saved() == backbone.num_parameters());
}

TEST_CASE("Backbone: layer groups follow the execution", "[backbone]") {
  CHECK(names(Backbone::load(test::golden_path("text_script.pt"))) == std::vector<std::string>{"embedding", "blocks.0", "blocks.1"});
  CHECK(names(Backbone::load(test::golden_path("vision_script.pt"))) ==
        std::vector<std::string>{"conv1", "bn1", "layer1.0", "layer1.1", "layer2.0", "layer2.1"});
  SECTION("a wrapper around the network is passed through") {
    const auto groups = names(Backbone::load(test::golden_path("tiny_bert_trace.pt")));
    REQUIRE(groups.size() == 3);
    CHECK(groups.front().ends_with("embeddings"));
    CHECK(groups.back().ends_with("encoder.layer.1"));
  }
  SECTION("every parameter is in one group") {
    const Backbone backbone = Backbone::load(test::golden_path("vision_trace.pt"));
    std::set<std::string> seen;
    for (const LayerGroup& group : backbone.groups()) {
      for (const std::string& name : group.names) CHECK(seen.insert(name).second);
    }
    CHECK(seen.size() == backbone.network().parameters().size());
  }
}

TEST_CASE("Backbone: lists its arguments", "[backbone]") {
  const Backbone backbone = Backbone::load(test::golden_path("mlp_dict_script.pt"));
  const auto& arguments = backbone.arguments();
  REQUIRE(arguments.size() == 2);
  CHECK(arguments[0].name == "x");
  CHECK(arguments[0].type == "Tensor");
  CHECK(arguments[1].name == "scale");
  CHECK(arguments[1].has_default);
}

TEST_CASE("Backbone: real recurrent and MLP checkpoints load and list their parameters", "[backbone][data]") {
  CHECK(Backbone::load(test::test_data("torchscript/torchsharp_l1000_100_10.script.dat")).num_parameters() ==
        1000 * 100 + 100 + 100 * 10 + 10);
  const Backbone voice =
      Backbone::load(test::test_data("torchscript/silero_vad_v6_head.jit"), {.constants = {{"sr", std::int64_t{16000}}}});
  CHECK(voice.network().parameters().size() == 28);
  CHECK(voice({{"x", at::zeros({1, 512})}}).size() >= 1);
}
