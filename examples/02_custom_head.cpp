// A head of one's own: grades how urgent a message is on an ordered scale, trains it, and saves a file that Python loads too.
// It needs nothing of the library but its public headers:
//   02_custom_head minilm.pt tickets.csv urgency.pt
// The scale is made from the messages' queues, so the numbers show the mechanism, not a result.
#include <ATen/ATen.h>
#include <graft/graft.h>

#include <cstdio>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

/// P(level > k) = sigmoid(w.x - cut_k), the proportional-odds model (McCullagh, 1980): one direction in feature space, ordered cuts on it.
class OrdinalHead final : public graft::Head {
 public:
  OrdinalHead(std::int64_t width, std::int64_t levels)
      : weight_(parameter("weight", at::zeros({1, width}))), cuts_(parameter("cuts", at::arange(levels - 1, at::kFloat) - 0.5)) {}

  std::vector<graft::Feature> reads() const override {
    return {{.name = "pooled", .pooling = graft::Pooling::MeanTokens, .mask = "attention_mask"}};
  }

  void targets(const graft::Record& record, std::span<graft::Sample> samples) const override {
    for (auto& sample : samples) sample.targets.set("level", at::scalar_tensor(std::stoll(record.text("level")), at::kLong));
  }

  graft::Fields forward(const graft::Fields& features) const override {  // traced for export: no sizes as numbers
    return {{"logits", at::linear(features["pooled"], weight_) - cuts_}};
  }

  graft::Terms loss(const graft::Fields& outputs, const graft::Fields& targets) const override {
    const auto above = (targets["level"].unsqueeze(1) > at::arange(cuts_.size(0), targets["level"].options())).to(at::kFloat);
    return {{"ordinal", at::binary_cross_entropy_with_logits(outputs["logits"], above, {}, {}, at::Reduction::Sum)}};
  }

  std::vector<graft::Decoded> decode(const graft::Fields& outputs, const graft::Batch& batch,
                                     std::span<const graft::Record>) const override {
    const auto levels = (outputs["logits"] > 0).sum(1).to(at::kCPU);
    std::vector<graft::Decoded> answers(batch.records.size());
    for (std::size_t i = 0; i < answers.size(); ++i)
      answers[i].label = std::to_string(levels[static_cast<std::int64_t>(i)].item<std::int64_t>());
    return answers;
  }

  std::string truth(const graft::Record& record) const override { return record.text("level"); }
  nlohmann::json config() const override { return {{"type", "ordinal"}, {"width", weight_.size(1)}, {"levels", cuts_.size(0) + 1}}; }

 private:
  at::Tensor weight_, cuts_;
};

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::cerr << "usage: 02_custom_head BACKBONE.pt MESSAGES.csv OUT.pt\n";
    return 2;
  }
  // How soon somebody should look: 0 whenever, 1 today, 2 now.
  const std::map<std::string, std::string> urgency{{"feedback", "0"},     {"product_question", "0"}, {"billing", "1"},
                                                   {"refund", "1"},       {"delivery", "1"},         {"damaged_item", "1"},
                                                   {"cancellation", "2"}, {"app_bug", "2"},          {"account_access", "2"}};
  const auto graded = graft::data::csv(argv[2]).map([&](graft::Record record) {
    record.values["level"] = urgency.at(record.text("queue"));
    return record;
  });
  const auto data = graded.split({.valid = 0.15, .test = 0.2, .stratify = "level"});

  const auto backbone = graft::Backbone::load(argv[1]);
  const auto words = graft::text::subwords_from_json(backbone.files().at("tokenizer.json"));
  graft::Model model(backbone, OrdinalHead(384, 3), graft::text::Tokenizer(words, {.text = "message"}));
  std::cout << graft::fine_tune(model, data, {.trainer = {.epochs = 40, .lr = 1e-2}});
  model.save(argv[3]);

  // The factory brings the head back, to answer with levels or to train on; without it the file still gives its logits.
  const auto factory = [](const nlohmann::json& config) { return std::make_unique<OrdinalHead>(config.at("width"), config.at("levels")); };
  const auto predictor = graft::Predictor::load(argv[3], {.head = factory});
  std::printf("urgency %s: i cannot get into my account and need it today\n",
              predictor("i cannot get into my account and need it today").label.c_str());
  const auto plain = graft::Predictor::load(argv[3])("love the new box, keep it up");
  std::cout << "without the factory: logits " << plain.values["logits"][0].item<float>() << ", " << plain.values["logits"][1].item<float>()
            << "\n";
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
