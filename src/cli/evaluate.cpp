#include <iostream>
#include <optional>

#include "cli/class_map.h"
#include "cli/command.h"
#include "cli/data.h"
#include "cli/found_objects.h"
#include "cli/picture_data.h"
#include "core/file.h"
#include "core/warning.h"
#include "eval/unknown_tags.h"
#include "graft/core/runtime.h"
#include "graft/eval/evaluator.h"
#include "graft/head/detector.h"
#include "graft/image/pictures.h"

namespace graft::cli {
namespace {

struct EvaluateFlags {
  std::string model, data, class_map, store, out, precision = "fp32", tta = "none";
  double least_score = 0.5;
  WordColumns words;
  bool trust = false;
  MachineFlags machine;
};

/// Pictures with what was found and what there is, where --out asks for them.
class Drawing {
 public:
  /// Throws ConfigError if the model finds no objects in pictures.
  Drawing(const EvaluateFlags& flags, const Model& model, const Data& data) {
    const auto* detector = dynamic_cast<const head::Detector*>(&model.head());
    const auto* pictures = dynamic_cast<const image::Pictures*>(model.preprocess().get());
    if (detector == nullptr || pictures == nullptr) {
      throw ConfigError({.code = "graft-C121",
                         .message = "[graft evaluate] --out draws objects into pictures; this model finds none.",
                         .remedy = "Leave --out out; graft predict MODEL FOLDER --out DIR writes other answers below pictures.",
                         .place = flags.model});
    }
    const std::string& field = pictures->options().image;
    std::vector<std::string> files;
    for (std::size_t i = 0; i < data.size(); ++i) files.push_back(data.get(i).text(field));
    folder_.emplace(flags.out, files, detector->options().labels);
    found_ = std::make_shared<FoundObjects>(field, flags.least_score);
  }

  std::shared_ptr<Metric> metric() const { return found_; }
  void write(const Voice& voice) {
    constexpr std::size_t most_pictures = 100;
    const Json drawn = found_->draw(*folder_, most_pictures);
    write_file_atomically(folder_->folder() + "/pictures.json", json_text(Json::object({{"pictures", drawn}})) + "\n");
    if (!voice.json) {
      std::cout << "\n"
                << drawn.size() << " pictures with true boxes in white, those with the most mistakes first, and pictures.json, are in "
                << folder_->folder() << "\n";
    }
  }

 private:
  std::optional<DrawnPictures> folder_;
  std::shared_ptr<FoundObjects> found_;
};

Data measured(const EvaluateFlags& flags, const Model& model) {
  WordColumns words = flags.words;
  words.wanted = model.preprocess()->config().value("type", "") == "words";
  Splits splits = open_splits(flags.data, columns_of(model), words);
  if (!flags.class_map.empty()) splits = data::map_classes(splits, class_map(flags.class_map, model.head().config()));
  return measured_part(checked_pictures(std::move(splits)));
}

int run(const EvaluateFlags& flags, const Voice& voice) {
  start_runtime(flags.machine.threads);
  const Interrupt interrupt;
  ProgressLine line(voice);
  Model model = Model::load(flags.model, {.device = flags.machine.device, .trust = flags.trust});
  model.set_precision(precision_from(flags.precision));
  const FeatureStore store = flags.store.empty() ? FeatureStore::off() : FeatureStore({.folder = flags.store});
  const Data data = measured(flags, model);
  for (const Problem& unknown : eval::unknown_tags(model, data)) warn(unknown);
  EvaluatorOptions options{.progress = line.function(), .store = store, .mirrored = flags.tta == "flip"};
  std::optional<Drawing> drawing;
  if (!flags.out.empty()) options.metrics.push_back(drawing.emplace(flags, model, data).metric());
  const EvalReport report = Evaluator(options).run(model, data, interrupt.token());
  line.clear();
  if (const int code = Interrupt::exit_code(); code != 0) {
    std::cerr << "interrupted after " << report.samples << " of " << data.size() << " records\n";
    return code;
  }
  if (voice.json) {
    std::cout << json_text(report.json()) << "\n";
  } else {
    std::cout << report;
  }
  if (drawing) drawing->write(voice);
  return 0;
}

}  // namespace

Run add_evaluate(CLI::App& app, Voice& voice) {
  auto flags = std::make_shared<EvaluateFlags>();
  CLI::App* command = app.add_subcommand("evaluate", "Metrics of a saved model on labelled data");
  command->footer("Examples: graft evaluate run/model.pt --data test.csv\n          graft evaluate run/model.pt --data VOC2007 --out seen");
  command->add_option("MODEL", flags->model, "A model saved by graft")->required();
  command
      ->add_option("--data", flags->data,
                   "A .csv, .tsv or .jsonl file with the columns that the model was trained on, or a set of pictures, of which its test "
                   "data is taken")
      ->required();
  command->add_option("--class-map", flags->class_map, class_map_help);
  command->add_option("--token-column", flags->words.token, token_column_help);
  command->add_option("--tag-column", flags->words.tag, tag_column_help);
  command->add_flag("--strict-tags", flags->words.strict, strict_tags_help);
  command->add_option("--out", flags->out,
                      "Of objects in pictures: a folder for the 100 pictures with the most mistakes, with true boxes in white and those "
                      "that were found in the colours of their classes");
  command->add_option("--min-score", flags->least_score, "Objects less sure are not drawn")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--store", flags->store, "A folder where what the frozen part gives is found and kept, as in graft train");
  command->add_option("--precision", flags->precision, "Of the frozen part: fp32, or bf16 to measure what training saw");
  add_tta(*command, flags->tta);
  command->add_flag("--trust", flags->trust, "Load the model without the check of its code");
  flags->machine.add_flags(*command);
  return [flags, &voice] { return run(*flags, voice); };
}

}  // namespace graft::cli
