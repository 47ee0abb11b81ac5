#include "graft/backbone/import.h"

#include <filesystem>

#include "core/file.h"
#include "graft/backbone/backbone.h"
#include "graft/text/tokenizer.h"
#include "support.h"
#include "toys.h"

using namespace graft;
namespace fs = std::filesystem;

namespace {

/// A copy of the small BERT with one change to its config.
void copy_with(const test::TempDir& folder, const std::string& key, const Json& value) {
  for (const auto& file : fs::directory_iterator(test::golden_path("tiny_bert"))) fs::copy(file, folder.path());
  Json config = test::golden("tiny_bert/config.json");
  config[key] = value;
  test::write(folder.file("config.json"), config.dump());
}

}  // namespace

TEST_CASE("Import: a published BERT gives what Python gives", "[backbone]") {
  const test::TempDir folder;
  const auto report = backbone::import_checkpoint(test::golden_path("tiny_bert"), folder.file("tiny.pt"));
  CHECK(report.architecture == "bert");
  CHECK(report.has_tokenizer);
  CHECK(report.unused == std::vector<std::string>{"pooler.dense.bias", "pooler.dense.weight"});
  CHECK(report.parameters == 24384);

  const Backbone backbone = Backbone::load(folder.file("tiny.pt"));
  CHECK(backbone.files().contains("tokenizer.json"));
  const Json golden = test::golden("networks.json");
  for (const Json& one : golden.at("tiny_bert_trace").at("cases")) {
    const at::Tensor mask = test::tensor_of(one.at("inputs").at("attention_mask"));
    const Fields inputs{{"input_ids", test::tensor_of(one.at("inputs").at("input_ids"))}, {"attention_mask", mask}};
    CHECK(test::max_difference(backbone(inputs)["output"], test::tensor_of(one.at("outputs").at("last_hidden_state"))) < 1e-5);
  }
  SECTION("without a mask all positions are real") {
    const at::Tensor ids = test::tensor_of(Json::parse("[[2, 44, 79, 7, 3]]"));
    CHECK(at::allclose(backbone({{"input_ids", ids}})["output"],
                       backbone({{"input_ids", ids}, {"attention_mask", at::ones_like(ids)}})["output"], 1e-5, 1e-6));
  }
}

TEST_CASE("Import: a RoBERTa brings its byte-level vocabulary, and its places leave room for padding's", "[backbone]") {
  const Backbone backbone = test::tiny_roberta();
  const Json tokenizer = Json::parse(backbone.files().at("tokenizer.json"));
  CHECK(tokenizer.at("truncation").at("max_length") == 38);  // of 40 rows the first two are for padding
  const text::Tokenizer words(text::subwords_from_json(backbone.files().at("tokenizer.json")), {.max_length = 38});
  const std::vector<std::int64_t> ids = words.ids(std::string(200, 'q'));
  REQUIRE(ids.size() == 38);
  CHECK(ids.front() == 0);
  CHECK(ids.back() == 2);
  const auto run = [&](const std::vector<std::int64_t>& tokens, const at::Tensor& mask) {
    return backbone({{"input_ids", at::tensor(tokens).unsqueeze(0)}, {"attention_mask", mask}})["output"];
  };
  CHECK(run(ids, at::ones({1, 38}, at::kLong)).isfinite().all().item<bool>());
  SECTION("padding changes nothing, before a text too") {
    const std::vector<std::int64_t> text{0, 40, 41, 2}, late{1, 1, 0, 40, 41, 2};
    const at::Tensor alone = run(text, at::ones({1, 4}, at::kLong)),
                     behind = run(late, test::tensor_of(Json::parse("[[0, 0, 1, 1, 1, 1]]")));
    CHECK(test::max_difference(alone, behind.narrow(1, 2, 4)) < 1e-5);
  }
  SECTION("one type of tokens is no argument, and a field of them is dropped") {
    CHECK(backbone.arguments().size() == 2);
    const at::Tensor tokens = test::tensor_of(Json::parse("[[0, 40, 2]]")), types = test::tensor_of(Json::parse("[[0, 1, 1]]"));
    CHECK(at::equal(backbone({{"input_ids", tokens}, {"token_type_ids", types}})["output"], backbone({{"input_ids", tokens}})["output"]));
  }
}

TEST_CASE("Import: all-MiniLM-L6-v2 agrees with Python within 1e-5", "[backbone][data]") {
  const test::TempDir folder;
  backbone::import_checkpoint(test::minilm_folder(), folder.file("minilm.pt"));
  const Backbone backbone = Backbone::load(folder.file("minilm.pt"));
  const Json golden = test::golden("training.json").at("minilm_outputs");
  const at::Tensor mask = test::tensor_of(golden.at("attention_mask"));
  const at::Tensor hidden = backbone({{"input_ids", test::tensor_of(golden.at("input_ids"))}, {"attention_mask", mask}})["output"];
  for (std::int64_t row = 0; row < mask.size(0); ++row) {
    const std::int64_t length = mask[row].sum().item<std::int64_t>();
    const auto index = static_cast<std::size_t>(row);
    CHECK(test::max_difference(hidden[row].narrow(0, 0, length).narrow(1, 0, 6), test::tensor_of(golden.at("first_six").at(index))) < 1e-5);
    CHECK(test::max_difference(hidden[row].narrow(0, 0, length).narrow(1, 378, 6), test::tensor_of(golden.at("last_six").at(index))) <
          1e-5);
  }
  CHECK((hidden.abs().sum(-1) * mask).sum().item<double>() == Approx(std::stod(golden.at("sum_abs_real_positions").dump())).epsilon(1e-6));
}

TEST_CASE("Import says what does not fit", "[backbone][error]") {
  const test::TempDir folder;
  SECTION("another architecture") {
    copy_with(folder, "model_type", "gpt2");
    const auto error = test::error_of<ModelError>([&] { backbone::import_checkpoint(folder.path(), folder.file("out.pt")); });
    CHECK(error.code() == "graft-M006");
    CHECK(error.message().find("gpt2") != std::string::npos);
  }
  SECTION("all misshapen tensors are told, not only the first") {
    copy_with(folder, "intermediate_size", 65);
    const auto error = test::error_of<CheckpointError>([&] { backbone::import_checkpoint(folder.path(), folder.file("out.pt")); });
    CHECK(error.problems().size() == 6);
    CHECK(error.code() == "graft-K008");
    CHECK(error.message().find("[65, 32], the file has [64, 32]") != std::string::npos);
  }
  SECTION("missing tensors") {
    copy_with(folder, "num_hidden_layers", 3);
    const auto error = test::error_of<CheckpointError>([&] { backbone::import_checkpoint(folder.path(), folder.file("out.pt")); });
    CHECK(error.code() == "graft-K007");
    CHECK(error.problems().size() == 16);
  }
  SECTION("an activation it does not have") {
    copy_with(folder, "hidden_act", "swish");
    CHECK(test::error_of<ModelError>([&] { backbone::import_checkpoint(folder.path(), folder.file("out.pt")); }).code() == "graft-M005");
  }
  SECTION("a setting is missing") {
    copy_with(folder, "hidden_size", nullptr);
    CHECK(test::error_of<CheckpointError>([&] { backbone::import_checkpoint(folder.path(), folder.file("out.pt")); }).code() ==
          "graft-K006");
  }
  SECTION("places that padding leaves none of") {
    copy_with(folder, "model_type", "roberta");
    Json config = Json::parse(read_file(folder.file("config.json")));
    config["pad_token_id"] = config.at("max_position_embeddings");
    test::write(folder.file("config.json"), config.dump());
    CHECK(test::error_of<CheckpointError>([&] { backbone::import_checkpoint(folder.path(), folder.file("out.pt")); }).code() ==
          "graft-K006");
  }
  SECTION("a vocabulary larger than the embedding") {
    copy_with(folder, "hidden_act", "gelu");
    test::write(folder.file("vocab.txt"), read_file(folder.file("vocab.txt")) + "surplus\n");
    CHECK(test::error_of<CheckpointError>([&] { backbone::import_checkpoint(folder.path(), folder.file("out.pt")); }).code() ==
          "graft-K009");
  }
  SECTION("nothing is written on failure") {
    copy_with(folder, "num_hidden_layers", 3);
    CHECK_THROWS(backbone::import_checkpoint(folder.path(), folder.file("out.pt")));
    CHECK_FALSE(fs::exists(folder.file("out.pt")));
  }
}
