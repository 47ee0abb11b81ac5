#include "graft/head/multilabel.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <set>

#include "data/joined_labels.h"
#include "graft/core/error.h"
#include "graft/metric/multilabel.h"
#include "head/extended.h"
#include "head/focal.h"
#include "head/labels.h"
#include "head/layers.h"
#include "head/score_loss.h"

namespace graft::head {
namespace {

MultiLabelOptions resolved(MultiLabelOptions options) {
  if (options.labels.empty()) options.labels = options.columns;
  return options;
}

void check(const MultiLabelOptions& options) {
  OptionCheck check("MultiLabel");
  check.names(options.labels, 1, "labels, at least one and all different, are",
              "Take them from the data: MultiLabel::labels_of(data, \"" + options.label + "\"), or name columns.");
  const auto unusable = std::ranges::find_if(options.labels, [&](const std::string& label) {
    return label.empty() || label == MultiLabel::no_labels || (!options.separator.empty() && label.find(options.separator) != label.npos);
  });
  check.require(!options.separator.empty() && unusable == options.labels.end(),
                "a separator that no label has, and labels other than \"\" and \"" + std::string(MultiLabel::no_labels) +
                    "\", are wanted, got the separator \"" + options.separator + "\"" +
                    (unusable == options.labels.end() ? "" : " and the label \"" + *unusable + "\"") + ".",
                "Choose another separator, or rename the label.");
  check.require(options.columns.empty() || options.columns.size() == options.labels.size(),
                "one column for each of the " + std::to_string(options.labels.size()) + " labels is wanted, got " +
                    std::to_string(options.columns.size()) + ".",
                "Leave the labels out: they are called like their columns then.");
  check.require(options.threshold > 0 && options.threshold < 1,
                "a threshold in (0, 1) is wanted, got " + std::to_string(options.threshold) + ".",
                "0.5 takes what is more likely than not.");
  check.one_each(options.positive_weights, options.labels, "positive weight", "labels");
  check.require(std::ranges::all_of(options.positive_weights, [](double weight) { return weight > 0; }),
                "positive weights above 0 are wanted.", "1 weighs records with and without the label alike.");
  check.focal_gamma(options.focal_gamma);
  check.layers(layers_of(options));
  check.done();
}

std::vector<std::string> names_in(const Record& record, const std::string& field, const std::string& separator) {
  const auto value = record.values.find(field);
  if (value != record.values.end()) {
    if (const auto* list = std::get_if<std::vector<std::string>>(&value->second)) return *list;
  }
  return data::separated_labels(record.text(field), separator);
}

}  // namespace

MultiLabel::MultiLabel(MultiLabelOptions options)
    : DenseHead("MultiLabel", resolved(options).labels.size(), layers_of(options)),
      options_(resolved(std::move(options))),
      index_(index_of(options_.labels)) {
  check(options_);
  if (!options_.positive_weights.empty()) positive_weights_ = buffer("positive_weights", at::tensor(options_.positive_weights, at::kFloat));
}

MultiLabel MultiLabel::from_config(const Json& config) {
  MultiLabelOptions options{.label = config.at("label"),
                            .labels = config.at("labels"),
                            .separator = config.at("separator"),
                            .columns = config.at("columns"),
                            .threshold = config.at("threshold"),
                            .positive_weights = config.at("positive_weights"),
                            .focal_gamma = config.value("focal_gamma", 0.0)};
  set_layers(options, layers_from(config));
  return MultiLabel(std::move(options));
}

std::vector<std::string> MultiLabel::labels_of(const Data& data, const std::string& field, const std::string& separator) {
  std::set<std::string> distinct;
  for (std::size_t i = 0; i < data.size(); ++i) {
    for (std::string& name : names_in(data.get(i), field, separator)) distinct.insert(std::move(name));
  }
  return {distinct.begin(), distinct.end()};
}

void MultiLabel::build(const Fields& outputs) {
  DenseHead::build(outputs);
  set_layers(options_, layers());
}

at::Tensor MultiLabel::target(const Record& record) const {
  if (options_.columns.empty()) {
    const at::Tensor shares = shares_of(record, options_.label, options_.labels.size(), "MultiLabel");
    if (shares.defined()) return shares;
  }
  at::Tensor target = at::zeros({static_cast<std::int64_t>(options_.labels.size())});
  auto* value = target.mutable_data_ptr<float>();
  if (options_.columns.empty()) {
    for (const std::string& label : names_in(record, options_.label, options_.separator)) {
      value[place_of(label, index_, options_.labels, "MultiLabel", record.place)] = 1;
    }
  }
  for (const std::string& column : options_.columns) {
    const double share = record.number(column);
    if (!(share >= 0 && share <= 1)) {
      throw DataError(
          {.code = "graft-D024",
           .message = "[MultiLabel] 0 or 1, or a share between them, is wanted in \"" + column + "\", got " + std::to_string(share) + ".",
           .remedy = "Write 1 where the record has the label and 0 where it has not.",
           .place = record.place});
    }
    *value++ = static_cast<float>(share);
  }
  return target;
}

std::string MultiLabel::text_of(const at::Tensor& chosen) const {
  std::string text;
  for (std::size_t i = 0; i < options_.labels.size(); ++i) {
    if (chosen.const_data_ptr<bool>()[i]) text += (text.empty() ? "" : options_.separator) + options_.labels[i];
  }
  return text.empty() ? no_labels : text;
}

void MultiLabel::targets(const Record& record, std::span<Sample> samples) const {
  const at::Tensor labels = target(record);
  for (Sample& sample : samples) sample.targets.set("labels", labels);
}

Fields MultiLabel::forward(const Fields& features) const { return {{"logits", scores(features)}}; }

Terms MultiLabel::loss(const Fields& outputs, const Fields& targets) const {
  const at::Tensor& logits = outputs["logits"];
  const at::Tensor labels = targets["labels"].to(logits.scalar_type());
  return {{"binary_cross_entropy", options_.focal_gamma > 0
                                       ? binary_focal_loss(logits, labels, positive_weights_, options_.focal_gamma)
                                       : at::binary_cross_entropy_with_logits(logits, labels, {}, positive_weights_, at::Reduction::Sum)}};
}

Terms MultiLabel::weights(const Fields& targets) const {
  const at::Tensor& labels = targets["labels"];
  return {{"binary_cross_entropy", at::scalar_tensor(labels.numel(), labels.options())}};
}

std::optional<LinearLayer> MultiLabel::linear() const { return options_.focal_gamma > 0 ? std::nullopt : DenseHead::linear(); }

std::unique_ptr<ScoreLoss> MultiLabel::score_loss(bool summed) const {
  return binary_cross_entropy_loss({.positive = positive_weights_, .focal_gamma = options_.focal_gamma, .summed = summed});
}

std::vector<Decoded> MultiLabel::decode(const Fields& outputs, const Batch&, std::span<const Record>) const {
  const at::Tensor probabilities = outputs["logits"].sigmoid().to(at::kCPU);
  const at::Tensor chosen = probabilities.gt(options_.threshold);
  const at::Tensor surety = at::where(chosen, probabilities, 1 - probabilities).amin(-1);
  std::vector<Decoded> answers = best_labels(probabilities, options_.labels, top());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    answers[i].label = text_of(chosen[row].contiguous());
    answers[i].score = surety[row].item<double>();
  }
  return answers;
}

std::string MultiLabel::truth(const Record& record) const {
  const std::vector<std::string> fields = options_.columns.empty() ? std::vector<std::string>{options_.label} : options_.columns;
  if (!std::ranges::all_of(fields, [&](const std::string& field) { return record.has_value(field); })) return {};
  return text_of(target(record).gt(0.5).contiguous());
}

// Sets of labels are too many for a table of truths and answers.
bool MultiLabel::has_classes() const { return false; }

Metrics MultiLabel::metrics() const {
  Metrics metrics;
  metrics.push_back(std::make_unique<metric::MultiLabel>(static_cast<std::int64_t>(options_.labels.size()), options_.threshold));
  return metrics;
}

std::unique_ptr<Head> MultiLabel::extended_by(const Data& data) const {
  if (!options_.own_layer || !options_.columns.empty()) return nullptr;
  return head::extended_by(*this, labels_of(data, options_.label, options_.separator));
}

Json MultiLabel::config() const {
  Json config = config_of(layers());
  config.update({{"type", "multilabel"},
                 {"label", options_.label},
                 {"labels", options_.labels},
                 {"separator", options_.separator},
                 {"columns", options_.columns},
                 {"threshold", options_.threshold},
                 {"positive_weights", options_.positive_weights},
                 {"focal_gamma", options_.focal_gamma}});
  return config;
}

}  // namespace graft::head
