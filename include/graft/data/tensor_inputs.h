#pragma once

#include "graft/core/api.h"
#include "graft/core/fields.h"
#include "graft/data/preprocess.h"

namespace graft {

/// Passes tensors of the record through under their names, for data that needs no preparation.
class GRAFT_API TensorInputs final : public Preprocess {
 public:
  /// `example` [..] are one sample's tensors, without the batch dimension.
  explicit TensorInputs(Fields example);
  /// From config(), with zeros for the example.
  static TensorInputs from_config(const nlohmann::json& config);
  std::vector<Sample> operator()(const Record& record, Rng& rng, Mode mode) const override;
  nlohmann::json config() const override;
  Record example() const override;

 private:
  Fields example_;
};

}  // namespace graft
