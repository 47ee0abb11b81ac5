#pragma once

#include "graft/model/model.h"

namespace graft::train {

/// The model's frozen part in this precision, and in its former one at the end.
class WithPrecision {
 public:
  WithPrecision(Model& model, Precision precision) : model_(model), before_(model.precision()) { model_.set_precision(precision); }
  ~WithPrecision() { model_.set_precision(before_); }
  WithPrecision(const WithPrecision&) = delete;
  WithPrecision& operator=(const WithPrecision&) = delete;

 private:
  Model& model_;
  Precision before_;
};

}  // namespace graft::train
