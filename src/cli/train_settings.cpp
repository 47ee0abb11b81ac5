#include "cli/train_settings.h"

#include <concepts>

#include "cli/class_map.h"
#include "cli/data.h"
#include "cli/pictures.h"
#include "core/file.h"
#include "core/names.h"
#include "graft/core/error.h"

namespace graft::cli {
namespace {

/// Calls `visit(name, value, help)` for every setting: the one list that flags, config files and the written config share.
template <class Settings, class Visit>
void for_each(Settings& s, Visit visit) {
  visit(
      "task", s.task,
      "classify, multilabel, regress, pairs (two texts), qa (answers in texts), tokens (labels of words) or detect (objects in pictures); "
      "auto: by the data, and said");
  visit("backbone", s.backbone, "The network to build on: a TorchScript file, what graft import wrote, or a model.pt to go on from");
  visit("tokenizer", s.tokenizer, "vocab.txt or tokenizer.json; default: the one inside the backbone's file");
  visit("constant", s.constant, "NAME=VALUE for other arguments of the network; may be repeated");
  visit("train", s.train,
        "Training data: .csv or .tsv with a header, .jsonl, SQuAD's .json, .conll; of pictures: a folder of class folders, as Pascal VOC's "
        "or COCO's, COCO's .json; their parts for validation and test are used where no flag names others");
  visit("valid", s.valid, "Data that chooses (L2 strength, stopping); default: split off the training data");
  visit("split", s.split,
        "Share of the training data that chooses where --valid is not given; -1: 0.1, or none for a probe with --test, which chooses by "
        "folds");
  visit("test", s.test, "Data that is only reported on");
  visit("text", s.text, "Column of the text, or several: subject,body, or of the path of a picture; default: by its name, and said");
  visit("label", s.label, "Column of the class or number, or several; default: by its name, and said");
  visit("label-separator", s.label_separator, "What stands between the labels of one record (multilabel)");
  visit("class-map", s.class_map, class_map_help);
  visit("token-column", s.token_column, token_column_help);
  visit("tag-column", s.tag_column, tag_column_help);
  visit("strict-tags", s.strict_tags, strict_tags_help);
  visit("max-length", s.max_length, "Longer texts are cut to this many tokens, or to windows of them (qa, tokens); 0: 256, or 384 for qa");
  visit("stride", s.stride, "Tokens that neighbouring windows of a text share (qa); 0: 128, or a third of shorter windows");
  visit("image-size", s.image_size, "Pixels that the network sees of a picture: 224, or 416x320 (width x height); default: the backbone's");
  visit("fit", s.fit,
        "How pictures get that size: crop (the middle), letterbox (all, framed), stretch; auto: crop, or letterbox to detect");
  visit("augment", s.augment,
        "How training pictures vary, between commas: " + names_of_augmentations() + "; none; auto: flip, or none for a solved head");
  visit("mixup", s.mixup, "Mix training pictures and their answers, in shares by Beta(ALPHA, ALPHA); 0.2 is usual, 0: off");
  visit("cutmix", s.cutmix, "Put a rectangle of another picture in, of a size by Beta(ALPHA, ALPHA); 1 is usual, 0: off");
  visit(
      "views", s.views,
      "Where training pictures vary and the backbone is frozen: how many variants of each are computed once and used in turn; 0: a new one "
      "in every epoch");
  visit("preset", s.preset,
        "auto (by the number of records), probe (backbone frozen, head solved), finetune (probe, then all layers), full (all layers by "
        "steps) or "
        "gradual (layer by layer from the top)");
  visit("freeze", s.freeze, "all, none, up_to=GROUP or PATTERN[,PATTERN]; overrides the preset's");
  visit("store", s.store,
        "What the frozen part gives is computed once and kept: auto in memory, DIR also for later runs; off: it runs in every epoch");
  visit("store-budget", s.store_budget, "Memory for it, as 500MB or 2GB; what is beyond lies in temporary files");
  visit("prefix", s.prefix, "The frozen part: fast (the processor's best kernels, equal to 1e-5) or exact (the network's own operators)");
  visit("precision", s.precision,
        "Of training: auto (the frozen part in bf16 where the processor is fast at it), fp32, bf16 (steps too), fp16 (GPUs)");
  visit("epochs", s.epochs, "Passes over the data; 0: 3 if the backbone trains (gradual: 4), else 30");
  visit("batch", s.batch, "Records of a batch; 0: 32, or as few as 8 where a run would have less than 300 steps");
  visit("accumulate", s.accumulate, "Batches of a step, whose gradients are those of one large batch");
  visit("optimizer", s.optimizer, "adamw, sgd (Nesterov momentum 0.9) or lion");
  visit("lr", s.lr, "Learning rate of the head");
  visit("backbone-lr", s.backbone_lr, "The backbone's share of it; -1: the preset's, mostly 0.1");
  visit("layer-decay", s.layer_decay, "Each layer group's share of the rate of the group above it; 0: the preset's");
  visit("weight-decay", s.weight_decay, "Of matrices; biases, norms and embedding tables do not decay");
  visit("schedule", s.schedule, "constant, linear, cosine, polynomial, one-cycle or plateau");
  visit("warmup", s.warmup, "Share of all steps over which the rate rises");
  visit("preview-schedule", s.preview_schedule, "Draw the learning rate over the run that the other flags make, and stop");
  visit("clip", s.clip, "Gradients: norm:LIMIT of all together, values:LIMIT, adaptive:SHARE of the weights, or none");
  visit("ema", s.ema, "Keep an average of the weights with this decay (0.99 to 0.9999); 0: off");
  visit("gradient-checkpointing", s.gradient_checkpointing, "Less memory for more time: compute layers again in the backward pass");
  visit("step-budget", s.step_budget,
        "Memory for steps, as 4GB, or auto: what is free; batches that take more are computed in parts, to the same result. off: as they "
        "are");
  visit("l2-sp", s.l2_sp, "Pull the backbone's weights to where they started, with this strength; 0: off");
  visit("hidden", s.hidden, "Width of a hidden layer in the head; 0: a linear head");
  visit("dropout", s.dropout, "Dropout before the head's last layer");
  visit("label-smoothing", s.label_smoothing, "Share of the target spread over all classes (classify)");
  visit("focal", s.focal, "Focal loss with this gamma, for rare classes; 0: off");
  visit("class-weights", s.class_weights, "none, or balanced: rare classes weigh more in the loss (classify)");
  visit("sampler", s.sampler, "none, or balanced: an epoch draws every class equally often");
  visit("reject-label", s.reject_label,
        "Answer \"none of these\" to what belongs to no class; NAME is the label of such records in the data, if there are any (classify)");
  visit("reject-score", s.reject_score, "What tells them: energy, max_logit or max_softmax");
  visit(
      "reject-recall", s.reject_recall,
      "The threshold accepts this share of the validation records that belong to a class; 0: 0.95 where --reject-label is given, else off");
  visit("reject-precision", s.reject_precision, "Or: of the validation records that it accepts, this share belongs to a class; 0: off");
  visit("best-metric", s.best_metric, "Validation metric whose best epoch is kept");
  visit("target-metric", s.target_metric, "End when it is reached: accuracy=0.93");
  visit("time-limit", s.time_limit, "End after 90s, 10m or 2h of training; with --folds: of each fold");
  visit("patience", s.patience, "Epochs without a better validation metric before the run ends; 0: all epochs");
  visit("folds", s.folds,
        "Cross-validation for small data: train on K-1 parts and measure on the other, K times, without checkpoints and a model; 0: off");
  visit("seed", s.seed, "Seeds splits, order, dropout and initial weights");
  visit("deterministic", s.deterministic, "Take algorithms that repeat to the bit on a GPU as well");
  visit("on-error", s.on_error, "A record that cannot be read: fail, or skip and report");
  visit("limit-steps", s.limit_steps, "For trials: steps of each epoch; 0: all");
  visit("overfit-batch", s.overfit_batch, "For trials: train on the first step's records alone; the loss has to fall to 0");
  visit("device", s.device, "auto, cpu or cuda:N");
  visit("threads", s.threads, "Threads for tensor operators; 0: LibTorch's choice");
  visit("out", s.out, "The run folder to write");
  visit("checkpoint-every", s.checkpoint_every, "Steps (500) or time (90s, 10m, 2h) between checkpoints; off: none");
  visit("keep", s.keep, "Newest checkpoints to keep, beside the best weights");
  visit("resume", s.resume, "auto: continue the run in --out, or start it where there is none");
  visit("tensorboard", s.tensorboard, "Folder for TensorBoard's event files");
  visit("profile", s.profile, "Say where the time of the steps went");
  visit("force", s.force, "Write into an existing run folder");
  visit("check", s.check_only, "Check everything and stop before training");
  visit("trust", s.trust, "Load the backbone without the check of its code (files, network, endless loops)");
}

}  // namespace

void TrainSettings::add_flags(CLI::App& command) {
  for_each(*this, [&]<class T>(const std::string& name, T& value, const std::string& help) {
    if constexpr (std::same_as<T, bool>) {
      command.add_flag("--" + name, value, help);
    } else {
      command.add_option("--" + name, value, help)->capture_default_str();
    }
  });
}

void TrainSettings::read(const std::string& path, const CLI::App& command) {
  const Json config = parse_json(read_file(path), path);
  std::vector<Problem> problems;
  if (!config.is_object())
    throw ConfigError(
        {.code = "graft-C101", .message = "[Config] an object is wanted.", .remedy = "Write {\"train\": ...}.", .place = path});
  std::vector<std::string> known;
  for_each(*this, [&]<class T>(const std::string& name, T& value, const std::string&) {
    known.push_back(name);
    if (!config.contains(name) || command.get_option("--" + name)->count() > 0) return;
    try {
      value = config.at(name).template get<T>();
    } catch (const Json::exception&) {
      problems.push_back({"graft-C102", "[Config] \"" + name + "\" has the wrong type: " + config.at(name).dump() + ".",
                          "graft train --help shows what it takes.", path});
    }
  });
  for (const auto& [key, value] : config.items()) {
    if (std::ranges::find(known, key) == known.end()) {
      problems.push_back({"graft-C103", "[Config] the key \"" + key + "\" is not known.",
                          did_you_mean(key, known, "The keys are the flags of graft train."), path});
    }
  }
  if (!problems.empty()) throw ConfigError(problems);
}

Json TrainSettings::json() const {
  Json config = Json::object();
  for_each(*this, [&](const std::string& name, const auto& value, const std::string&) { config[name] = value; });
  return config;
}

}  // namespace graft::cli
