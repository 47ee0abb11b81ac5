#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "cli/command.h"
#include "cli/data.h"
#include "cli/pictures.h"
#include "cli/train_data.h"
#include "core/file.h"
#include "core/mistakes.h"
#include "core/names.h"
#include "graft/data/boxes.h"
#include "graft/head/detector.h"
#include "graft/image/draw.h"
#include "predict/saved_file.h"

namespace graft::cli {
namespace {

struct PreviewSettings {
  TrainSettings train;
  int count = 16;
  int variants = 1;
};

[[noreturn]] void refuse_texts(const std::string& got, const std::string& place) {
  throw DataError({.code = "graft-D072",
                   .message = "[graft preview] pictures are wanted, got " + got + ".",
                   .remedy = "Give a folder of pictures, annotations of them, or a table with a column of their paths (--text COLUMN).",
                   .place = place});
}

std::vector<Problem> problems_of(const TrainSettings& settings) {
  std::vector<Problem> problems = picture_problems(settings);
  const auto refuse = [&](const std::string& message, const std::string& remedy) {
    problems.push_back({"graft-C104", "[graft preview] " + message, remedy, ""});
  };
  if (settings.train.empty()) refuse("data is wanted.", "graft preview DATA");
  if (std::ranges::find(task_names(), settings.task) == task_names().end())
    refuse("--task of " + quoted_list(task_names()) + " is wanted, got \"" + settings.task + "\".",
           did_you_mean(settings.task, task_names(), "Leave it out for the default."));
  if (settings.seed < 0) refuse("a --seed of at least 0 is wanted.", "Leave it out for 0.");
  return problems;
}

/// As graft train would have it: by the flags, or as a saved model that goes on reads its pictures.
image::Pictures reads(const Task& task, const TrainSettings& settings, const std::optional<Backbone>& backbone) {
  if (backbone) {
    const auto file = backbone->files().find("graft.json");
    if (file != backbone->files().end()) {
      return predict::reading_manifest(settings.backbone, [&] {
        const Json config = parse_json(file->second, settings.backbone + ":graft.json").at("preprocess");
        if (config.value("type", "") != "pictures") refuse_texts("a model that reads something else", settings.backbone);
        return image::Pictures::from_config(config);
      });
    }
  }
  return pictures(task, settings, backbone ? &*backbone : nullptr);
}

/// A target for a person; empty where there is none, or shares of classes.
std::string text_of(const Record& record, const std::string& column) {
  if (!record.has_value(column)) return "";
  const Value& value = record.values.at(column);
  if (std::holds_alternative<at::Tensor>(value)) return "";
  const auto* list = std::get_if<std::vector<std::string>>(&value);
  if (list == nullptr) return record.text(column);
  std::string text;
  for (const std::string& each : *list) text += (text.empty() ? "" : ", ") + each;
  return text;
}

std::string caption_of(const Record& record, const Task& task) {
  if (task.kind == Task::Kind::Detect) return std::filesystem::path(text_of(record, task.texts.front())).filename().string();
  std::string caption;
  for (const std::string& column : task.targets) {
    const std::string text = text_of(record, column);
    if (task.targets.size() == 1) return text;
    caption += (caption.empty() ? "" : ", ") + column + " " + text;
  }
  return caption;
}

class Sheet {
 public:
  Sheet(const Data& data, const Task& task, const image::Pictures& reads, std::uint64_t seed)
      : data_(data), task_(task), reads_(reads), seed_(seed) {
    if (task.kind == Task::Kind::Detect) labels_ = head::Detector::labels_of(data);
  }

  /// The look of a record in this epoch.
  void add(std::size_t index, std::uint64_t epoch) {
    const Record record = data_.get(index);
    Rng rng(seed_, epoch, index);
    image::Affine geometry;
    at::Tensor picture = reads_.shown(record, rng, Mode::Train, &geometry);
    if (task_.kind == Task::Kind::Detect) draw_boxes(picture, boxes_of(record), geometry);
    pictures_.push_back(std::move(picture));
    captions_.push_back(caption_of(record, task_));
  }

  at::Tensor operator()(std::int64_t columns) const { return image::contact_sheet(pictures_, columns, captions_); }

 private:
  /// As the head is taught them; what nobody learns is grey.
  void draw_boxes(at::Tensor& picture, const std::vector<GivenBox>& boxes, const image::Affine& geometry) const {
    constexpr image::Colour grey{150, 150, 150};
    for (const GivenBox& box : boxes) {
      const auto seen = image::moved(box, geometry, reads_.options().height, reads_.options().width);
      if (!seen) continue;
      const auto label = std::ranges::find(labels_, box.label) - labels_.begin();
      image::draw_box(picture, *seen, box.ignored ? grey : image::class_colour(label), box.label);
    }
  }

  const Data& data_;
  const Task& task_;
  const image::Pictures& reads_;
  std::uint64_t seed_;
  std::vector<std::string> labels_;
  std::vector<at::Tensor> pictures_;
  std::vector<std::string> captions_;
};

int run(const PreviewSettings& settings, const Voice& voice) {
  const TrainSettings& train = settings.train;
  start_runtime(std::max(train.threads, 0));
  Mistakes mistakes;
  mistakes.attempt([&] {
    if (auto problems = problems_of(train); !problems.empty()) throw ConfigError(std::move(problems));
    return true;
  });
  mistakes.attempt([&] { return require_writable(train.out), true; });
  std::optional<Backbone> backbone;
  if (!train.backbone.empty()) backbone = mistakes.attempt([&] { return Backbone::load(train.backbone, train.backbone_options()); });
  std::optional<Splits> data;
  if (!train.train.empty()) data = mistakes.attempt([&] { return open_splits(train.train, {}, {.wanted = train.task == "tokens"}); });
  if (data && data->train.empty()) mistakes.attempt([&]() -> bool { refuse_texts("no training record", train.train); });
  mistakes.raise();

  const Task task = choose_task(train, data->train);
  if (!task.pictures) refuse_texts("texts in \"" + task.texts.front() + "\"", train.train);
  const Data shown = with_classes(train, task, *data).train;
  const image::Pictures pictures = reads(task, train, backbone);
  const auto seed = static_cast<std::uint64_t>(train.seed);
  const std::size_t count = std::min(shown.size(), static_cast<std::size_t>(settings.count));
  const std::vector<std::size_t> order = permutation(shown.size(), Rng(seed));
  Sheet sheet(shown, task, pictures, seed);
  for (std::size_t i = 0; i < count; ++i) {
    for (int epoch = 1; epoch <= settings.variants; ++epoch) sheet.add(order[i], static_cast<std::uint64_t>(epoch));
  }
  const auto square = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(count))));
  image::write_png(train.out, sheet(settings.variants > 1 ? settings.variants : square));

  if (voice.json) {
    std::cout << json_text(Json::object({{"picture", train.out},
                                         {"records", shown.size()},
                                         {"shown", count},
                                         {"variants", settings.variants},
                                         {"task", name_of(task)},
                                         {"preprocess", pictures.config()}}))
              << "\n";
  } else {
    std::cout << train.out << ": " << with_commas(static_cast<long long>(count)) << " of "
              << with_commas(static_cast<long long>(shown.size())) << " training records as the network sees them, "
              << pictures.options().width << " x " << pictures.options().height << " pixels\n";
  }
  return 0;
}

}  // namespace

Run add_preview(CLI::App& app, Voice& voice) {
  auto settings = std::make_shared<PreviewSettings>();
  settings->train.out = "preview.png";
  CLI::App* command = app.add_subcommand("preview", "A sheet of training pictures as the network sees them, with their labels");
  command->footer(
      "Takes the flags of graft train; neither a backbone nor a task is needed.\n"
      "Example: graft preview photos --augment flip,crop,colour --variants 6 --count 8");
  command->add_option("DATA", settings->train.train, "The training data, as --train");
  settings->train.add_flags(*command);
  command->get_option("--out")->description("The picture to write, a PNG file");
  command->add_option("--count", settings->count, "Records to show, drawn by --seed")->capture_default_str()->check(CLI::Range(1, 256));
  command->add_option("--variants", settings->variants, "Random looks of each record, side by side; 1: one look")
      ->capture_default_str()
      ->check(CLI::Range(1, 16));
  return [settings, &voice] { return run(*settings, voice); };
}

}  // namespace graft::cli
