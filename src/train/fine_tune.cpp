#include "graft/train/fine_tune.h"

#include <ostream>

#include "core/table.h"
#include "graft/core/error.h"
#include "graft/core/log.h"
#include "graft/eval/evaluator.h"
#include "graft/train/data_check.h"
#include "train/course.h"
#include "train/preflight.h"
#include "train/probe.h"
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

void warn(FineTuneReport& report, const Model& model, const Splits& data, const FineTuneOptions& options) {
  if (!options.check) return;
  report.warnings = check_data(model, data);
  for (const Finding& finding : model.backbone().findings()) {
    if (model.backbone_trains() && finding.kind == FindingKind::Obstacle)
      report.warnings.push_back({finding.code, finding.message, finding.remedy, finding.place});
  }
  for (const Problem& warning : report.warnings) {
    log(LogLevel::Warning,
        warning.code + ": " + warning.message + (warning.place.empty() ? "" : " (" + warning.place + ")") + " " + warning.remedy);
  }
}

bool resumes(const TrainerOptions& options) { return options.checkpoints.resume && !checkpoints_in(options.checkpoints.folder).empty(); }

}  // namespace

FineTuneReport fine_tune(Model& model, const Splits& data, const FineTuneOptions& options) {
  FineTuneReport report;
  const train::Course course = train::settle(model, data, options.preset, options.trainer);
  report.plan = course.text;
  {
    const train::WithPrecision precision(model, course.trainer.precision);
    train::preflight(model, data);
  }
  warn(report, model, data, options);
  if (course.solves && !(course.steps && resumes(options.trainer))) {
    FineTuneOptions probing = options;
    if (course.steps) probing.callbacks = {std::make_shared<ProgressOnly>(options.callbacks)};
    report.training = train::probe(model, data, probing);
  }
  if (course.steps && !options.stop.stop_requested()) {
    if (model.policy() != course.freeze) model.freeze(course.freeze);
    const Phases before = report.training.phases;
    Trainer trainer(course.trainer);
    for (const auto& callback : options.callbacks) trainer.add(callback);
    report.training = trainer.fit(model, data, options.stop);
    for (const auto& [name, seconds] : before) add_phase(report.training.phases, name == "train" ? "solve" : name, seconds);
  }
  if (!options.evaluate || options.stop.stop_requested()) return report;
  const Data& measured = !data.test.empty() ? data.test : !data.valid.empty() ? data.valid : data.train;
  report.measured_on = !data.test.empty() ? "test" : !data.valid.empty() ? "valid" : "train";
  report.evaluation = Evaluator({.threads = options.trainer.threads, .store = options.trainer.store}).run(model, measured);
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
