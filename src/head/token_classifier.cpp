#include "graft/head/token_classifier.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

#include "core/json.h"
#include "core/names.h"
#include "graft/core/error.h"
#include "head/entity_metric.h"
#include "head/entity_text.h"
#include "head/extended.h"
#include "head/focal.h"
#include "head/labels.h"
#include "head/layers.h"
#include "head/record_lists.h"
#include "head/tagged_record.h"

namespace graft::head {
namespace {

void check(const TokenClassifierOptions& options) {
  OptionCheck check("TokenClassifier");
  check.names(options.labels, 2, "labels, at least two and all different, are", "Take TokenClassifier::labels_of(data.train).");
  check.one_each(options.class_weights, options.labels, "class weight", "labels");
  check.require(options.dropout >= 0 && options.dropout < 1, "dropout in [0, 1) is wanted.", "0 switches it off; 0.1 is usual.");
  check.require(options.label_smoothing >= 0 && options.label_smoothing < 1, "label_smoothing in [0, 1) is wanted.", "0 switches it off.");
  check.focal_gamma(options.focal_gamma);
  check.require(options.focal_gamma == 0 || options.label_smoothing == 0, "focal_gamma or label_smoothing is wanted, not both.",
                "Leave one at 0.");
  check.done();
}

/// What a sample says of one word.
struct Vote {
  std::int64_t label;
  Bytes bytes;
  double score;
  /// Words between it and the nearer end of the sample.
  std::int64_t margin;
};

/// What labels_of() says, and of data without any entity nothing.
std::vector<std::string> labels_in(const Data& data, const TokenClassifierOptions& fields) {
  std::set<std::string> tags, kinds;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const Record record = data.get(i);
    for (const std::string& tag : list_of(record, fields.tags)) tags.insert(tag);
    for (const std::string& kind : list_of(record, fields.span_labels)) kinds.insert(kind);
  }
  if (!std::ranges::all_of(tags, is_bio)) return {tags.begin(), tags.end()};
  for (const std::string& tag : tags) {
    if (tag != "O") kinds.insert(tag.substr(2));
  }
  std::vector<std::string> labels;
  if (!tags.empty() || !kinds.empty()) labels.push_back("O");
  for (const std::string& kind : kinds) {
    labels.push_back("B-" + kind);
    labels.push_back("I-" + kind);
  }
  return labels;
}

}  // namespace

TokenClassifier::TokenClassifier(TokenClassifierOptions options)
    : TokenLayer("TokenClassifier", options.labels.size(),
                 {.dropout = options.dropout, .from = options.from, .mask = options.mask, .seed = options.seed, .width = options.width}),
      options_(std::move(options)),
      index_(index_of(options_.labels)) {
  check(options_);
  if (!options_.class_weights.empty()) class_weights_ = buffer("class_weights", at::tensor(options_.class_weights, at::kFloat));
}

TokenClassifier TokenClassifier::from_config(const Json& config) {
  const TokenLayerOptions layer = layer_from(config);
  return TokenClassifier({.labels = config.at("labels"),
                          .text = config.at("text"),
                          .tags = config.at("tags"),
                          .spans = config.at("spans"),
                          .span_labels = config.at("span_labels"),
                          .words = config.at("words"),
                          .class_weights = config.at("class_weights"),
                          .label_smoothing = config.at("label_smoothing"),
                          .focal_gamma = config.at("focal_gamma"),
                          .dropout = layer.dropout,
                          .from = layer.from,
                          .mask = layer.mask,
                          .width = layer.width});
}

std::vector<std::string> TokenClassifier::labels_of(const Data& data, const TokenClassifierOptions& fields) {
  std::vector<std::string> labels = labels_in(data, fields);
  if (labels.size() >= 2) return labels;
  throw DataError({.code = "graft-D043",
                   .message = "[TokenClassifier] tags of at least two kinds are wanted in \"" + fields.tags + "\", or entities in \"" +
                              fields.span_labels + "\"; the " + std::to_string(data.size()) + " records have " +
                              (labels.empty() ? "none" : quoted_list(labels)) + ".",
                   .remedy = "Check the columns of the file, or bring records with entities.",
                   .place = data.empty() ? "" : data.get(0).place});
}

void TokenClassifier::targets(const Record& record, std::span<Sample> samples) const {
  const TaggedRecord truth(record, options_);
  for (Sample& sample : samples) {
    const at::Tensor* words = sample.inputs.find("words");
    if (words == nullptr) continue;  // of a record whose labels alone are checked
    const std::vector<std::string> tags = truth.tags(*words);
    const at::Tensor place = words->contiguous();
    at::Tensor target = at::full({place.size(0)}, -100, at::kLong);
    for (std::int64_t i = 0; i < place.size(0); ++i) {
      const int word = place.const_data_ptr<int>()[3 * i];
      if (word < 0) continue;
      const auto label = index_.find(tags.at(static_cast<std::size_t>(word)));
      if (label != index_.end()) target.mutable_data_ptr<std::int64_t>()[i] = label->second;
    }
    sample.targets.set("tags", std::move(target));
  }
}

Fields TokenClassifier::forward(const Fields& features) const { return {{"logits", scores(features)}}; }

Terms TokenClassifier::loss(const Fields& outputs, const Fields& targets) const {
  const at::Tensor logits = outputs["logits"].flatten(0, 1), tags = targets["tags"].flatten();
  if (options_.focal_gamma > 0) {
    const at::Tensor labelled = tags.ge(0).nonzero().squeeze(-1);
    return {{"cross_entropy",
             focal_loss(logits.index_select(0, labelled), tags.index_select(0, labelled), class_weights_, options_.focal_gamma)}};
  }
  return {
      {"cross_entropy", at::cross_entropy_loss_symint(logits, tags, class_weights_, at::Reduction::Sum, -100, options_.label_smoothing)}};
}

Terms TokenClassifier::weights(const Fields& targets) const {
  const at::Tensor tags = targets["tags"].flatten(), labelled = tags.ge(0);
  if (!class_weights_.defined()) return {{"cross_entropy", labelled.sum()}};
  return {{"cross_entropy", (class_weights_.index_select(0, tags.clamp_min(0)) * labelled).sum()}};
}

std::vector<Decoded> TokenClassifier::decode(const Fields& outputs, const Batch& batch, std::span<const Record>) const {
  const at::Tensor* words = batch.inputs.find("words");
  if (words == nullptr) return Head::decode(outputs, batch, {});
  const auto [score, label] = outputs["logits"].softmax(-1).max(-1);
  const at::Tensor places = words->to(at::kCPU), scores = score.to(at::kCPU, at::kDouble).unsqueeze(-1),
                   labels = label.to(at::kCPU).unsqueeze(-1);
  std::vector<Decoded> answers(static_cast<std::size_t>(batch.size()));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    // [W, 5]: number, begin and end of each word of the sample, its label and score.
    const at::Tensor starts = places[row].select(-1, 0).ge(0).nonzero().squeeze(-1);
    answers[i].values.set("votes",
                          at::cat({places[row].to(at::kDouble), labels[row].to(at::kDouble), scores[row]}, -1).index_select(0, starts));
  }
  return answers;
}

Decoded TokenClassifier::merge(std::span<const Decoded> samples, const Record& record) const {
  if (!samples.front().values.has("votes")) return samples.front();
  std::vector<std::optional<Vote>> best;
  for (const Decoded& sample : samples) {
    const at::Tensor votes = sample.values["votes"].contiguous();
    const std::int64_t count = votes.size(0);
    for (std::int64_t i = 0; i < count; ++i) {
      const double* vote = votes.const_data_ptr<double>() + 5 * i;
      const auto word = static_cast<std::size_t>(vote[0]);
      if (word >= best.size()) best.resize(word + 1);
      const std::int64_t margin = std::min(i, count - 1 - i);
      if (best[word] && best[word]->margin >= margin) continue;
      best[word] = Vote{.label = static_cast<std::int64_t>(vote[3]),
                        .bytes = {static_cast<std::size_t>(vote[1]), static_cast<std::size_t>(vote[2])},
                        .score = vote[4],
                        .margin = margin};
    }
  }
  Decoded answer;
  std::vector<Bytes> words;
  std::vector<double> scores;
  for (const std::optional<Vote>& vote : best) {
    answer.tags.push_back(options_.labels[static_cast<std::size_t>(vote->label)]);
    words.push_back(vote->bytes);
    scores.push_back(vote->score);
  }
  const std::string text = record.has_value(options_.text) ? record.text(options_.text) : std::string();
  const bool marks_entities = std::ranges::all_of(options_.labels, is_bio);
  answer.spans = marks_entities ? spans_of_tags(answer.tags, words, scores, text) : spans_of_words(answer.tags, words, scores, text);
  answer.label = text_of(answer.spans);
  answer.score = scores.empty() ? 1 : std::accumulate(scores.begin(), scores.end(), 0.0) / static_cast<double>(scores.size());
  return answer;
}

std::string TokenClassifier::truth(const Record& record) const { return text_of(TaggedRecord(record, options_).entities()); }

Metrics TokenClassifier::metrics() const {
  Metrics metrics;
  metrics.push_back(std::make_unique<TagAccuracy>());
  if (std::ranges::all_of(options_.labels, is_bio)) metrics.push_back(std::make_unique<EntityMetric>(options_));
  return metrics;
}

std::unique_ptr<Head> TokenClassifier::extended_by(const Data& data) const { return head::extended_by(*this, labels_in(data, options_)); }

Json TokenClassifier::config() const {
  Json config = layer_config();
  config.update({{"type", "token_classifier"},
                 {"labels", options_.labels},
                 {"text", options_.text},
                 {"tags", options_.tags},
                 {"spans", options_.spans},
                 {"span_labels", options_.span_labels},
                 {"words", options_.words},
                 {"class_weights", options_.class_weights},
                 {"label_smoothing", options_.label_smoothing},
                 {"focal_gamma", options_.focal_gamma}});
  return config;
}

}  // namespace graft::head
