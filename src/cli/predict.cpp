#include <iostream>
#include <iterator>
#include <optional>
#include <utility>

#include "cli/answers.h"
#include "cli/command.h"
#include "cli/data.h"
#include "cli/predict_file.h"
#include "cli/predict_pictures.h"
#include "cli/span_answers.h"
#include "core/file.h"
#include "core/names.h"
#include "core/table.h"
#include "data/file_checks.h"
#include "graft/predict/predictor.h"

namespace graft::cli {
namespace {

struct PredictFlags {
  std::string model, csv, out, tta = "none";
  std::optional<std::string> question, context;
  std::vector<std::string> texts;
  int top = 3;
  double least_score = 0.5;
  bool trust = false;
  MachineFlags machine;
};

/// Answers each line as it comes, so that a person can type and a pipe can stream.
int answer_lines(const Predictor& predictor, const Voice& voice) {
  if (is_terminal(0) && !voice.quiet) std::cerr << "Type a message and press Enter; Ctrl-D ends.\n";
  Json all = Json::array();
  bool is_first = true;
  for (std::string line; std::getline(std::cin, line);) {
    if (std::exchange(is_first, false)) line.erase(0, data::begin_of(line));
    if (line.empty()) continue;
    const Decoded answer = predictor(line);
    if (voice.json) {
      all.push_back(json_of(answer, line));
    } else {
      std::cout << text_of(answer, line) << std::endl;
    }
  }
  if (voice.json) std::cout << json_text(Json::object({{"predictions", all}})) << "\n";
  return 0;
}

int answer_file(const Predictor& predictor, const PredictFlags& flags, const Voice& voice) {
  const Interrupt interrupt;
  ProgressLine line(voice);
  const std::size_t count = predict_file(predictor, flags.csv, flags.out,
                                         {.progress = line.function(), .stop = interrupt.token(), .mirrored = flags.tta == "flip"});
  line.clear();
  if (const int code = Interrupt::exit_code(); code != 0) {
    std::cerr << "interrupted; nothing was written to " << flags.out << "\n";
    return code;
  }
  if (voice.json) {
    std::cout << json_text(Json::object({{"out", flags.out}, {"predictions", count}})) << "\n";
  } else {
    std::cout << flags.out << ": " << with_commas(static_cast<long long>(count)) << " records with their answers\n";
  }
  return 0;
}

int answer_texts(const Predictor& predictor, const PredictFlags& flags, const Voice& voice) {
  ProgressLine line(voice);
  const std::vector<Decoded> answers = predictor.batch(flags.texts, {.progress = line.function()});
  line.clear();
  Json all = Json::array();
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (voice.json) {
      all.push_back(json_of(answers[i], flags.texts[i]));
    } else {
      const std::string asked = answers[i].tags.empty() ? "  <- " + shortened(flags.texts[i], 60) : "";
      std::cout << text_of(answers[i], flags.texts[i]) << asked << "\n";
    }
  }
  if (voice.json) std::cout << json_text(Json::object({{"predictions", all}})) << "\n";
  return 0;
}

/// The answer to a question in a file, or in what stdin gives.
int answer_question(const Predictor& predictor, const PredictFlags& flags, const Voice& voice) {
  const std::string& path = *flags.context;
  std::string context = path == "-" ? std::string(std::istreambuf_iterator<char>(std::cin), {}) : read_file(path);
  data::require_clean_utf8(context, path, "graft predict");
  context.erase(0, data::begin_of(context));
  if (context.find_first_not_of(" \t\r\n") == std::string::npos) {
    throw DataError({.code = "graft-D033",
                     .message = "[graft predict] a text that may answer the question is wanted, it is empty.",
                     .remedy = "Name a file that holds it, or - to read it from stdin.",
                     .place = path});
  }
  Record record{{{"question", *flags.question}, {"context", context}}, path};
  const Decoded answer = predictor(record);
  if (voice.json) {
    std::cout << json_text(Json::object({{"predictions", Json::array({json_of(answer, context)})}})) << "\n";
    return 0;
  }
  if (answer.rejected) {
    std::cout << fixed(answer.score, 2) << " no answer\n";
    return 0;
  }
  std::cout << text_of(answer, context) << "\n     " << span_in_context(answer, context, takes_colours(1)) << "\n";
  return 0;
}

[[noreturn]] void refuse_output() {
  throw ConfigError({.code = "graft-C100",
                     .message =
                         "[graft predict] --csv IN and --out OUT belong together, and texts are another way of asking; pictures take "
                         "--out for a folder.",
                     .remedy = "For instance: graft predict run/model.pt --csv new.csv --out answers.csv",
                     .place = ""});
}

void check(const PredictFlags& flags) {
  if (flags.question.has_value() != flags.context.has_value()) {
    throw ConfigError({.code = "graft-C100",
                       .message = "[graft predict] --question and --context belong together: what is asked, and the text that may answer.",
                       .remedy = "For instance: graft predict run/model.pt --question \"how is it reset?\" --context manual.txt",
                       .place = ""});
  }
  if (flags.question && flags.question->find_first_not_of(" \t\r\n") == std::string::npos) {
    throw ConfigError({.code = "graft-C100",
                       .message = "[graft predict] a question is wanted with --question, it is empty.",
                       .remedy = "Write what is asked between quotes.",
                       .place = ""});
  }
  const bool is_whole = flags.csv.empty() ? flags.out.empty() || !flags.texts.empty() : !flags.out.empty() && flags.texts.empty();
  if (!is_whole) refuse_output();
}

int run(const PredictFlags& flags, const Voice& voice) {
  check(flags);
  start_runtime(flags.machine.threads);
  const Predictor predictor = Predictor::load(flags.model, {.device = flags.machine.device, .trust = flags.trust, .top = flags.top});
  if (flags.csv.empty() && !flags.out.empty() && !predictor.reads_pictures()) refuse_output();
  if (flags.tta == "flip" && !predictor.reads_pictures()) {
    throw ConfigError({.code = "graft-C116",
                       .message = "[graft predict] a model that reads pictures is wanted for --tta flip.",
                       .remedy = "Leave it out.",
                       .place = flags.model});
  }
  if (flags.question) return answer_question(predictor, flags, voice);
  if (predictor.reads_pictures() && flags.csv.empty())
    return predict_pictures(predictor, {flags.texts, flags.out, flags.least_score, flags.tta == "flip"}, voice);
  if (!flags.csv.empty()) return answer_file(predictor, flags, voice);
  if (flags.texts == std::vector<std::string>{"-"} || flags.texts.empty()) return answer_lines(predictor, voice);
  return answer_texts(predictor, flags, voice);
}

}  // namespace

Run add_predict(CLI::App& app, Voice& voice) {
  auto flags = std::make_shared<PredictFlags>();
  CLI::App* command = app.add_subcommand("predict", "Answers of a saved model");
  command->footer(
      "Examples: graft predict run/model.pt \"where is my parcel?\"\n          cat messages.txt | graft predict run/model.pt -\n"
      "          graft predict run/model.pt --csv new.csv --out answers.csv\n"
      "          graft predict run/model.pt --question \"how is it reset?\" --context manual.txt\n"
      "          graft predict run/model.pt pictures/ --out found");
  command->add_option("MODEL", flags->model, "A model saved by graft")->required();
  command->add_option("INPUT", flags->texts, "Texts, or pictures and folders of them; - or nothing: lines from stdin");
  command->add_option("--csv", flags->csv, "A .csv, .tsv or .jsonl file to answer, record by record");
  command->add_option("--question", flags->question, "A question, for a model that finds answers in texts");
  command->add_option("--context", flags->context, "The file with the text that answers it; -: stdin");
  command->add_option("--out", flags->out,
                      "The file to write: that of --csv with columns prediction and score (and rejected, where the model can; spans, JSON "
                      "with offsets, of labels of words); of pictures, the "
                      "folder for copies with what was found drawn in, and predictions.json");
  command->add_option("--min-score", flags->least_score, "Objects in pictures that are less sure are not shown")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  add_tta(*command, flags->tta);
  command->add_option("--top", flags->top, "How many of the best answers to show")->capture_default_str()->check(CLI::PositiveNumber);
  command->add_flag("--trust", flags->trust, "Load the model without the check of its code");
  flags->machine.add_flags(*command);
  return [flags, &voice] { return run(*flags, voice); };
}

}  // namespace graft::cli
