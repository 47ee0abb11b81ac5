#include "cli/train_data.h"

#include <algorithm>

#include "cli/class_map.h"
#include "cli/data.h"
#include "cli/picture_data.h"
#include "cli/reading.h"
#include "cli/run_folder.h"
#include "cli/task_flags.h"
#include "core/mistakes.h"
#include "core/names.h"
#include "graft/backbone/surgery.h"
#include "graft/core/device.h"
#include "graft/core/error.h"
#include "graft/head/classifier.h"
#include "graph/ends.h"
#include "predict/saved_file.h"
#include "train/course.h"

namespace graft::cli {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

Freeze policy(const TrainSettings& settings) {
  const Preset preset = preset_from(settings.preset);
  if (!settings.freeze.empty()) return Freeze::parse(settings.freeze);
  return preset == Preset::Full ? Freeze::none() : Freeze::all();
}

/// A saved model, with classes of the data that it does not know yet added to its own.
Model continued(const TrainSettings& settings, const Task& task, const Data& train) {
  Model model =
      Model::load(settings.backbone, {.device = settings.device, .prefix = settings.model(Freeze::all()).prefix, .trust = settings.trust});
  std::vector<std::string> wanted = columns_of(model);
  std::vector<std::string> given = task.columns();
  std::ranges::sort(wanted);
  std::ranges::sort(given);
  if (wanted != given) {
    throw ConfigError({.code = "graft-C108",
                       .message = "[graft train] the saved model reads the columns " + quoted_list(wanted) + ", the data gives " +
                                  quoted_list(given) + ".",
                       .remedy = "Name the same columns with --text and --label, or rename them in the file.",
                       .place = settings.backbone});
  }
  model.freeze(policy(settings));
  if (auto* classifier = dynamic_cast<head::Classifier*>(&model.head())) {
    if (const auto rejection = settings.rejection()) classifier->set_rejection(rejection);
  }
  if (auto head = model.head().extended_by(train)) model.replace_head(std::move(head));
  return model;
}

/// The columns of a saved model, and how it rejects, stand in for what no flag names.
bool take_over(TrainSettings& settings, const Backbone& backbone) {
  const auto file = backbone.files().find("graft.json");
  if (file == backbone.files().end()) return false;
  const Json manifest = parse_json(file->second, settings.backbone + ":graft.json");
  const Json& preprocess = manifest.at("preprocess");
  for (const char* column : {"text", "image"}) {
    if (!settings.text.empty() || !preprocess.contains(column)) continue;
    std::vector<std::string> texts{preprocess.at(column)};
    for (const Json& also : preprocess.value("also", Json::array())) texts.push_back(also);
    settings.text = joined(texts);
  }
  if (settings.label.empty()) settings.label = joined(target_columns(manifest.at("head")));
  const Json rejection = manifest.at("head").value("rejection", Json());
  if (!rejection.is_null() && !settings.rejection()) {
    settings.reject_label = rejection.at("label");
    settings.reject_score = rejection.at("score");
    settings.reject_recall = rejection.at("recall");
    settings.reject_precision = rejection.at("precision");
  }
  return true;
}

/// True if the layer has fewer outputs than inputs: a linear head on what it read can say all that one on its outputs could.
bool narrows(const Backbone& backbone, const std::string& weight) {
  for (const auto& [name, tensor] : backbone.network().parameters()) {
    if (name == weight) return tensor.size(0) < tensor.size(1);
  }
  return false;
}

/// What a published classifier reads says more of an input than its scores for classes that nobody asks for. Of networks for texts, which
/// may end in a linear layer of another kind, it has to be the only output, and narrower than what it reads.
bool leave_classifier_out(std::optional<Backbone>& backbone, const Task& task) {
  const auto last = task.kind == Task::Kind::Detect ? std::nullopt : graph::classifier(backbone->network());
  if (!last || (!task.pictures && !(last->is_only_output && narrows(*backbone, last->weight)))) return false;
  backbone = backbone::without_classifier(*backbone);
  return true;
}

struct Files {
  std::optional<Data> train, valid, test;

  /// A set of pictures may name its parts.
  void take(Splits parts) {
    train = std::move(parts.train);
    if (!parts.valid.empty()) valid = std::move(parts.valid);
    if (!parts.test.empty()) test = std::move(parts.test);
  }
  Splits parts() const { return {train.value_or(Data()), valid.value_or(Data()), test.value_or(Data())}; }
};

}  // namespace

Splits with_classes(const TrainSettings& settings, const Task& task, const Splits& data) {
  return checked_pictures(
      settings.class_map.empty() ? data : data::map_classes(data, class_map(settings.class_map, task, settings.label_separator)));
}

TrainInputs load_inputs(TrainSettings& settings) {
  const TrainSettings given = settings;
  Mistakes mistakes;
  mistakes.attempt([&] {
    if (auto problems = settings.problems(); !problems.empty()) throw ConfigError(problems);
    return Trainer(settings.trainer());
  });
  mistakes.attempt([&] { return choose_device(settings.device); });
  mistakes.attempt([&] {
    if (settings.makes_run) RunFolder::check(settings.out, settings.force || settings.resume == "auto");
    return true;
  });
  std::optional<Backbone> backbone;
  if (!settings.backbone.empty()) {
    backbone = mistakes.attempt([&] { return Backbone::load(settings.backbone, settings.backbone_options()); });
    mistakes.attempt(
        [&] { return backbone && predict::reading_manifest(settings.backbone, [&] { return take_over(settings, *backbone); }); });
  }
  Files files;
  WordColumns words{
      .wanted = settings.task == "tokens", .token = settings.token_column, .tag = settings.tag_column, .strict = settings.strict_tags};
  const auto open = [&](const std::string& path, const std::vector<std::string>& columns, Data Splits::*part) {
    return mistakes.attempt([&] { return open_part(path, columns, words, part); });
  };
  if (!settings.train.empty()) {
    if (auto parts = mistakes.attempt([&] { return open_splits(settings.train, {}, words); })) files.take(std::move(*parts));
  }
  std::optional<Task> task;
  if (files.train) task = mistakes.attempt([&] { return choose_task(settings, *files.train); });
  if (task && settings.max_length == 0) settings.max_length = usual_length(*task);
  const std::vector<std::string> columns = task ? task->columns() : std::vector<std::string>();
  words.wanted |= task && task->kind == Task::Kind::Tokens;
  if (!settings.valid.empty()) files.valid = open(settings.valid, columns, &Splits::valid);
  if (!settings.test.empty()) files.test = open(settings.test, columns, &Splits::test);
  std::optional<Splits> parts;
  if (task) parts = mistakes.attempt([&] { return with_classes(settings, *task, files.parts()); });
  const bool goes_on = backbone && backbone->files().contains("graft.json");
  mistakes.attempt([&] {
    if (auto problems = task ? unfit_flags(given, *task, goes_on) : std::vector<Problem>(); !problems.empty()) throw ConfigError(problems);
    return true;
  });
  if (parts && !goes_on) mistakes.attempt([&] { return make_head(*task, settings, parts->train, {}); });
  const bool cut = backbone && task && !goes_on && leave_classifier_out(backbone, *task);
  std::optional<std::shared_ptr<const Preprocess>> preprocess;
  if (backbone && task && !goes_on) preprocess = mistakes.attempt([&] { return make_preprocess(*task, settings, *backbone); });
  const auto freeze = mistakes.attempt([&] { return policy(settings); });
  if (backbone && freeze) mistakes.attempt([&] { return freeze->trainable(*backbone); });
  mistakes.raise();

  settings.task = name_of(*task);
  settings.text = joined(task->texts);
  settings.label = joined(task->targets);
  Splits data = *parts;
  const Data all = data.train;
  if (settings.split < 0) {
    // A probe needs none of the data to choose: it holds out parts in turn. What answers token by token learns from all of it, to the end
    // of its epochs, unless a threshold has to be chosen. Without test data a part is left to measure on.
    const bool probes = settings.preset == "probe" || (settings.preset == "auto" && (settings.freeze.empty() || settings.freeze == "all") &&
                                                       all.size() < train::enough_to_train_all);
    const bool needs_none = answers_by_token(*task) ? task->kind != Task::Kind::Answers || !has_unanswerable(all)
                                                    : probes && settings.hidden == 0 && settings.dropout == 0 && !settings.rejection();
    const bool chooses = settings.patience > 0 || settings.best_metric != "loss" || !settings.target_metric.empty() ||
                         Schedule(Schedule::kind_from(settings.schedule)).needs_validation();
    settings.split = needs_none && !chooses && files.test ? 0.0 : 0.1;
  }
  if (data.valid.empty() && settings.valid.empty() && settings.split > 0 && settings.folds == 0) {
    const Splits divided =
        all.split({.valid = settings.split, .stratify = task->stratify(), .seed = static_cast<std::uint64_t>(settings.seed)});
    data.train = divided.train;
    data.valid = divided.valid;
  }
  if (goes_on) return {std::move(data), *task, false, [settings, task = *task, all] { return continued(settings, task, all); }};
  return {std::move(data), *task, cut, [settings, task = *task, all, backbone = *backbone, reads = *preprocess, freeze = *freeze] {
            return Model(backbone, make_head(task, settings, all, {reads.get(), &backbone}), reads, settings.model(freeze));
          }};
}

}  // namespace graft::cli
