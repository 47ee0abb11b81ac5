#include <algorithm>
#include <exception>
#include <iostream>

#include "cli/command.h"
#include "cli/cross_validation.h"
#include "cli/data.h"
#include "cli/drawn_schedule.h"
#include "cli/finished_run.h"
#include "cli/run_folder.h"
#include "cli/train_data.h"
#include "cli/train_report.h"
#include "core/names.h"
#include "core/stopwatch.h"
#include "core/warning.h"
#include "graft/core/device.h"
#include "graft/core/log.h"
#include "graft/eval/evaluator.h"
#include "graft/train/data_check.h"
#include "train/readable.h"
#include "train/rejection.h"
#include "train/tune.h"
#include "train/with_precision.h"

namespace graft::cli {
namespace {

const char* measured_on(const Splits& data) { return !data.test.empty() ? "test" : !data.valid.empty() ? "valid" : "train"; }

/// What is measured at the end: the saved file, loaded again, on test data where given.
EvalReport measure(const TrainSettings& settings, const Splits& data, const std::string& file, ProgressLine& line,
                   const FeatureStore& store, const Interrupt& interrupt) {
  Model saved = Model::load(file, {.device = settings.device, .prefix = settings.model(Freeze::all()).prefix, .trust = settings.trust});
  return Evaluator({.progress = line.function(), .store = store}).run(saved, measured_part(data), interrupt.token());
}

void print_plan(const TrainSettings& settings, const TrainInputs& inputs) {
  const auto count = [](const Data& data) { return with_commas(static_cast<long long>(data.size())); };
  std::cerr << settings.train << ": " << count(inputs.data.train) << " records train, " << count(inputs.data.valid) << " choose, "
            << count(inputs.data.test) << " test; " << (inputs.task.pictures ? "pictures " : "text ") << quoted_list(inputs.task.texts)
            << "\n"
            << "learns " << what_it_learns(inputs.task) << " from " << quoted_list(inputs.task.targets) << ", as " << inputs.task.why
            << "\n"
            << (inputs.task.kind == Task::Kind::Tokens ? "a word is read off its first token, further ones count as nothing\n" : "")
            << (inputs.classifier_left_out ? "the network's own classifier is left out: the head reads what it read\n" : "") << "on "
            << choose_device(settings.device).reason << "\n";
}

void start_log(const RunFolder& folder, const Voice& voice) {
  set_log_sink([console = console_log(voice.verbose ? LogLevel::Debug : LogLevel::Warning), file = file_log(folder.file("log.txt"))](
                   LogLevel level, std::string_view text) {
    console(level, text);
    file(level, text);
  });
}

/// Prints, and keeps in the run folder, what is known of a run that was interrupted. The model is saved.
int end_interrupted(const FineTuneReport& report, const RunFolder& folder, const Voice& voice, bool can_resume) {
  const Json result = interrupted_json(report, folder.file("model.pt"));
  folder.write("report.json", result);
  if (voice.json) {
    std::cout << json_text(result) << "\n";
  } else {
    std::cout << report.plan << "\nbest so far: " << best_so_far(report.training) << std::endl;
  }
  std::cerr << "interrupted; the best weights so far are in " << folder.file("model.pt")
            << (can_resume ? "; the same command with --resume auto goes on" : "") << "\n";
  return Interrupt::exit_code();
}

/// Keeps in the run folder why a run failed, and says what is left of it.
void tell_failed(const std::exception& error, const RunFolder& folder, const std::string& checkpoints, ProgressLine& line) {
  line.clear();
  file_log(folder.file("log.txt"))(LogLevel::Warning, error.what());
  if (!checkpoints_in(checkpoints).empty())
    std::cerr << "what was reached is in " << checkpoints << "; the same command with --resume auto goes on from there\n";
}

/// What to ask the model next.
std::string next_input(const Task& task) {
  if (task.pictures) return " PICTURES --out FOUND";
  return task.texts.size() == 1 ? " \"a text of yours\"" : " --csv NEW.csv --out ANSWERS.csv";
}

int run(TrainSettings settings, const Voice& voice) {
  if (!settings.check_only && settings.resume == "auto" && RunFolder::is_finished(settings.out)) return tell_finished(settings, voice);
  start_runtime(std::max(settings.threads, 0));
  const Interrupt interrupt;
  const Stopwatch loading;
  TrainInputs inputs = load_inputs(settings);
  Model model = inputs.make_model();
  const auto left_out = train::leave_out_of_scope(model.head(), inputs.data.train);
  if (left_out) warn(*left_out);
  TrainerOptions trainer = settings.trainer();
  train::Readable readable = train::readable(model, inputs.data.train, trainer);
  inputs.data.train = readable.data;
  if (settings.sampler == "balanced") trainer.sampler = Sampler::balanced(inputs.data.train, inputs.task.targets.front());
  FineTuneOptions tuning{.preset = preset_from(settings.preset),
                         .trainer = trainer,
                         .evaluate = false,
                         .callbacks = settings.stops(),
                         .stop = interrupt.token()};
  const train::Course course = train::ready(model, inputs.data, tuning);
  if (!voice.quiet) print_plan(settings, inputs);
  const double load_seconds = loading.seconds();
  if (settings.check_only) {
    std::ranges::for_each(check_data(model, inputs.data), warn);
    std::cout << (voice.json ? "{\"checked\": true}" : "everything fits; leave --check out to train") << "\n";
    return 0;
  }

  if (settings.preview_schedule) return draw_schedule(course, model, inputs.data.train.size());

  const RunFolder folder(settings.out, settings.force);
  const bool goes_on = trainer.checkpoints.resume && !checkpoints_in(trainer.checkpoints.folder).empty();
  if (!goes_on) folder.write("config.json", settings.json());  // another run than the one begun is refused
  start_log(folder, voice);
  const auto line = std::make_shared<ProgressLine>(voice);
  tuning.callbacks = settings.callbacks();
  tuning.callbacks.push_back(line);
  FineTuneReport report;
  try {
    report = train::tune(model, inputs.data, tuning, course);
  } catch (const std::exception& error) {
    tell_failed(error, folder, trainer.checkpoints.folder, *line);
    throw;
  }
  train::add(report.training.skipped, readable.skipped);
  line->clear();
  if (left_out) report.warnings.insert(report.warnings.begin(), *left_out);
  report.training.phases.insert(report.training.phases.begin(), {"load", load_seconds});
  log(LogLevel::Info, report.plan + "; ended: " + report.training.ended);
  const bool can_resume = Interrupt::exit_code() != 0 && !checkpoints_in(trainer.checkpoints.folder).empty();
  if (report.training.history.empty()) {
    set_log_sink(console_log(LogLevel::Warning));
    if (!can_resume) folder.discard();
    std::cerr << (can_resume
                      ? "interrupted; the same command with --resume auto goes on from the checkpoint in " + trainer.checkpoints.folder
                      : std::string("interrupted before anything was learned; nothing was saved"))
              << "\n";
    return Interrupt::exit_code();
  }

  const Stopwatch saving;
  const std::string file = folder.file("model.pt");
  model.save(file);
  add_phase(report.training.phases, "save", saving.seconds());
  if (Interrupt::exit_code() != 0) return end_interrupted(report, folder, voice, can_resume);
  const EvalReport found = measure(settings, inputs.data, file, *line, trainer.store, interrupt);
  line->clear();
  if (Interrupt::exit_code() != 0) return end_interrupted(report, folder, voice, can_resume);
  add_phase(report.training.phases, "evaluate", found.seconds);
  const Json result = finished_json(report, found, measured_on(inputs.data), file);
  folder.write("report.json", result);
  folder.forget_checkpoints();
  if (voice.json) {
    std::cout << json_text(result) << "\n";
    return 0;
  }
  std::cout << text_of(report, model) << (settings.profile ? profile_text(report.training) : "") << "\nOn " << measured_on(inputs.data)
            << " data, measured on " << file << "\n"
            << found << "\nnext: graft predict " << file << next_input(inputs.task) << "\n      graft evaluate " << file << " --data "
            << (inputs.task.pictures ? "OTHER" : "OTHER.csv") << "\n";
  return 0;
}

}  // namespace

Run add_train(CLI::App& app, Voice& voice) {
  auto settings = std::make_shared<TrainSettings>();
  auto config = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("train", "Fine-tune a backbone on your data; writes a run folder");
  command->footer("Example: graft train --backbone minilm.pt --train tickets.csv --text message --label queue --out run");
  command->add_option("CONFIG", *config, "A JSON file whose keys are these flags' names; flags win");
  settings->add_flags(*command);
  return [settings, config, command, &voice] {
    if (!config->empty()) settings->read(*config, *command);
    return settings->folds > 0 ? cross_validate(*settings, voice) : run(*settings, voice);
  };
}

}  // namespace graft::cli
