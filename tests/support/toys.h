#pragma once

#include "graft/backbone/backbone.h"
#include "graft/data/dataset.h"
#include "graft/head/classifier.h"
#include "graft/model/model.h"
#include "graft/text/tokenizer.h"

namespace graft::test {

/// The small BERT of tests/golden, imported; `dropout` as given in its config.
Backbone tiny_bert(double dropout = 0.1);

/// A small RoBERTa with random weights and the small byte-level vocabulary of tests/golden; no dropout.
Backbone tiny_roberta();

/// Messages of words from the small BERT's vocabulary whose class is told by which words they hold: a toy that can be learned.
Data toy_messages(std::size_t size, std::uint64_t seed = 0);

/// The small BERT with a classifier for toy_messages.
Model toy_model(const Freeze& freeze = Freeze::all(), double dropout = 0.1, std::int64_t hidden = 0);

/// Pictures [3, 16, 16] whose class is told by their brightest channel.
Data toy_pictures(std::size_t size, std::uint64_t seed = 0);
Model toy_vision_model(const Freeze& freeze = Freeze::all(), const std::string& file = "vision_script.pt");

/// A head as a user writes one: squared error of one output, with an exported form.
class Regressor final : public Head {
 public:
  explicit Regressor(std::int64_t width) : weight_(parameter("weight", at::zeros({1, width}))) {}
  explicit Regressor(const nlohmann::json& config);
  std::vector<Feature> reads() const override { return {{.name = "pooled", .pooling = Pooling::MeanTokens, .mask = "attention_mask"}}; }
  void targets(const Record& record, std::span<Sample> samples) const override;
  Fields forward(const Fields& features) const override;
  Terms loss(const Fields& outputs, const Fields& targets) const override;
  nlohmann::json config() const override;

 private:
  at::Tensor weight_;
};

}  // namespace graft::test
