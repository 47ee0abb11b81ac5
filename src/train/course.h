#pragma once

#include <string>

#include "graft/train/fine_tune.h"

namespace graft::train {

/// What a preset comes to for a model and its data.
struct Course {
  Preset preset = Preset::Probe;
  /// A linear head is solved, first or only.
  bool solves = false;
  /// What steps train, if there are any, with what the preset decides where the caller left it open.
  bool steps = false;
  /// The policy with which steps begin; a solved head comes before it, under one that freezes all.
  Freeze freeze = Freeze::all();
  TrainerOptions trainer;
  std::string text;
};

/// Below so many training records `auto` is a probe: all layers together learn little from them that frozen features do not tell
/// (docs/results.md).
constexpr std::size_t enough_to_train_all = 2000;

/// Brings the model's policy in line with the preset.
Course settle(Model& model, const Splits& data, Preset preset, const TrainerOptions& trainer);

}  // namespace graft::train
