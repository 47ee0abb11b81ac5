#include <algorithm>

#include "cli/task.h"
#include "core/names.h"
#include "graft/backbone/pyramid.h"
#include "graft/core/error.h"
#include "graft/head/class_weights.h"
#include "graft/head/classifier.h"
#include "graft/head/detector.h"
#include "graft/head/multilabel.h"
#include "graft/head/question_answering.h"
#include "graft/head/regressor.h"
#include "graft/head/rejection.h"
#include "graft/head/token_classifier.h"
#include "graft/text/question_windows.h"

namespace graft::cli {
namespace {

std::unique_ptr<Head> make_detector(const TrainSettings& settings, const Data& train, const Reads& reads) {
  head::DetectorOptions options{.labels = head::Detector::labels_of(train), .seed = static_cast<std::uint64_t>(settings.seed)};
  if (reads.backbone == nullptr) {
    options.levels = {"output"};
    return std::make_unique<head::Detector>(std::move(options));
  }
  options.levels = backbone::pyramid_levels(*reads.backbone, *reads.preprocess);
  return std::make_unique<head::Detector>(std::move(options));
}

}  // namespace

std::unique_ptr<Head> make_head(const Task& task, const TrainSettings& settings, const Data& train, const Reads& reads) {
  const auto seed = static_cast<std::uint64_t>(settings.seed);
  const std::string& target = task.targets.front();
  switch (task.kind) {
    case Task::Kind::Answers: {
      head::QuestionAnsweringOptions options{.unanswerable = has_unanswerable(train), .seed = seed};
      if (const auto* windows = dynamic_cast<const text::QuestionWindows*>(reads.preprocess)) {
        options.end_token = windows->words().frame().end.value_or(options.end_token);
        options.separators = windows->words().frame().separators;
      }
      return std::make_unique<head::QuestionAnswering>(std::move(options));
    }
    case Task::Kind::Detect:
      return make_detector(settings, train, reads);
    case Task::Kind::Tokens:
      return std::make_unique<head::TokenClassifier>(head::TokenClassifierOptions{.labels = head::TokenClassifier::labels_of(train),
                                                                                  .label_smoothing = settings.label_smoothing,
                                                                                  .focal_gamma = settings.focal,
                                                                                  .seed = seed});
    case Task::Kind::Regress: {
      const auto scale = head::Regressor::scale_of(train, task.targets);
      return std::make_unique<head::Regressor>(head::RegressorOptions{.targets = task.targets,
                                                                      .mean = scale.mean,
                                                                      .scale = scale.scale,
                                                                      .hidden = settings.hidden,
                                                                      .dropout = settings.dropout,
                                                                      .seed = seed});
    }
    case Task::Kind::MultiLabel: {
      head::MultiLabelOptions options{
          .separator = settings.label_separator, .hidden = settings.hidden, .dropout = settings.dropout, .seed = seed};
      options.focal_gamma = settings.focal;
      if (task.targets.size() > 1) {
        options.columns = task.targets;
      } else {
        options.label = target;
        options.labels = head::MultiLabel::labels_of(train, target, settings.label_separator);
      }
      return std::make_unique<head::MultiLabel>(std::move(options));
    }
    case Task::Kind::Classify:
      break;
  }
  const auto rejection = settings.rejection();
  const Data taught = rejection ? head::in_scope(train, target, rejection->label) : train;
  const std::vector<std::string> labels = taught.labels(target);
  if (labels.size() < 2) {
    throw DataError({.code = "graft-D101",
                     .message = "[graft train] at least two classes are wanted in column \"" + target + "\"; all " +
                                std::to_string(taught.size()) + " records have " + quoted_list(labels) + ".",
                     .remedy = "Name the column of the class with --label, or bring records of another class.",
                     .place = settings.train});
  }
  return std::make_unique<head::Classifier>(head::ClassifierOptions{
      .label = target,
      .labels = labels,
      .hidden = settings.hidden,
      .dropout = settings.dropout,
      .unit_length = rejection.has_value(),
      .class_weights = settings.class_weights == "balanced" ? head::balanced_weights(taught, target, labels) : std::vector<double>(),
      .label_smoothing = settings.label_smoothing,
      .focal_gamma = settings.focal,
      .rejection = rejection,
      .seed = seed});
}

}  // namespace graft::cli
