#include "graft/train/fine_tune.h"

#include <algorithm>
#include <ostream>

#include "core/mistakes.h"
#include "core/stopwatch.h"
#include "core/table.h"
#include "core/warning.h"
#include "graft/core/error.h"
#include "graft/eval/evaluator.h"
#include "graft/train/data_check.h"
#include "head/rejecting.h"
#include "train/answer_threshold.h"
#include "train/keeper.h"
#include "train/mixtures.h"
#include "train/probe.h"
#include "train/readable.h"
#include "train/rejection.h"
#include "train/run.h"
#include "train/tune.h"
#include "train/unused_options.h"
#include "train/usual_batch.h"
#include "train/validation.h"
#include "train/with_precision.h"

namespace graft {
namespace {

/// Lets a phase tell how far it is, and nothing else.
class ProgressOnly final : public Callback {
 public:
  explicit ProgressOnly(std::vector<std::shared_ptr<Callback>> told) : told_(std::move(told)) {}
  void on_progress(const Progress& progress) override {
    for (const auto& callback : told_) callback->on_progress(progress);
  }

 private:
  std::vector<std::shared_ptr<Callback>> told_;
};

std::vector<Problem> suspicions(const Model& model, const Splits& data) {
  std::vector<Problem> found = check_data(model, data);
  for (const Finding& finding : model.backbone().findings()) {
    if (model.backbone_trains() && finding.kind == FindingKind::Obstacle)
      found.push_back({finding.code, finding.message, finding.remedy, finding.place});
  }
  return found;
}

bool resumes(const TrainerOptions& options) { return options.checkpoints.resume && !checkpoints_in(options.checkpoints.folder).empty(); }

}  // namespace

FineTuneReport fine_tune(Model& model, const Splits& data, const FineTuneOptions& options) {
  Data train = data.train;
  const auto left_out = train::leave_out_of_scope(model.head(), train);
  if (left_out) warn(*left_out);
  train::Readable readable = train::readable(model, train, options.trainer);
  const Splits parts{std::move(readable.data), data.valid, data.test};
  FineTuneReport report = train::tune(model, parts, options, train::ready(model, parts, options));
  train::add(report.training.skipped, readable.skipped);
  if (left_out) report.warnings.insert(report.warnings.begin(), *left_out);
  return report;
}

train::Course train::ready(Model& model, const Splits& data, const FineTuneOptions& options) {
  Mistakes mistakes;
  mistakes.attempt([&] { return require_choice(model.head(), data.valid), true; });
  forget_threshold(model.head());
  std::optional<Course> course = mistakes.attempt([&] { return settle(model, data, options.preset, options.trainer); });
  mistakes.attempt([&] { return Trainer(course ? course->trainer : options.trainer); });
  if (!course) mistakes.raise();
  const auto runs = mistakes.attempt([&] {
    const WithPrecision precision(model, course->trainer.precision);
    preflight(model, data);
    return require_mixable(model, data.train, course->trainer), true;
  });
  if (runs && course->steps)
    mistakes.attempt([&] { return Validation(model, data.valid, course->trainer).rehearse(options.callbacks), true; });
  mistakes.raise();
  if (const auto unused = course->steps ? std::nullopt : unused_options(options.trainer)) warn(*unused);
  return std::move(*course);
}

FineTuneReport train::tune(Model& model, const Splits& data, const FineTuneOptions& options, const Course& course) {
  FineTuneReport report;
  report.plan = course.text;
  if (course.steps) const Keeper free_folder(course.trainer.checkpoints);  // what it refuses is told before a head is solved
  if (options.check) {
    report.warnings = suspicions(model, data);
    std::ranges::for_each(report.warnings, warn);
  }
  if (course.solves && !(course.steps && resumes(options.trainer))) {
    FineTuneOptions probing = options;
    if (course.steps) probing.callbacks = {std::make_shared<ProgressOnly>(options.callbacks)};
    report.training = probe(model, data, probing);
  }
  if (course.steps && !options.stop.stop_requested()) {
    if (model.policy() != course.freeze) model.freeze(course.freeze);
    const Phases before = report.training.phases;
    const TrainerOptions steps = with_batch_size(course.trainer, model, data.train.size());
    report.training = Run(model, data, steps, options.callbacks, options.stop, Records::Checked)();
    for (const auto& [name, seconds] : before) add_phase(report.training.phases, name == "train" ? "solve" : name, seconds);
  }
  const EvaluatorOptions measuring{.threads = options.trainer.threads, .store = options.trainer.store};
  // Weights that a stop cut short are kept too, and so need their threshold.
  if (!report.training.history.empty() && head::rejection_of(model.head()) != nullptr) {
    const Stopwatch watch;
    if (const auto missed = choose_threshold(model, data.valid, measuring)) {
      report.warnings.push_back(*missed);
      warn(*missed);
    }
    add_phase(report.training.phases, "threshold", watch.seconds());
  }
  if (!report.training.history.empty()) choose_answer_threshold(model, data.valid, measuring);
  if (!options.evaluate || options.stop.stop_requested()) return report;
  const Data& measured = !data.test.empty() ? data.test : !data.valid.empty() ? data.valid : data.train;
  report.measured_on = !data.test.empty() ? "test" : !data.valid.empty() ? "valid" : "train";
  report.evaluation = Evaluator(measuring).run(model, measured);
  add_phase(report.training.phases, "evaluate", report.evaluation.seconds);
  return report;
}

std::string FineTuneReport::text() const {
  std::string text = plan + "\n";
  for (const auto& [name, seconds] : training.phases)
    text += "  " + name + std::string(name.size() < 10 ? 10 - name.size() : 1, ' ') + fixed(seconds, 2) + " s\n";
  if (!measured_on.empty()) text += "\nOn " + measured_on + " data\n" + evaluation.text();
  return text;
}

std::ostream& operator<<(std::ostream& out, const FineTuneReport& report) { return out << report.text(); }

}  // namespace graft
