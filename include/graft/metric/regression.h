#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/metric/metric.h"

namespace graft::metric {

/// How near predicted numbers come to the true ones, for each target: "mse" (mean squared error), "mae" (mean absolute error), "r2" (1 -
/// mse / variance of the truths: 1 is perfect, 0 what always answering their mean reaches) and "pearson" (correlation). With several
/// targets their names come first ("price_mse"). R2 is undefined, and NaN, where the truths never change; the correlation also where the
/// predictions never do; all are NaN without samples. Moments are kept by Welford's method and merged by Chan, Golub and LeVeque's (1979),
/// in float64.
class GRAFT_API Regression final : public Metric {
 public:
  /// Predictions and truths are the field of that name in outputs and targets, [N, T] for T targets.
  explicit Regression(std::vector<std::string> targets, std::string field = "values");
  /// Throws ModelError if predictions or truths are not for that many targets.
  void update(const Fields& outputs, const Batch& batch, std::span<const Record> records) override;
  MetricValues compute() const override;
  void merge(const Metric& other) override;
  void reset() override;

 private:
  /// Sums over the samples of one target.
  struct Sums {
    double samples = 0;
    double squared_error = 0, absolute_error = 0;
    /// Means, and sums of squared deviations from them and of their products.
    double truth_mean = 0, prediction_mean = 0;
    double truth_spread = 0, prediction_spread = 0, shared_spread = 0;

    void add(const Sums& other);
  };

  std::vector<std::string> targets_;
  std::string field_;
  std::vector<Sums> sums_;
};

}  // namespace graft::metric
