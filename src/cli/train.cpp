#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <iostream>

#include "cli/command.h"
#include "cli/data.h"
#include "cli/run_folder.h"
#include "cli/train_settings.h"
#include "core/names.h"
#include "core/stopwatch.h"
#include "core/table.h"
#include "graft/core/device.h"
#include "graft/core/log.h"
#include "graft/eval/evaluator.h"
#include "graft/head/classifier.h"
#include "graft/text/tokenizer.h"

namespace graft::cli {
namespace {

constexpr std::array<std::string_view, 8> text_names{"text", "message", "sentence", "utterance", "content", "body", "comment", "review"};
constexpr std::array<std::string_view, 8> label_names{"label", "category", "class", "intent", "queue", "target", "topic", "sentiment"};

/// The column that the flag names, or the one whose name says what it is.
std::string column(const std::string& given, std::span<const std::string_view> usual, const Data& data, const std::string& flag,
                   const std::string& file) {
  if (!given.empty()) return given;
  const Record first = data.get(0);
  for (const std::string_view name : usual) {
    if (first.has(std::string(name))) return std::string(name);
  }
  std::vector<std::string> names;
  for (const auto& [name, value] : first.values) names.push_back(name);
  throw DataError({.code = "graft-D021",
                   .message = "[graft train] no column is called like a " + flag + "; the file has: " + quoted_list(names) + ".",
                   .remedy = "Name it with --" + flag + " COLUMN.",
                   .place = file});
}

text::Tokenizer tokenizer(const TrainSettings& settings, const Backbone& backbone) {
  const text::TokenizerOptions options{.text = settings.text, .max_length = settings.max_length};
  if (!settings.tokenizer.empty()) return text::Tokenizer::load(settings.tokenizer, options);
  const auto inside = backbone.files().find("tokenizer.json");
  if (inside != backbone.files().end())
    return text::Tokenizer(text::WordPiece::from_json(inside->second, settings.backbone + ":tokenizer.json"), options);
  throw ConfigError({.code = "graft-C106",
                     .message = "[graft train] a tokenizer is wanted; the backbone's file holds none.",
                     .remedy = "Name the vocab.txt or tokenizer.json that was published with it with --tokenizer.",
                     .place = settings.backbone});
}

Splits load_data(TrainSettings& settings) {
  const Data all = open_data(settings.train, {});
  settings.text = column(settings.text, text_names, all, "text", settings.train);
  settings.label = column(settings.label, label_names, all, "label", settings.train);
  const std::vector<std::string> columns{settings.text, settings.label};
  open_data(settings.train, columns);  // names a missing column
  Splits data{all, {}, settings.test.empty() ? Data() : open_data(settings.test, columns)};
  if (!settings.valid.empty()) {
    data.valid = open_data(settings.valid, columns);
  } else if (settings.split > 0) {
    const Splits parts =
        all.split({.valid = settings.split, .stratify = settings.label, .seed = static_cast<std::uint64_t>(settings.seed)});
    data.train = parts.train;
    data.valid = parts.valid;
  }
  return data;
}

double peak_memory_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// What is measured at the end: the saved file, loaded again, on test data where given.
EvalReport measure(const TrainSettings& settings, const Splits& data, const std::string& file, ProgressLine& line,
                   const Interrupt& interrupt) {
  Model saved = Model::load(file, {.device = settings.device});
  const Data& measured = !data.test.empty() ? data.test : !data.valid.empty() ? data.valid : data.train;
  return Evaluator({.progress = line.function()}).run(saved, measured, interrupt.token());
}

void print_plan(const TrainSettings& settings, const Splits& data, std::size_t labels, const DeviceChoice& device) {
  std::cerr << settings.train << ": " << data.train.size() << " records train, " << data.valid.size() << " choose, " << data.test.size()
            << " test; text \"" << settings.text << "\", label \"" << settings.label << "\", " << labels << " classes\n"
            << "on " << device.reason << "\n";
}

int run(TrainSettings settings, const Voice& voice) {
  settings.check();
  start_runtime(settings.threads);
  const Interrupt interrupt;
  const DeviceChoice device = choose_device(settings.device);
  const Preset preset = preset_from(settings.preset);

  const Stopwatch loading;
  const Splits data = load_data(settings);
  const std::vector<std::string> labels = data.labels(settings.label);
  Backbone backbone = Backbone::load(settings.backbone, settings.backbone_options());
  text::Tokenizer words = tokenizer(settings, backbone);
  Freeze policy = preset == Preset::Full ? Freeze::none() : Freeze::all();
  if (!settings.freeze.empty()) policy = Freeze::parse(settings.freeze);
  Model model(std::move(backbone),
              head::Classifier({.label = settings.label,
                                .labels = labels,
                                .hidden = settings.hidden,
                                .dropout = settings.dropout,
                                .seed = static_cast<std::uint64_t>(settings.seed)}),
              std::move(words), {.freeze = policy, .device = settings.device});
  Phases phases{{"load", loading.seconds()}};

  const RunFolder folder(settings.out, settings.force);
  folder.write("config.json", settings.json());
  set_log_sink([console = console_log(voice.verbose ? LogLevel::Debug : LogLevel::Warning), file = file_log(folder.file("log.txt"))](
                   LogLevel level, std::string_view text) {
    console(level, text);
    file(level, text);
  });
  if (!voice.quiet) print_plan(settings, data, labels.size(), device);

  const auto line = std::make_shared<ProgressLine>(voice);
  const FineTuneReport report = fine_tune(model, data,
                                          {.preset = preset,
                                           .trainer = settings.trainer(),
                                           .evaluate = false,
                                           .callbacks = {line, std::make_shared<HistoryFile>(folder.file("history.jsonl"))},
                                           .stop = interrupt.token()});
  line->clear();
  for (const auto& [name, seconds] : report.training.phases) add_phase(phases, name, seconds);
  log(LogLevel::Info, report.plan + "; ended: " + report.training.ended);
  if (report.training.history.empty()) {
    std::cerr << "interrupted before anything was learned; nothing was saved\n";
    return Interrupt::exit_code();
  }

  const Stopwatch saving;
  const std::string file = folder.file("model.pt");
  model.save(file);
  add_phase(phases, "save", saving.seconds());
  if (const int code = Interrupt::exit_code(); code != 0) {
    std::cerr << "interrupted; the best weights so far are in " << file << "\n";
    return code;
  }

  const EvalReport found = measure(settings, data, file, *line, interrupt);
  line->clear();
  add_phase(phases, "evaluate", found.seconds);
  double working = 0;
  for (const auto& [name, seconds] : report.training.phases) working += name == "evaluate" ? 0 : seconds;
  std::int64_t samples = report.training.history.front().iterations ? report.training.history.front().samples : 0;
  if (samples == 0) {
    for (const EpochRecord& epoch : report.training.history) samples += epoch.samples;
  }
  Json result = found.json();
  result["metrics_on"] = !data.test.empty() ? "test" : !data.valid.empty() ? "valid" : "train";
  result["phases"] = Json::object();
  for (const auto& [name, seconds] : phases) result["phases"][name] = seconds;
  result["plan"] = report.plan;
  result["samples_per_second"] = static_cast<double>(samples) / std::max(working, 1e-9);
  result["peak_memory_mb"] = peak_memory_mb();
  result["model"] = file;
  folder.write("report.json", result);
  if (voice.json) {
    std::cout << result.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
    return 0;
  }
  std::cout << report.plan << "\n" << model.freeze_table().text();
  if (const auto& best =
          report.training.history[static_cast<std::size_t>(report.training.best_epoch > 0 ? report.training.best_epoch - 1 : 0)];
      best.l2) {
    std::cout << "L2 strength " << *best.l2 << " chosen of " << report.training.history.size() << " on validation data\n";
  }
  for (const auto& [name, seconds] : phases)
    std::cout << "  " << name << std::string(10 - std::min<std::size_t>(9, name.size()), ' ') << fixed(seconds, 1) << " s\n";
  std::cout << "\nOn " << result["metrics_on"].get<std::string>() << " data, measured on " << file << "\n"
            << found << "\nnext: graft predict " << file << " \"a text of yours\"\n      graft evaluate " << file << " --data OTHER.csv\n";
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
    return run(*settings, voice);
  };
}

}  // namespace graft::cli
