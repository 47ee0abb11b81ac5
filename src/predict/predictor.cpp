#include "graft/predict/predictor.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <iterator>
#include <numeric>

#include "core/names.h"
#include "data/pieces.h"
#include "graft/core/device.h"
#include "graft/core/error.h"
#include "graft/data/collate.h"
#include "graft/data/loader.h"
#include "graft/image/pictures.h"
#include "head/builtin.h"
#include "predict/mirror.h"
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
  /// True if forward changes the network: then each call has a copy.
  bool stateful;
  Json manifest;
  std::shared_ptr<const Preprocess> preprocess;
  std::unique_ptr<Head> head;
  std::vector<std::string> inputs, outputs;
  c10::Device device;
  std::string text;

  Fields run(const Fields& given_inputs) const {
    std::vector<c10::IValue> arguments;
    for (const std::string& name : inputs) {
      const at::Tensor* tensor = given_inputs.find(name);
      arguments.push_back(tensor != nullptr ? c10::IValue(tensor->to(device)) : c10::IValue());
    }
    const Fields given = stateful ? network.with_own_state()(std::move(arguments)) : network(std::move(arguments));
    Fields named;
    std::size_t next = 0;
    for (const auto& [position, tensor] : given) named.set(outputs.at(next++), tensor);
    return named;
  }

  std::vector<Decoded> answer(const Batch& batch, bool mirrored = false) const {
    const c10::NoGradGuard no_grad;
    if (!mirrored) return head->decode(run(batch.inputs), batch, {});
    return head->decode(predict::with_mirror(*head, batch.inputs, [this](const Fields& seen) { return run(seen); }), batch, {});
  }
};

Predictor Predictor::load(const std::string& path, const LoadOptions& options) {
  const c10::Device device = choose_device(options.device).device;
  predict::SavedFile saved = predict::read_saved(path, options.trust ? graph::Trust::Code : graph::Trust::Checked);
  State state{std::move(saved.network), false, std::move(saved.manifest), nullptr, nullptr, {}, {}, device, ""};
  predict::reading_manifest(path, [&] {
    const Json& config = state.manifest.at("head");
    state.head = options.head ? options.head(config) : head::make_builtin(config);
    state.preprocess = predict::make_preprocess(state.manifest.at("preprocess"), saved.files, options.preprocess);
    state.inputs = state.manifest.at("inputs").get<std::vector<std::string>>();
    state.outputs = state.manifest.at("outputs").get<std::vector<std::string>>();
  });
  if (state.head == nullptr) state.head = std::make_unique<Unknown>();
  state.head->set_top(options.top);
  state.text = text_field(*state.preprocess);
  state.network.eval();
  state.network.to(device);
  state.stateful = state.network.is_stateful();
  Predictor predictor;
  predictor.state_ = std::make_shared<const State>(std::move(state));
  return predictor;
}

Decoded Predictor::operator()(const std::string& text) const { return std::move(batch(std::span(&text, 1)).front()); }

Decoded Predictor::operator()(const Record& record) const {
  Rng rng(0);
  std::vector<Sample> samples = (*state_->preprocess)(record, rng, Mode::Eval);
  constexpr std::size_t windows_at_once = 8;
  std::vector<Decoded> answers;
  for (const Batch& batch : data::pieces_of(std::move(samples), state_->preprocess->padding(), windows_at_once))
    std::ranges::move(state_->answer(batch), std::back_inserter(answers));
  return state_->head->merge(answers, record);
}

Decoded Predictor::operator()(const Fields& inputs) const {
  const Sample sample{inputs, {}, 0};
  return std::move(state_->answer(collate(std::span(&sample, 1), state_->preprocess->padding())).front());
}

std::vector<Decoded> Predictor::batch(std::span<const std::string> texts, const PredictOptions& options) const {
  if (state_->text.empty()) {
    throw ModelError(
        {.code = "graft-M012",
         .message = "[Predictor] a model that reads exactly one text is wanted here; this one reads: " + quoted_list(fields()) + ".",
         .remedy = "Give records that have these fields.",
         .place = ""});
  }
  return batch(Data(std::make_shared<Texts>(texts, state_->text)), options);
}

std::vector<Decoded> Predictor::batch(const Data& data, const PredictOptions& options) const {
  Loader loader(data, state_->preprocess, {},
                {.batch_size = 32, .batch_positions = 1024, .order = Order::ByLength, .threads = 0, .stop = options.stop});
  std::vector<std::vector<Decoded>> samples(data.size());
  std::int64_t done = 0;
  while (const auto batch = loader.next()) {
    std::vector<Decoded> decoded = state_->answer(*batch, options.mirrored);
    for (std::size_t i = 0; i < decoded.size(); ++i) samples[static_cast<std::size_t>(batch->records[i])].push_back(std::move(decoded[i]));
    done += batch->size();
    if (options.progress) options.progress({"predict", done, static_cast<std::int64_t>(loader.num_samples()), ""});
  }
  std::vector<Decoded> answers(data.size());
  const bool is_whole = done == static_cast<std::int64_t>(loader.num_samples());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    // A stop may lie between the samples of a record.
    if (!samples[i].empty() && (is_whole || samples.size() == loader.num_samples()))
      answers[i] = state_->head->merge(samples[i], data.get(i));
  }
  return answers;
}

std::vector<Decoded> Predictor::batch(const Fields& inputs, const PredictOptions& options) const {
  Batch batch{inputs, {}, {}};
  if (!inputs.empty() && inputs.begin()->second.dim() > 0) batch.records.resize(static_cast<std::size_t>(inputs.begin()->second.size(0)));
  std::iota(batch.records.begin(), batch.records.end(), std::int64_t{0});
  return state_->answer(batch, options.mirrored);
}

std::vector<std::string> Predictor::fields() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : state_->preprocess->example().values) names.push_back(name);
  return names;
}

bool Predictor::reads_pictures() const { return dynamic_cast<const image::Pictures*>(state_->preprocess.get()) != nullptr; }

const std::vector<std::string>& Predictor::inputs() const { return state_->inputs; }

std::vector<std::string> Predictor::labels() const { return state_->manifest.at("head").value("labels", std::vector<std::string>()); }

}  // namespace graft
