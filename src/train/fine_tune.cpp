#include "graft/train/fine_tune.h"

#include <ostream>

#include "core/names.h"
#include "core/table.h"
#include "graft/core/error.h"
#include "graft/core/log.h"
#include "graft/eval/evaluator.h"
#include "graft/train/data_check.h"
#include "train/preflight.h"
#include "train/probe.h"

namespace graft {
namespace {

struct Course {
  bool solve = false;
  std::string text;
};

/// Brings the model's policy in line with the preset.
Course settle(Model& model, Preset preset, const TrainerOptions& trainer) {
  if (preset == Preset::Auto) preset = model.policy() == Freeze::all() ? Preset::Probe : Preset::Full;
  if (preset == Preset::Probe) {
    model.freeze(Freeze::all());
    if (model.head().linear()) return {true, "probe: backbone frozen, its features computed once, the linear head solved to its optimum"};
    return {false, "probe: backbone frozen, its features computed once, the head trained by steps (it is not one linear layer)"};
  }
  if (model.policy() == Freeze::all()) model.freeze(Freeze::none());
  const FreezeTable table = model.freeze_table();
  return {false, "full: " + with_commas(table.trainable()) + " of " + with_commas(table.parameters()) +
                     " backbone parameters train with the head, by steps" +
                     (trainer.store.is_on() && model.is_split() ? "\n" + model.plan().text() : "")};
}

}  // namespace

Preset preset_from(const std::string& name) {
  if (name == "auto") return Preset::Auto;
  if (name == "probe") return Preset::Probe;
  if (name == "full") return Preset::Full;
  const std::vector<std::string> known{"auto", "probe", "full"};
  throw ConfigError({.code = "graft-C020",
                     .message = "[FineTune] a preset of " + quoted_list(known) + " is wanted, got \"" + name + "\".",
                     .remedy = did_you_mean(name, known, "auto is a good start."),
                     .place = ""});
}

FineTuneReport fine_tune(Model& model, const Splits& data, const FineTuneOptions& options) {
  FineTuneReport report;
  const Course plan = settle(model, options.preset, options.trainer);
  report.plan = plan.text;
  train::preflight(model, data);
  if (options.check) report.warnings = check_data(model, data);
  for (const Finding& finding : model.backbone().findings()) {
    if (options.check && model.backbone_trains() && finding.kind == FindingKind::Obstacle)
      report.warnings.push_back({finding.code, finding.message, finding.remedy, finding.place});
  }
  for (const Problem& warning : report.warnings) {
    log(LogLevel::Warning,
        warning.code + ": " + warning.message + (warning.place.empty() ? "" : " (" + warning.place + ")") + " " + warning.remedy);
  }
  if (plan.solve) {
    report.training = train::probe(model, data, options);
  } else {
    Trainer trainer(options.trainer);
    for (const auto& callback : options.callbacks) trainer.add(callback);
    report.training = trainer.fit(model, data, options.stop);
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
