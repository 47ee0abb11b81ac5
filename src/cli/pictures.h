#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/task.h"
#include "cli/train_settings.h"
#include "graft/backbone/backbone.h"
#include "graft/image/picture.h"
#include "graft/image/pictures.h"

namespace graft::cli {

/// How a run reads pictures: as the flags say, else as the backbone was trained.
image::Pictures pictures(const Task& task, const TrainSettings& settings, const Backbone& backbone);

/// "224", "416x320" (width x height).
std::optional<image::PictureSize> image_size_from(const std::string& text);

/// "flip, vflip, ..."
std::string names_of_augmentations();
/// Those of "flip,crop" that are none.
std::vector<std::string> unknown_augmentations(const std::string& augment);

}  // namespace graft::cli
