#include "graft/head/classifier.h"

#include <ATen/ATen.h>

#include <numbers>
#include <set>

#include "core/json.h"
#include "core/names.h"
#include "graft/core/error.h"
#include "graft/core/rng.h"
#include "graft/metric/accuracy.h"
#include "graft/metric/confusion.h"
#include "head/builtin.h"

namespace graft::head {
namespace {

void check(const ClassifierOptions& options) {
  std::vector<Problem> problems;
  const auto wrong = [&](const std::string& message, const std::string& remedy) {
    problems.push_back({"graft-C012", "[Classifier] " + message, remedy, ""});
  };
  const std::set<std::string> distinct(options.labels.begin(), options.labels.end());
  if (distinct.size() < 2 || distinct.size() != options.labels.size()) {
    wrong("at least two labels, all different, are wanted, got " + std::to_string(options.labels.size()) + ": " +
              quoted_list(options.labels) + ".",
          "Take them from the data: data.labels(\"" + options.label + "\").");
  }
  if (!options.class_weights.empty() && options.class_weights.size() != options.labels.size()) {
    wrong("one class weight for each of the " + std::to_string(options.labels.size()) + " labels is wanted, got " +
              std::to_string(options.class_weights.size()) + ".",
          "Give as many weights as labels, in their order, or none.");
  }
  if (!(options.dropout >= 0 && options.dropout < 1))
    wrong("dropout in [0, 1) is wanted, got " + std::to_string(options.dropout) + ".", "0 switches it off.");
  if (!(options.label_smoothing >= 0 && options.label_smoothing < 1)) {
    wrong("label_smoothing in [0, 1) is wanted, got " + std::to_string(options.label_smoothing) + ".", "0 switches it off.");
  }
  if (options.hidden < 0 || options.width < 0)
    wrong("no negative widths are wanted.", "0 stands for no hidden layer, or for a width that the backbone tells.");
  if (!problems.empty()) throw ConfigError(problems);
}

/// Normal with this standard deviation, from the seed alone (Box-Muller).
at::Tensor normal(at::IntArrayRef sizes, double deviation, Rng rng) {
  at::Tensor values = at::empty(sizes);
  auto* data = values.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    data[i] = static_cast<float>(deviation * std::sqrt(-2 * std::log(1 - rng.uniform())) * std::cos(2 * std::numbers::pi * rng.uniform()));
  }
  return values;
}

Pooling pooling_for(const at::Tensor& output) {
  switch (output.dim()) {
    case 2:
      return Pooling::None;
    case 3:
      return Pooling::MeanTokens;
    case 4:
      return Pooling::MeanPixels;
    default:
      throw ModelError({.code = "graft-M009",
                        .message = "[Classifier] an output [N, D], [N, L, D] or [N, C, H, W] is wanted, the backbone gives " +
                                   shape_text(output.sizes()) + ".",
                        .remedy = "Name another output with .from.",
                        .place = ""});
  }
}

ClassifierOptions options_from(const Json& config) {
  ClassifierOptions options;
  options.label = config.at("label");
  options.labels = config.at("labels").get<std::vector<std::string>>();
  options.hidden = config.at("hidden");
  options.dropout = config.at("dropout");
  options.from = config.at("from");
  options.pooling = pooling_from(config.at("pooling"));
  options.mask = config.at("mask");
  options.class_weights = config.at("class_weights").get<std::vector<double>>();
  options.label_smoothing = config.at("label_smoothing");
  options.width = config.at("width");
  return options;
}

}  // namespace

Classifier::Classifier(ClassifierOptions options) : options_(std::move(options)) {
  check(options_);
  for (std::size_t i = 0; i < options_.labels.size(); ++i) index_[options_.labels[i]] = static_cast<std::int64_t>(i);
  if (!options_.class_weights.empty()) class_weights_ = buffer("class_weights", at::tensor(options_.class_weights).to(at::kFloat));
  if (options_.width > 0) make_parameters();
}

Classifier Classifier::from_config(const Json& config) { return Classifier(options_from(config)); }

void Classifier::build(const Fields& outputs) {
  const at::Tensor& output = output_of(outputs, options_.from);
  if (!options_.pooling) options_.pooling = pooling_for(output);
  const std::int64_t width = pool(output, *options_.pooling).size(-1);
  if (options_.width > 0 && options_.width != width) {
    throw ModelError({.code = "graft-M010",
                      .message = "[Classifier] a width of " + std::to_string(options_.width) + " is wanted, the backbone gives " +
                                 std::to_string(width) + " (" + shape_text(output.sizes()) + ", " + pooling_name(*options_.pooling) + ").",
                      .remedy = "Leave the width out, or load the backbone that this head was made for.",
                      .place = ""});
  }
  if (weight_.defined()) return;
  options_.width = width;
  make_parameters();
}

void Classifier::make_parameters() {
  const auto classes = static_cast<std::int64_t>(options_.labels.size());
  std::int64_t width = options_.width;
  if (options_.hidden > 0) {
    hidden_weight_ =
        parameter("hidden_weight", normal({options_.hidden, width}, 1.0 / std::sqrt(static_cast<double>(width)), Rng(options_.seed, 1)));
    hidden_bias_ = parameter("hidden_bias", at::zeros({options_.hidden}));
    width = options_.hidden;
  }
  // Small, as in BERT: the first predictions are near uniform.
  weight_ = parameter("weight", normal({classes, width}, 0.02, Rng(options_.seed, 2)));
  bias_ = parameter("bias", at::zeros({classes}));
}

std::vector<Feature> Classifier::reads() const {
  const Pooling pooling = options_.pooling.value_or(Pooling::None);
  const bool masked = pooling == Pooling::MeanTokens || pooling == Pooling::MaxTokens;
  return {{.name = "pooled", .from = options_.from, .pooling = pooling, .mask = masked ? options_.mask : std::string()}};
}

void Classifier::targets(const Record& record, std::span<Sample> samples) const {
  at::Tensor target;
  const auto value = record.values.find(options_.label);
  const auto* tensor = value == record.values.end() ? nullptr : std::get_if<at::Tensor>(&value->second);
  if (tensor != nullptr && tensor->dim() == 1 && tensor->is_floating_point()) {
    if (tensor->size(0) != static_cast<std::int64_t>(options_.labels.size())) {
      throw DataError({.code = "graft-D016",
                       .message = "[Classifier] " + std::to_string(options_.labels.size()) + " probabilities are wanted, got " +
                                  shape_text(tensor->sizes()) + ".",
                       .remedy = "Give one for each label.",
                       .place = record.place});
    }
    target = *tensor;
  } else {
    const std::string label = record.text(options_.label);
    const auto found = index_.find(label);
    if (found == index_.end()) {
      throw DataError(
          {.code = "graft-D017",
           .message = "[Classifier] one of the " + std::to_string(options_.labels.size()) + " labels is wanted, got \"" + label + "\".",
           .remedy = did_you_mean(label, options_.labels, "The labels are: " + quoted_list(options_.labels) + "."),
           .place = record.place});
    }
    target = at::scalar_tensor(found->second, at::kLong);
  }
  for (Sample& sample : samples) sample.targets.set("label", target);
}

Fields Classifier::forward(const Fields& features) const {
  at::Tensor x = features["pooled"];
  if (hidden_weight_.defined()) x = at::gelu(at::linear(x, hidden_weight_, hidden_bias_));
  if (options_.dropout > 0) x = dropout(x, options_.dropout);
  return {{"logits", at::linear(x, weight_, bias_)}};
}

Terms Classifier::loss(const Fields& outputs, const Fields& targets) const {
  return {{"cross_entropy", at::cross_entropy_loss_symint(outputs["logits"], targets["label"], class_weights_, at::Reduction::Sum, -100,
                                                          options_.label_smoothing)}};
}

Terms Classifier::weights(const Fields& targets) const {
  const at::Tensor& label = targets["label"];
  if (!class_weights_.defined() || label.dim() == 2) return {};
  return {{"cross_entropy", class_weights_.index_select(0, label).sum()}};
}

std::vector<Decoded> Classifier::decode(const Fields& outputs, const Batch&, std::span<const Record>) const {
  const at::Tensor probabilities = outputs["logits"].softmax(-1);
  const auto [scores, classes] = probabilities.topk(std::min<std::int64_t>(5, probabilities.size(-1)), -1);
  const at::Tensor score = scores.to(at::kCPU).contiguous(), label = classes.to(at::kCPU).contiguous();
  const std::int64_t k = label.size(1);
  std::vector<Decoded> answers(static_cast<std::size_t>(label.size(0)));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto* row_score = score.const_data_ptr<float>() + static_cast<std::int64_t>(i) * k;
    const auto* row_label = label.const_data_ptr<std::int64_t>() + static_cast<std::int64_t>(i) * k;
    for (std::int64_t j = 0; j < k; ++j) answers[i].top.emplace_back(options_.labels[static_cast<std::size_t>(row_label[j])], row_score[j]);
    answers[i].label = answers[i].top.front().first;
    answers[i].score = answers[i].top.front().second;
  }
  return answers;
}

std::string Classifier::truth(const Record& record) const {
  const auto value = record.values.find(options_.label);
  if (value == record.values.end()) return {};
  if (const auto* tensor = std::get_if<at::Tensor>(&value->second); tensor != nullptr && tensor->dim() == 1) {
    return options_.labels.at(static_cast<std::size_t>(tensor->argmax().item<std::int64_t>()));
  }
  return record.text(options_.label);
}

Metrics Classifier::metrics() const {
  const auto classes = static_cast<std::int64_t>(options_.labels.size());
  Metrics metrics;
  metrics.push_back(std::make_unique<metric::Accuracy>());
  metrics.push_back(std::make_unique<metric::F1>(classes, metric::Average::Macro));
  metrics.push_back(std::make_unique<metric::F1>(classes, metric::Average::Weighted));
  if (classes > 5) metrics.push_back(std::make_unique<metric::Accuracy>(5));
  return metrics;
}

std::optional<LinearLayer> Classifier::linear() const {
  if (options_.hidden > 0 || options_.dropout > 0) return std::nullopt;
  return LinearLayer{"pooled", weight_, bias_};
}

Json Classifier::config() const {
  return {{"type", "classifier"},
          {"label", options_.label},
          {"labels", options_.labels},
          {"hidden", options_.hidden},
          {"dropout", options_.dropout},
          {"from", options_.from},
          {"pooling", pooling_name(options_.pooling.value_or(Pooling::None))},
          {"mask", options_.mask},
          {"class_weights", options_.class_weights},
          {"label_smoothing", options_.label_smoothing},
          {"width", options_.width}};
}

}  // namespace graft::head
