#include "graft/predict/predictor.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "graft/core/device.h"
#include "graft/core/error.h"
#include "graft/data/loader.h"
#include "head/builtin.h"
#include "predict/saved_file.h"

namespace graft {
namespace {

class Texts final : public Dataset {
 public:
  Texts(std::span<const std::string> texts, std::string field) : texts_(texts.begin(), texts.end()), field_(std::move(field)) {}
  std::size_t size() const override { return texts_.size(); }
  Record get(std::size_t index) const override { return {{{field_, texts_.at(index)}}, "text " + std::to_string(index + 1)}; }

 private:
  std::vector<std::string> texts_;
  std::string field_;
};

/// The only text field of what the model reads, or empty.
std::string text_field(const Preprocess& preprocess) {
  std::string field;
  for (const auto& [name, value] : preprocess.example().values) {
    if (!std::holds_alternative<std::string>(value)) continue;
    if (!field.empty()) return {};
    field = name;
  }
  return field;
}

/// Answers as the default of Head gives them: the outputs of each sample.
class Unknown final : public Head {
  std::vector<Feature> reads() const override { return {}; }
  void targets(const Record&, std::span<Sample>) const override {}
  Fields forward(const Fields&) const override { return {}; }
  Terms loss(const Fields&, const Fields&) const override { return {}; }
  Json config() const override { return {}; }
};

}  // namespace

struct Predictor::State {
  graph::Network network;
  std::shared_ptr<const Preprocess> preprocess;
  std::unique_ptr<Head> head;
  std::vector<std::string> inputs, outputs;
  c10::Device device;
  std::string text;

  Fields run(const Fields& batch) const {
    std::vector<c10::IValue> arguments;
    for (const std::string& name : inputs) {
      const at::Tensor* tensor = batch.find(name);
      arguments.push_back(tensor != nullptr ? c10::IValue(*tensor) : c10::IValue());
    }
    Fields named;
    std::size_t next = 0;
    for (const auto& [position, tensor] : network(std::move(arguments))) named.set(outputs.at(next++), tensor);
    return named;
  }
};

Predictor Predictor::load(const std::string& path, const LoadOptions& options) {
  const c10::Device device = choose_device(options.device).device;
  predict::SavedFile saved = predict::read_saved(path);
  const Json& config = saved.manifest.at("head");
  std::unique_ptr<Head> head = options.head ? options.head(config) : head::make_builtin(config);
  if (head == nullptr) head = std::make_unique<Unknown>();
  auto preprocess = predict::make_preprocess(saved.manifest.at("preprocess"), saved.files);
  std::string text = text_field(*preprocess);
  saved.network.eval();
  saved.network.to(device);
  Predictor predictor;
  predictor.state_ = std::make_shared<const State>(State{saved.network, std::move(preprocess), std::move(head), saved.manifest.at("inputs"),
                                                         saved.manifest.at("outputs"), device, std::move(text)});
  return predictor;
}

Decoded Predictor::operator()(const std::string& text) const { return std::move(batch(std::span(&text, 1)).front()); }

std::vector<Decoded> Predictor::batch(std::span<const std::string> texts, const ProgressFunction& progress) const {
  if (state_->text.empty()) {
    throw ModelError({.code = "graft-M012",
                      .message = "[Predictor] a model that reads exactly one text is wanted here.",
                      .remedy = "Give records: predictor.batch(data).",
                      .place = ""});
  }
  return batch(Data(std::make_shared<Texts>(texts, state_->text)), progress);
}

std::vector<Decoded> Predictor::batch(const Data& data, const ProgressFunction& progress) const {
  const c10::NoGradGuard no_grad;
  Loader loader(data, state_->preprocess, {}, {.batch_size = 32, .batch_positions = 1024, .order = Order::ByLength, .threads = 0});
  std::vector<Decoded> answers(data.size());
  std::int64_t done = 0;
  while (auto batch = loader.next()) {
    const Fields outputs = state_->run(to(batch->inputs, state_->device));
    std::vector<Decoded> decoded = state_->head->decode(outputs, *batch, {});
    for (std::size_t i = 0; i < decoded.size(); ++i) answers[static_cast<std::size_t>(batch->records[i])] = std::move(decoded[i]);
    done += batch->size();
    if (progress) progress({"predict", done, static_cast<std::int64_t>(loader.num_samples()), ""});
  }
  return answers;
}

}  // namespace graft
