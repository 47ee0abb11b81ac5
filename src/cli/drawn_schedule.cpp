#include "cli/drawn_schedule.h"

#include <iostream>

#include "graft/optim/schedule_preview.h"
#include "train/epoch_order.h"
#include "train/usual_batch.h"

namespace graft::cli {

int draw_schedule(const train::Course& course, Model& model, std::size_t records) {
  if (!course.steps) {
    std::cout << "no steps are taken, so there is no rate to draw: " << course.text << "\n";
    return 0;
  }
  if (model.policy() != course.freeze) model.freeze(course.freeze);
  const TrainerOptions options = train::with_batch_size(course.trainer, model, records);
  const std::int64_t steps = train::epochs_of(options, model) * train::EpochOrder(options, records).steps_per_epoch();
  std::cout << options.schedule.text() << ", " << steps << " steps\n" << schedule_preview(options.schedule, steps, options.lr);
  return 0;
}

}  // namespace graft::cli
