#pragma once

#include <string>
#include <vector>

#include "cli/task.h"
#include "cli/train_settings.h"
#include "graft/backbone/backbone.h"
#include "graft/core/error.h"
#include "graft/image/pictures.h"

namespace graft::cli {

/// How a run reads pictures: as the flags say, else as the backbone was trained; null: none is known.
image::Pictures pictures(const Task& task, const TrainSettings& settings, const Backbone* backbone);

/// What is wrong with the flags that say how pictures are read.
std::vector<Problem> picture_problems(const TrainSettings& settings);

/// "flip, vflip, ..."
std::string names_of_augmentations();

}  // namespace graft::cli
