#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "graft/data/dataset.h"
#include "graft/eval/report.h"
#include "graft/model/model.h"

namespace graft::eval {

/// Everything that is summed up over the batches of one evaluation.
class Collector {
 public:
  /// Keeps the records of the `keep` surest mistakes.
  Collector(const Model& model, const Data& data, std::size_t keep)
      : head_(model.head()), preprocess_(*model.preprocess()), data_(data), keep_(keep), metrics_(model.head().metrics()) {}

  /// The head's outputs for a batch, its targets on the model's device.
  void add(const Fields& outputs, const Batch& batch);
  /// To be asked once, at the end.
  EvalReport report(double seconds);

 private:
  void compare(const std::vector<Decoded>& answers, const std::vector<Record>& records);
  std::string text_of(const Record& record) const;
  void trim();

  const Head& head_;
  const Preprocess& preprocess_;
  const Data& data_;
  std::size_t keep_;
  Metrics metrics_;
  std::map<std::string, std::pair<double, double>> terms_;
  std::map<std::pair<std::string, std::string>, std::int64_t> answers_;  // (truth, answer)
  std::map<std::string, std::int64_t> index_;
  std::vector<Mistake> mistakes_;
  std::int64_t samples_ = 0;
};

}  // namespace graft::eval
