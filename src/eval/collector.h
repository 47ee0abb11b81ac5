#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "graft/data/dataset.h"
#include "graft/eval/evaluator.h"
#include "graft/eval/report.h"
#include "graft/model/model.h"

namespace graft::eval {

/// Everything that is summed up over the batches of one evaluation.
class Collector {
 public:
  /// For `samples` in all.
  Collector(const Model& model, const Data& data, std::size_t samples, const EvaluatorOptions& options);

  /// The head's outputs for a batch, its targets on the model's device.
  void add(const Fields& outputs, const Batch& batch);
  /// To be asked once, at the end.
  EvalReport report(double seconds);

 private:
  /// The answer that the samples of a record come to.
  void conclude(std::span<const Decoded> samples, const Record& record);
  std::string text_of(const Record& record) const;
  void trim();

  const Head& head_;
  const Preprocess& preprocess_;
  const Data& data_;
  /// A record that is one sample is answered when that is; the others wait for the last of their samples.
  bool one_each_;
  std::map<std::int64_t, std::vector<Decoded>> waiting_;
  std::size_t keep_;
  std::vector<std::shared_ptr<Metric>> metrics_;
  std::map<std::string, std::pair<double, double>> terms_;
  std::map<std::pair<std::string, std::string>, std::int64_t> answers_;  // (truth, answer)
  std::map<std::string, std::int64_t> index_;
  std::vector<Mistake> mistakes_;
  std::int64_t records_ = 0;
};

}  // namespace graft::eval
