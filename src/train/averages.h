#pragma once

#include <memory>
#include <optional>

#include "graft/model/model.h"
#include "graft/optim/ema.h"
#include "train/snapshot.h"
#include "train/stream.h"

namespace graft::train {

/// The average of the weights of a run, where one is wanted.
class Averages {
 public:
  Averages(Model& model, const TrainerOptions& options) : model_(model), options_(options) {
    if (options.ema > 0) ema_.emplace(options.ema);
  }

  bool is_on() const { return ema_.has_value(); }
  /// At the start, and after the policy changed.
  void follow();
  void update() {
    if (ema_) ema_->update();
  }
  Fields state() const { return ema_ ? ema_->state() : Fields(); }
  void restore(const Fields& state) {
    if (ema_) ema_->restore(state);
  }

  /// Averages in the place of the weights; batch norm's statistics are measured anew on `stream` then. Leaves the mode of training and the
  /// random numbers as they were.
  void put_in(Stream& stream);
  /// The weights, and their statistics, as they were.
  void take_out();

 private:
  Model& model_;
  const TrainerOptions& options_;
  std::optional<Ema> ema_;
  bool has_statistics_ = false;  // that are to be measured anew
  Fields statistics_;            // the live ones, while averages are in
};

}  // namespace graft::train
