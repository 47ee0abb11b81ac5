#pragma once

#include <memory>
#include <vector>

#include "graft/head/head.h"
#include "graft/head/rejection.h"

namespace graft::head {

/// The class number of records that belong to no class: the losses of LibTorch leave it out.
constexpr std::int64_t no_class = -100;

/// The options of a classifier that rejects; null for any other head.
const RejectionOptions* rejection_of(const Head& head);
/// True if the record belongs to none of the head's classes by its label.
bool is_out_of_scope(const Head& head, const Record& record);

/// Another metric over the samples that belong to a class.
class InScope final : public Metric {
 public:
  explicit InScope(std::unique_ptr<Metric> metric) : metric_(std::move(metric)) {}
  void update(const Fields& outputs, const Batch& batch, std::span<const Record> records) override;
  MetricValues compute() const override { return metric_->compute(); }
  void merge(const Metric& other) override { metric_->merge(*dynamic_cast<const InScope&>(other).metric_); }
  void reset() override { metric_->reset(); }

 private:
  std::unique_ptr<Metric> metric_;
};

/// How well inputs of the classes are told from others: "rejection_auroc" of the scores; "oscr", the share of pairs of an input of a class
/// and another one in which the former is answered right and has the larger score, ties counting half (the area under the open-set
/// classification rate of Dhamija, Guenther and Boult, Reducing network agnostophobia, 2018); where there is a threshold, the shares
/// "accepted_in_scope" and "rejected_out_of_scope". NaN where there are no such inputs. Keeps a score a sample.
class Rejection final : public Metric {
 public:
  explicit Rejection(RejectionOptions options) : options_(std::move(options)) {}
  void update(const Fields& outputs, const Batch& batch, std::span<const Record> records) override;
  MetricValues compute() const override;
  void merge(const Metric& other) override;
  void reset() override;
  const std::vector<double>& in_scope() const { return in_scope_; }
  const std::vector<double>& out_of_scope() const { return out_of_scope_; }

 private:
  RejectionOptions options_;
  std::vector<double> in_scope_, right_, out_of_scope_;  // right_: those of in_scope_ whose class was found
};

}  // namespace graft::head
