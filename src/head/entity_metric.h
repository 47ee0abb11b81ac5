#pragma once

#include <limits>

#include "graft/metric/entities.h"
#include "head/tagged_record.h"

namespace graft::head {

/// Entities as seqeval counts them, by itself and (F1) in its strict mode: by words where records have tags, else by bytes.
class EntityMetric final : public Metric {
 public:
  explicit EntityMetric(const TokenClassifierOptions& fields) : fields_(fields) {}

  void answer(const Decoded& answer, const Record& record) override {
    const TaggedRecord truth(record, fields_);
    const std::vector<std::string> tags = truth.tags();
    if (truth.has_tags()) {
      scores_.add(tags, answer.tags);
    } else {
      scores_.add(entities(truth.entities()), entities(answer.spans));
    }
    // A preprocessing of a user's own may cut other words.
    if (tags.size() == answer.tags.size()) {
      strict_.add(tags, answer.tags);
    } else {
      strict_.add(entities(truth.entities()), entities(answer.spans));
    }
  }
  MetricValues compute() const override {
    MetricValues values = scores_.compute();
    values.emplace_back("f1_strict", value_of(strict_.compute(), "f1"));
    return values;
  }
  void merge(const Metric& other) override {
    const auto& same = dynamic_cast<const EntityMetric&>(other);
    scores_.merge(same.scores_);
    strict_.merge(same.strict_);
  }
  void reset() override {
    scores_ = metric::EntityScores();
    strict_ = metric::EntityScores(metric::EntityMode::Strict);
  }

 private:
  static std::vector<metric::Entity> entities(const std::vector<TextSpan>& spans) {
    std::vector<metric::Entity> found;
    for (const TextSpan& span : spans)
      found.push_back({span.label, static_cast<std::int64_t>(span.begin), static_cast<std::int64_t>(span.end)});
    return found;
  }

  TokenClassifierOptions fields_;
  metric::EntityScores scores_, strict_{metric::EntityMode::Strict};
};

/// The share of words with the right label, among those that have one that is known; NaN where none has.
class TagAccuracy final : public Metric {
 public:
  void update(const Fields& outputs, const Batch& batch, std::span<const Record>) override {
    const at::Tensor& truth = batch.targets["tags"];
    right_ += outputs["logits"].argmax(-1).eq(truth).sum().item<std::int64_t>();
    seen_ += truth.ge(0).sum().item<std::int64_t>();
  }
  MetricValues compute() const override {
    const double none = std::numeric_limits<double>::quiet_NaN();
    return {{"accuracy", seen_ == 0 ? none : static_cast<double>(right_) / static_cast<double>(seen_)}};
  }
  void merge(const Metric& other) override {
    const auto& same = dynamic_cast<const TagAccuracy&>(other);
    right_ += same.right_;
    seen_ += same.seen_;
  }
  void reset() override { right_ = seen_ = 0; }

 private:
  std::int64_t right_ = 0, seen_ = 0;
};

}  // namespace graft::head
