#include "toys.h"

#include <array>
#include <filesystem>

#include "graft/backbone/import.h"
#include "graft/backbone/safetensors.h"
#include "graft/data/tensor_inputs.h"
#include "graft/data/tensors.h"
#include "support.h"

namespace graft::test {
namespace {

class Messages final : public Dataset {
 public:
  Messages(std::size_t size, std::uint64_t seed) : size_(size), seed_(seed) {}
  std::size_t size() const override { return size_; }
  Record get(std::size_t index) const override {
    static const std::array<std::array<const char*, 3>, 3> words{{{"a", "b", "c"}, {"h", "i", "j"}, {"p", "q", "r"}}};
    static const std::array<const char*, 4> noise{"x", "y", "z", "w"};
    Rng rng(seed_, 0, index);
    const std::uint64_t label = rng.below(3);
    std::string text;
    for (std::uint64_t i = 0, n = 3 + rng.below(6); i < n; ++i)
      text += std::string(rng.below(3) == 0 ? noise[rng.below(4)] : words[label][rng.below(3)]) + " ";
    return {{{"message", text}, {"queue", std::string(1, static_cast<char>('A' + label))}}, "toy:" + std::to_string(index)};
  }

 private:
  std::size_t size_;
  std::uint64_t seed_;
};

}  // namespace

Backbone tiny_bert(double dropout) {
  const TempDir folder;
  for (const auto& file : std::filesystem::directory_iterator(golden_path("tiny_bert"))) std::filesystem::copy(file, folder.path());
  Json config = golden("tiny_bert/config.json");
  config["hidden_dropout_prob"] = config["attention_probs_dropout_prob"] = dropout;
  write(folder.file("config.json"), config.dump());
  backbone::import_checkpoint(folder.path(), folder.file("tiny.pt"));
  return Backbone::load(folder.file("tiny.pt"));
}

Backbone tiny_roberta() {
  const TempDir folder;
  for (const char* name : {"vocab.json", "merges.txt"})
    std::filesystem::copy(golden_path(std::string("tiny_bpe/") + name), folder.file(name));
  const Json entry = golden("architectures.json").at("roberta");
  write(folder.file("config.json"), entry.at("config").dump());
  at::manual_seed(5);
  Fields tensors;
  for (const Json& named : entry.at("tensors")) {
    const auto sizes = named.at(1).get<std::vector<std::int64_t>>();
    tensors.set(named.at(0), sizes.size() == 1 ? at::rand(sizes) + 0.5 : at::randn(sizes) * 0.2);
  }
  backbone::write_safetensors(tensors, folder.file("model.safetensors"));
  backbone::import_checkpoint(folder.path(), folder.file("tiny.pt"));
  return Backbone::load(folder.file("tiny.pt"));
}

Data toy_messages(std::size_t size, std::uint64_t seed) { return Data(std::make_shared<Messages>(size, seed)); }

Model toy_model(const Freeze& freeze, double dropout, std::int64_t hidden) {
  return Model(tiny_bert(dropout), head::Classifier({.label = "queue", .labels = {"A", "B", "C"}, .hidden = hidden}),
               text::Tokenizer::load(golden_path("tiny_bert/vocab.txt"), {.text = "message", .max_length = 32}),
               {.freeze = freeze, .device = "cpu"});
}

Data toy_pictures(std::size_t size, std::uint64_t seed) {
  Rng rng(seed);
  const auto n = static_cast<std::int64_t>(size);
  at::Tensor pictures = at::empty({n, 3, 16, 16}), labels = at::empty({n}, at::kLong);
  for (std::int64_t i = 0; i < pictures.numel(); ++i) pictures.mutable_data_ptr<float>()[i] = static_cast<float>(rng.uniform());
  for (std::int64_t i = 0; i < n; ++i) {
    labels[i] = static_cast<std::int64_t>(rng.below(3));
    pictures[i][labels[i].item<std::int64_t>()] += 1.0;
  }
  return data::tensors({{"x", pictures}, {"label", labels}}, "pictures");
}

Model toy_vision_model(const Freeze& freeze, const std::string& file) {
  return Model(Backbone::load(golden_path(file)), head::Classifier({.labels = {"0", "1", "2"}}),
               TensorInputs({{"x", at::zeros({3, 16, 16})}}), {.freeze = freeze, .device = "cpu"});
}

Regressor::Regressor(const Json& config) : Regressor(config.at("width").get<std::int64_t>()) {}

void Regressor::targets(const Record& record, std::span<Sample> samples) const {
  for (Sample& sample : samples) sample.targets.set("length", at::tensor(static_cast<float>(record.text("message").size())));
}

Fields Regressor::forward(const Fields& features) const { return {{"length", at::linear(features["pooled"], weight_).squeeze(-1)}}; }
Terms Regressor::loss(const Fields& outputs, const Fields& targets) const {
  return {{"squared", (outputs["length"] - targets["length"]).square().sum()}};
}
Json Regressor::config() const { return {{"type", "length"}, {"width", weight_.size(1)}}; }

}  // namespace graft::test
