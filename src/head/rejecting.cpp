#include "head/rejecting.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "graft/head/classifier.h"
#include "graft/metric/roc.h"

namespace graft::head {
namespace {

/// [N], true where the sample belongs to a class; shares of the classes [N, C] always do.
at::Tensor has_class(const at::Tensor& label) {
  return label.dim() == 2 ? at::ones({label.size(0)}, label.options().dtype(at::kBool)) : label.ne(no_class);
}

double share_from(const std::vector<double>& scores, double threshold) {
  if (scores.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto accepted = std::ranges::count_if(scores, [&](double score) { return score >= threshold; });
  return static_cast<double>(accepted) / static_cast<double>(scores.size());
}

}  // namespace

const RejectionOptions* rejection_of(const Head& head) {
  const auto* classifier = dynamic_cast<const Classifier*>(&head);
  return classifier != nullptr && classifier->options().rejection ? &*classifier->options().rejection : nullptr;
}

bool is_out_of_scope(const Head& head, const Record& record) {
  const RejectionOptions* rejection = rejection_of(head);
  return rejection != nullptr && head.truth(record) == rejection->label;
}

void InScope::update(const Fields& outputs, const Batch& batch, std::span<const Record> records) {
  const at::Tensor kept = has_class(batch.targets["label"]).nonzero().view(-1);
  if (kept.size(0) == batch.targets["label"].size(0)) return metric_->update(outputs, batch, records);
  const at::Tensor places = kept.to(at::kCPU).contiguous();
  Batch part{{}, rows(batch.targets, kept), {}};
  std::vector<Record> part_records;
  for (std::int64_t i = 0; i < places.numel(); ++i) {
    const auto place = static_cast<std::size_t>(places.const_data_ptr<std::int64_t>()[i]);
    part.records.push_back(batch.records[place]);
    if (!records.empty()) part_records.push_back(records[place]);
  }
  metric_->update(rows(outputs, kept), part, part_records);
}

void Rejection::update(const Fields& outputs, const Batch& batch, std::span<const Record>) {
  const at::Tensor scores = rejection_scores(outputs["logits"], options_.score).to(at::kCPU, at::kDouble).contiguous();
  const at::Tensor& label = batch.targets["label"];
  const at::Tensor inside = has_class(label).to(at::kCPU).contiguous();
  const at::Tensor right = outputs["logits"].argmax(-1).eq(label.dim() == 2 ? label.argmax(-1) : label).to(at::kCPU).contiguous();
  for (std::int64_t i = 0; i < scores.numel(); ++i) {
    const double score = scores.const_data_ptr<double>()[i];
    (inside.const_data_ptr<bool>()[i] ? in_scope_ : out_of_scope_).push_back(score);
    if (right.const_data_ptr<bool>()[i]) right_.push_back(score);
  }
}

MetricValues Rejection::compute() const {
  const double auroc = metric::auroc(in_scope_, out_of_scope_),
               share = static_cast<double>(right_.size()) / static_cast<double>(in_scope_.size());
  const double oscr = right_.empty() && !std::isnan(auroc) ? 0.0 : share * metric::auroc(right_, out_of_scope_);
  MetricValues values{{"rejection_auroc", auroc}, {"oscr", oscr}};
  if (!options_.threshold) return values;
  values.emplace_back("accepted_in_scope", share_from(in_scope_, *options_.threshold));
  values.emplace_back("rejected_out_of_scope", 1 - share_from(out_of_scope_, *options_.threshold));
  return values;
}

void Rejection::merge(const Metric& other) {
  const auto& same = dynamic_cast<const Rejection&>(other);
  in_scope_.insert(in_scope_.end(), same.in_scope_.begin(), same.in_scope_.end());
  right_.insert(right_.end(), same.right_.begin(), same.right_.end());
  out_of_scope_.insert(out_of_scope_.end(), same.out_of_scope_.begin(), same.out_of_scope_.end());
}

void Rejection::reset() {
  in_scope_.clear();
  right_.clear();
  out_of_scope_.clear();
}

}  // namespace graft::head
