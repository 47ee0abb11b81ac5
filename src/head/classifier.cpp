#include "graft/head/classifier.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "graft/metric/accuracy.h"
#include "graft/metric/confusion.h"
#include "head/extended.h"
#include "head/focal.h"
#include "head/labels.h"
#include "head/layers.h"
#include "head/rejecting.h"
#include "head/score_loss.h"

namespace graft::head {
namespace {

void require(OptionCheck& check, const RejectionOptions& rejection, const std::vector<std::string>& labels) {
  check.require(!rejection.label.empty() && std::ranges::find(labels, rejection.label) == labels.end(),
                "a label for inputs that belong to no class is wanted, itself none of the classes, got \"" + rejection.label + "\".",
                "Leave it out of the labels: records that have it do not train a class.");
  check.require(rejection.recall > 0 && rejection.recall <= 1,
                "a recall in (0, 1] is wanted for a rejection, got " + std::to_string(rejection.recall) + ".", "0.95 is usual.");
  check.require(rejection.precision >= 0 && rejection.precision < 1,
                "a precision in [0, 1) is wanted for a rejection, got " + std::to_string(rejection.precision) + ".",
                "0 leaves the choice to the recall.");
  check.require(!rejection.threshold || std::isfinite(*rejection.threshold), "a finite threshold is wanted for a rejection.",
                "Leave it unset to have it chosen.");
}

void check(const ClassifierOptions& options) {
  OptionCheck check("Classifier");
  check.names(options.labels, 2, "at least two labels, all different, are",
              "Take them from the data: data.labels(\"" + options.label + "\").");
  check.one_each(options.class_weights, options.labels, "class weight", "labels");
  check.require(options.label_smoothing >= 0 && options.label_smoothing < 1,
                "label_smoothing in [0, 1) is wanted, got " + std::to_string(options.label_smoothing) + ".", "0 switches it off.");
  check.focal_gamma(options.focal_gamma);
  check.require(options.label_smoothing == 0 || options.focal_gamma == 0,
                "label_smoothing or focal_gamma is wanted, not both, got " + std::to_string(options.label_smoothing) + " and " +
                    std::to_string(options.focal_gamma) + ".",
                "Leave one of them at 0: smoothing draws sure answers back, which the focal loss hardly counts.");
  check.layers(layers_of(options));
  if (options.rejection) require(check, *options.rejection, options.labels);
  check.done();
}

Json config_of(const RejectionOptions& rejection) {
  return {{"score", rejection_score_names()[static_cast<std::size_t>(rejection.score)]},
          {"label", rejection.label},
          {"recall", rejection.recall},
          {"precision", rejection.precision},
          {"threshold", rejection.threshold ? Json(*rejection.threshold) : Json()}};
}

std::optional<RejectionOptions> rejection_from(const Json& config) {
  const Json rejection = config.value("rejection", Json());
  if (rejection.is_null()) return std::nullopt;
  const Json& threshold = rejection.at("threshold");
  return RejectionOptions{.score = rejection_score_from(rejection.at("score")),
                          .label = rejection.at("label"),
                          .recall = rejection.at("recall"),
                          .precision = rejection.at("precision"),
                          .threshold = threshold.is_null() ? std::nullopt : std::optional(threshold.get<double>())};
}

}  // namespace

Classifier::Classifier(ClassifierOptions options)
    : DenseHead("Classifier", options.labels.size(), layers_of(options)), options_(std::move(options)), index_(index_of(options_.labels)) {
  check(options_);
  if (!options_.class_weights.empty()) class_weights_ = buffer("class_weights", at::tensor(options_.class_weights).to(at::kFloat));
}

Classifier Classifier::from_config(const Json& config) {
  ClassifierOptions options{.label = config.at("label"),
                            .labels = config.at("labels"),
                            .class_weights = config.at("class_weights"),
                            .label_smoothing = config.at("label_smoothing"),
                            .focal_gamma = config.value("focal_gamma", 0.0),
                            .rejection = rejection_from(config)};
  set_layers(options, layers_from(config));
  return Classifier(std::move(options));
}

Classifier Classifier::extended(std::vector<std::string> labels) const { return head::extended(*this, labels); }

std::unique_ptr<Head> Classifier::extended_by(const Data& data) const {
  if (!options_.own_layer) return nullptr;
  std::vector<std::string> labels;
  for (std::string& label : data.labels(options_.label)) {
    if (!options_.rejection || label != options_.rejection->label) labels.push_back(std::move(label));
  }
  return head::extended_by(*this, labels);
}

void Classifier::set_rejection(std::optional<RejectionOptions> rejection) {
  ClassifierOptions options = options_;
  options.rejection = std::move(rejection);
  check(options);
  options_ = std::move(options);
}

void Classifier::build(const Fields& outputs) {
  DenseHead::build(outputs);
  set_layers(options_, layers());
}

void Classifier::targets(const Record& record, std::span<Sample> samples) const {
  at::Tensor target = shares_of(record, options_.label, options_.labels.size(), "Classifier");
  if (!target.defined()) {
    const std::string label = record.text(options_.label);
    const bool has_class = !options_.rejection || label != options_.rejection->label;
    target = at::scalar_tensor(has_class ? place_of(label, index_, options_.labels, "Classifier", record.place) : no_class, at::kLong);
  }
  for (Sample& sample : samples) sample.targets.set("label", target);
}

Fields Classifier::mixed(const Fields& first, const Fields& second, double share_of_first) const {
  const auto shares = [&](const at::Tensor& label) {
    if (label.dim() == 1) return label.to(at::kFloat);
    at::Tensor all = at::zeros({static_cast<std::int64_t>(options_.labels.size())});
    if (const auto place = label.item<std::int64_t>(); place != no_class) all[place].fill_(1);
    return all;
  };
  return {{"label", at::lerp(shares(second["label"]), shares(first["label"]), share_of_first)}};
}

Fields Classifier::forward(const Fields& features) const { return {{"logits", scores(features)}}; }

Terms Classifier::loss(const Fields& outputs, const Fields& targets) const {
  if (options_.focal_gamma > 0) {
    return {{"cross_entropy", focal_loss(outputs["logits"], targets["label"], class_weights_, options_.focal_gamma)}};
  }
  return {{"cross_entropy", at::cross_entropy_loss_symint(outputs["logits"], targets["label"], class_weights_, at::Reduction::Sum, -100,
                                                          options_.label_smoothing)}};
}

Terms Classifier::weights(const Fields& targets) const {
  const at::Tensor& label = targets["label"];
  if (label.dim() == 2 || (!class_weights_.defined() && !options_.rejection)) return {};
  const at::Tensor has_class = label.ne(no_class);
  if (!class_weights_.defined()) return {{"cross_entropy", has_class.sum(at::kFloat)}};
  return {{"cross_entropy", (class_weights_.index_select(0, label.clamp_min(0)) * has_class).sum()}};
}

std::optional<LinearLayer> Classifier::linear() const { return options_.focal_gamma > 0 ? std::nullopt : DenseHead::linear(); }

std::unique_ptr<ScoreLoss> Classifier::score_loss(bool summed) const {
  return cross_entropy_loss(
      {.weights = class_weights_, .label_smoothing = options_.label_smoothing, .focal_gamma = options_.focal_gamma, .summed = summed});
}

std::vector<Decoded> Classifier::decode(const Fields& outputs, const Batch&, std::span<const Record>) const {
  std::vector<Decoded> answers = best_labels(outputs["logits"].softmax(-1), options_.labels, top());
  for (Decoded& answer : answers) std::tie(answer.label, answer.score) = answer.top.front();
  if (!options_.rejection) return answers;
  const at::Tensor scores = rejection_scores(outputs["logits"], options_.rejection->score).to(at::kCPU, at::kDouble).contiguous();
  for (std::size_t i = 0; i < answers.size(); ++i) {
    Decoded& answer = answers[i];
    answer.rejection_score = scores.const_data_ptr<double>()[i];
    answer.rejected = options_.rejection->threshold && *answer.rejection_score < *options_.rejection->threshold;
    if (answer.rejected) answer.label = options_.rejection->label;
  }
  return answers;
}

std::string Classifier::truth(const Record& record) const {
  if (!record.has_value(options_.label)) return {};
  const at::Tensor shares = shares_of(record, options_.label, options_.labels.size(), "Classifier");
  return shares.defined() ? options_.labels[static_cast<std::size_t>(shares.argmax().item<std::int64_t>())] : record.text(options_.label);
}

Metrics Classifier::metrics() const {
  const auto classes = static_cast<std::int64_t>(options_.labels.size());
  Metrics metrics;
  metrics.push_back(std::make_unique<metric::Accuracy>());
  metrics.push_back(std::make_unique<metric::F1>(classes, metric::Average::Macro));
  metrics.push_back(std::make_unique<metric::F1>(classes, metric::Average::Weighted));
  if (classes > 5) metrics.push_back(std::make_unique<metric::Accuracy>(5));
  if (!options_.rejection) return metrics;
  for (std::unique_ptr<Metric>& each : metrics) each = std::make_unique<InScope>(std::move(each));
  metrics.push_back(std::make_unique<Rejection>(*options_.rejection));
  return metrics;
}

Json Classifier::config() const {
  Json config = config_of(layers());
  config.update({{"type", "classifier"},
                 {"label", options_.label},
                 {"labels", options_.labels},
                 {"class_weights", options_.class_weights},
                 {"label_smoothing", options_.label_smoothing},
                 {"focal_gamma", options_.focal_gamma}});
  if (options_.rejection) config["rejection"] = config_of(*options_.rejection);
  return config;
}

}  // namespace graft::head
