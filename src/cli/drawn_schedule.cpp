#include "cli/drawn_schedule.h"

#include <iostream>

#include "graft/optim/schedule_preview.h"
#include "train/course.h"
#include "train/epoch_order.h"
#include "train/usual_batch.h"

namespace graft::cli {

int draw_schedule(const TrainSettings& settings, const TrainInputs& inputs, Model& model, const TrainerOptions& trainer) {
  const train::Course course = train::settle(model, inputs.data, preset_from(settings.preset), trainer);
  if (!course.steps) {
    std::cout << "no steps are taken, so there is no rate to draw: " << course.text << "\n";
    return 0;
  }
  if (model.policy() != course.freeze) model.freeze(course.freeze);
  const TrainerOptions options = train::with_batch_size(course.trainer, model, inputs.data.train.size());
  const std::int64_t steps = train::epochs_of(options, model) * train::EpochOrder(options, inputs.data.train.size()).steps_per_epoch();
  std::cout << options.schedule.text() << ", " << steps << " steps\n" << schedule_preview(options.schedule, steps, options.lr);
  return 0;
}

}  // namespace graft::cli
