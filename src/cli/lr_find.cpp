#include <algorithm>
#include <cctype>
#include <iostream>

#include "cli/command.h"
#include "cli/data.h"
#include "cli/train_data.h"
#include "core/file.h"
#include "graft/train/lr_finder.h"
#include "train/course.h"
#include "train/lr_picture.h"
#include "train/preflight.h"
#include "train/probe.h"
#include "train/readable.h"
#include "train/rejection.h"

namespace graft::cli {
namespace {

struct LrFindSettings {
  TrainSettings train;
  std::string config;
  std::string picture = "lr-find.svg";
  LrFinderOptions finder;
};

/// As a shell reads it back.
std::string quoted(const std::string& word) {
  const auto is_plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("_./:=,+-@%").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::ranges::all_of(word, is_plain)) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

/// The command that trains with this rate: the flags that were given, less those that train does not have.
std::string next_command(const CLI::App& command, double rate) {
  std::string text = "graft train";
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_lnames().empty() ? "" : option->get_lnames().front();
    if (option->count() == 0 || name == "lr" || name == "picture" || name == "lowest" || name == "highest" || name == "steps") continue;
    const bool is_flag = option->get_items_expected_max() == 0;
    for (const std::string& value : option->results())
      text += (name.empty() ? "" : " --" + name) + (is_flag ? value == "true" ? "" : "=" + value : " " + quoted(value));
  }
  return text + " --lr " + train::rate_text(rate);
}

/// Brings the model to where the steps of the run would begin. The run's options.
TrainerOptions begin_steps(Model& model, const Splits& data, const TrainSettings& settings, const TrainerOptions& trainer,
                           std::string& plan, const std::shared_ptr<ProgressLine>& line, const std::stop_token& stop) {
  const train::Course course = train::settle(model, data, preset_from(settings.preset), trainer);
  plan = course.text;
  if (!course.steps) {
    throw ConfigError({.code = "graft-C104",
                       .message = "[graft lr-find] there is no rate to find: " + course.text + ".",
                       .remedy = "Leave --lr out of graft train; to train by steps, take --preset full or finetune, or a hidden layer "
                                 "in the head (--hidden 64).",
                       .place = ""});
  }
  if (course.solves) train::probe(model, data, {.trainer = trainer, .callbacks = {line}, .stop = stop});
  if (model.policy() != course.freeze) model.freeze(course.freeze);
  // All layers decide which rate is too much.
  if (!course.trainer.unfreeze.empty()) model.freeze(course.trainer.unfreeze.back().freeze);
  return course.trainer;
}

/// From the rates of the head to what --lr is to be for them; a preset may step its head at a share of it.
void scale(LrFinderReport& report, double factor) {
  for (double& rate : report.rates) rate *= factor;
  for (std::optional<double>* rate : {&report.suggestion, &report.steepest}) {
    if (*rate) **rate *= factor;
  }
}

int run(LrFindSettings settings, const CLI::App& command, const Voice& voice) {
  start_runtime(std::max(settings.train.threads, 0));
  const Interrupt interrupt;
  settings.train.makes_run = false;
  settings.train.folds = 0;
  require_writable(settings.picture);
  TrainInputs inputs = load_inputs(settings.train);
  Model model = inputs.make_model();
  train::leave_out_of_scope(model.head(), inputs.data.train);
  TrainerOptions trainer = settings.train.trainer();
  inputs.data.train = train::readable(model, inputs.data.train, trainer).data;
  train::preflight(model, inputs.data);
  if (settings.train.sampler == "balanced") trainer.sampler = Sampler::balanced(inputs.data.train, inputs.task.targets.front());

  const auto line = std::make_shared<ProgressLine>(voice);
  std::string plan;
  const TrainerOptions options = begin_steps(model, inputs.data, settings.train, trainer, plan, line, interrupt.token());
  const double share = options.lr / trainer.lr;
  LrFinderOptions finder = settings.finder;
  finder.lowest *= share;
  finder.highest *= share;
  finder.progress = line->function();
  finder.stop = interrupt.token();
  LrFinderReport report = find_lr(model, inputs.data, options, finder);
  line->clear();
  if (Interrupt::exit_code() != 0) {
    std::cerr << "interrupted; nothing was written\n";
    return Interrupt::exit_code();
  }
  scale(report, 1 / share);
  write_file_atomically(settings.picture, report.svg());
  const std::string next = report.suggestion ? next_command(command, *report.suggestion) : "";
  if (voice.json) {
    Json result = report.json();
    result["picture"] = settings.picture;
    result["next"] = next;
    std::cout << json_text(result) << "\n";
  } else {
    std::cout << plan << "\n" << report.text() << "picture: " << settings.picture << "\n";
    if (!next.empty()) std::cout << "\nnext: " << next << "\n";
  }
  return report.suggestion ? 0 : 1;
}

}  // namespace

Run add_lr_find(CLI::App& app, Voice& voice) {
  auto settings = std::make_shared<LrFindSettings>();
  CLI::App* command = app.add_subcommand("lr-find", "Try rising learning rates on your data and suggest one; draws the loss over them");
  command->footer(
      "Takes the flags of graft train. Nothing of the model is kept.\n"
      "Example: graft lr-find --backbone minilm.pt --train tickets.csv --text message --label queue --preset full");
  command->add_option("CONFIG", settings->config, "A JSON file whose keys are the names of the flags of graft train; flags win");
  settings->train.add_flags(*command);
  command->add_option("--picture", settings->picture, "The picture to write, an SVG file")->capture_default_str();
  command->add_option("--lowest", settings->finder.lowest, "The rate of the first step")->capture_default_str();
  command->add_option("--highest", settings->finder.highest, "The rate of the last step")->capture_default_str();
  command->add_option("--steps", settings->finder.steps, "Steps, each at a larger rate")->capture_default_str();
  return [settings, command, &voice] {
    if (!settings->config.empty()) settings->train.read(settings->config, *command);
    return run(*settings, *command, voice);
  };
}

}  // namespace graft::cli
