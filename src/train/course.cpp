#include "train/course.h"

#include <algorithm>
#include <set>

#include "core/names.h"
#include "graft/core/error.h"
#include "train/mixtures.h"

namespace graft {

const std::vector<std::string>& preset_names() {
  static const std::vector<std::string> names{"auto", "probe", "finetune", "full", "gradual"};
  return names;
}

Preset preset_from(const std::string& name) {
  const auto found = std::ranges::find(preset_names(), name);
  if (found != preset_names().end()) return static_cast<Preset>(found - preset_names().begin());
  throw ConfigError({.code = "graft-C020",
                     .message = "[FineTune] a preset of " + quoted_list(preset_names()) + " is wanted, got \"" + name + "\".",
                     .remedy = did_you_mean(name, preset_names(), "auto is a good start."),
                     .place = ""});
}

namespace train {
namespace {

// Of `finetune`, whose head is solved when the steps begin.
constexpr double finetune_layer_decay = 0.9;
constexpr double finetune_head_share = 0.3;  // of the head's rate: it has little left to learn
// Of `finetune`, where the head answers token by token.
constexpr double token_backbone_share = 0.2;
constexpr int gradual_epochs = 4;

Preset choose(const Model& model, const Splits& data, const TrainerOptions& trainer, std::string& why) {
  if (model.policy() != Freeze::all()) {
    why = "the freeze policy leaves some of the backbone to train";
    return Preset::Full;
  }
  if (model.freeze_table().parameters() == 0) return Preset::Probe;
  if (mixes(trainer)) {
    why = "mixed pictures are learned by steps";
    return Preset::Finetune;
  }
  if (!model.keeps_rows()) {
    why = "the head answers token by token, for which frozen features are not made";
    return Preset::Finetune;
  }
  const bool enough = data.train.size() >= enough_to_train_all;
  why = with_commas(static_cast<long long>(data.train.size())) + " training records are " +
        (enough ? "enough to train all layers" : "few: frozen features serve them best");
  return enough ? Preset::Finetune : Preset::Probe;
}

std::string trained_text(const Model& model, const TrainerOptions& trainer) {
  const FreezeTable table = model.freeze_table();
  return with_commas(table.trainable()) + " of " + with_commas(table.parameters()) + " backbone parameters train with the head, by steps" +
         (trainer.store.is_on() && model.is_split() ? "\n" + model.plan().text() : "");
}

/// What `last` freezes, and the whole of the groups up to this one.
Freeze frozen_up_to(const LayerGroup& group, const Freeze& last, const std::vector<LayerGroup>& groups) {
  const bool by_patterns = last != Freeze::none() && !last.text().starts_with("up_to=");
  if (!by_patterns) return Freeze::up_to(group.name);
  std::vector<std::string> patterns = split_list(last.text());
  for (const LayerGroup& lower : groups) {
    patterns.insert(patterns.end(), lower.names.begin(), lower.names.end());
    if (&lower == &group) break;
  }
  return Freeze::matching(std::move(patterns));
}

/// The head in the first epoch, and more groups in each further one until all train in the last that `last` lets train.
std::vector<Unfreeze> stages(const Model& model, const Freeze& last, int epochs) {
  const std::vector<LayerGroup>& groups = model.backbone().groups();
  const std::set<std::string> trained = last.trainable(model.backbone());
  std::vector<const LayerGroup*> training;
  for (const LayerGroup& group : groups) {
    if (std::ranges::any_of(group.names, [&](const std::string& name) { return trained.contains(name); })) training.push_back(&group);
  }
  std::vector<Unfreeze> stages{{1, Freeze::all()}};
  for (int epoch = 2; epoch <= epochs; ++epoch) {
    const std::size_t open = (training.size() * static_cast<std::size_t>(epoch - 1) + static_cast<std::size_t>(epochs) - 2) /
                             static_cast<std::size_t>(std::max(1, epochs - 1));
    const Freeze freeze = open >= training.size() ? last : frozen_up_to(*training[training.size() - open - 1], last, groups);
    if (freeze != stages.back().freeze) stages.push_back({epoch, freeze});
  }
  return stages;
}

}  // namespace

Course settle(Model& model, const Splits& data, Preset preset, const TrainerOptions& trainer) {
  Course course{.trainer = trainer, .text = {}};
  std::string why;
  if (preset == Preset::Auto) {
    preset = choose(model, data, trainer, why);
    if (!why.empty()) why = " (" + why + ")";
  }
  course.preset = preset;
  const bool linear = model.head().linear().has_value();
  if (preset == Preset::Probe) {
    if (linear && mixes(trainer)) {
      throw ConfigError({.code = "graft-C115",
                         .message = "[FineTune] mixup and cutmix are for steps; the preset probe solves a linear head.",
                         .remedy = "Leave them at 0, take another preset, or a hidden layer in the head.",
                         .place = ""});
    }
    model.freeze(Freeze::all());
    course.solves = linear;
    course.steps = !linear;
    course.text = "probe" + why + ": backbone frozen, its features computed once, the " +
                  (linear ? "linear head solved to its optimum" : "head trained by steps (it cannot be solved)");
    return course;
  }
  course.steps = true;
  if (preset == Preset::Gradual) {
    if (!course.trainer.epochs) course.trainer.epochs = gradual_epochs;
    const Freeze widest = model.policy() == Freeze::all() ? Freeze::none() : model.policy();
    course.trainer.unfreeze = stages(model, widest, *course.trainer.epochs);
    model.freeze(Freeze::all());
    const int last = course.trainer.unfreeze.back().epoch;
    const std::string most = widest == Freeze::none() ? "all layers" : "all layers that the policy \"" + widest.text() + "\" lets train";
    course.text =
        "gradual" + why + ": " +
        (last == 1 ? std::string("the head alone, as one epoch leaves none to open layers in")
                   : "the head in epoch 1, " + most + " in epoch " + std::to_string(last) + ", more from the top in each epoch between");
    return course;
  }
  if (preset == Preset::Finetune && model.policy() == Freeze::all() && !model.keeps_rows()) {
    // Nothing is solved, and what tokens are to tell lies deeper in the network than what a text is about.
    if (!course.trainer.backbone_lr_ratio) course.trainer.backbone_lr_ratio = token_backbone_share;
  } else if (preset == Preset::Finetune) {
    if (!course.trainer.layer_decay) course.trainer.layer_decay = finetune_layer_decay;
    course.solves = linear;
    if (linear) {
      course.trainer.lr *= finetune_head_share;
      course.trainer.backbone_lr_ratio =
          std::min(1.0, course.trainer.backbone_lr_ratio.value_or(usual_backbone_lr_ratio) / finetune_head_share);
    }
  }
  course.freeze = model.policy() == Freeze::all() ? Freeze::none() : model.policy();
  model.freeze(course.freeze);
  course.text = (preset == Preset::Finetune ? "finetune" + why + ": " + (linear ? "the linear head solved on frozen features; then " : "")
                                            : "full" + why + ": ") +
                trained_text(model, trainer);
  if (course.solves) model.freeze(Freeze::all());
  return course;
}

}  // namespace train
}  // namespace graft
