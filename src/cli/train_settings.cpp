#include "cli/train_settings.h"

#include <charconv>
#include <concepts>

#include "core/file.h"
#include "core/names.h"
#include "graft/core/error.h"

namespace graft::cli {
namespace {

/// Calls `visit(name, value, help)` for every setting: the one list that flags, config files and the written config share.
template <class Settings, class Visit>
void for_each(Settings& s, Visit visit) {
  visit("task", s.task, "classify, multilabel or regress; auto: by the label column, and said");
  visit("backbone", s.backbone, "The network to build on: a TorchScript file, what graft import wrote, or a model.pt to go on from");
  visit("tokenizer", s.tokenizer, "vocab.txt or tokenizer.json; default: the one inside the backbone's file");
  visit("constant", s.constant, "NAME=VALUE for other arguments of the network; may be repeated");
  visit("train", s.train, "Training data: .csv or .tsv with a header, or .jsonl");
  visit("valid", s.valid, "Data that chooses (L2 strength, stopping); default: split off the training data");
  visit("split", s.split, "Share of the training data that chooses where --valid is not given");
  visit("test", s.test, "Data that is only reported on");
  visit("text", s.text, "Column of the text, or several: subject,body; default: by its name, and said");
  visit("label", s.label, "Column of the class or number, or several; default: by its name, and said");
  visit("label-separator", s.label_separator, "What stands between the labels of one record (multilabel)");
  visit("max-length", s.max_length, "Longer texts are cut to this many tokens");
  visit("preset", s.preset, "auto, probe (backbone frozen, head solved) or full (everything trains)");
  visit("freeze", s.freeze, "all, none, up_to=GROUP or PATTERN[,PATTERN]; overrides the preset's");
  visit("store", s.store,
        "What the frozen part gives is computed once and kept: auto in memory, DIR also for later runs; off: it runs in every epoch");
  visit("store-budget", s.store_budget, "Memory for it, as 500MB or 2GB; what is beyond lies in temporary files");
  visit("prefix", s.prefix, "The frozen part: fast (the processor's best kernels, equal to 1e-5) or exact (the network's own operators)");
  visit("precision", s.precision, "Of the frozen part while training: auto (bf16 where the processor is fast at it), fp32 or bf16");
  visit("epochs", s.epochs, "Passes over the data; 0: 3 if the backbone trains, else 30");
  visit("batch", s.batch, "Records of a step");
  visit("lr", s.lr, "Learning rate of the head; the backbone learns at a tenth of it");
  visit("hidden", s.hidden, "Width of a hidden layer in the head; 0: a linear head");
  visit("dropout", s.dropout, "Dropout before the head's last layer");
  visit("patience", s.patience, "Epochs without a lower validation loss before the run ends; 0: all epochs");
  visit("folds", s.folds, "Cross-validation for small data: train on K-1 parts and measure on the other, K times; 0: off");
  visit("seed", s.seed, "Seeds splits, order, dropout and initial weights");
  visit("device", s.device, "auto, cpu or cuda:N");
  visit("threads", s.threads, "Threads for tensor operators; 0: LibTorch's choice");
  visit("out", s.out, "The run folder to write");
  visit("force", s.force, "Write into an existing run folder");
  visit("check", s.check_only, "Check everything and stop before training");
  visit("trust", s.trust, "Load the backbone without the check of its code (files, network, endless loops)");
}

std::variant<bool, std::int64_t, double, std::string> parse_constant(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  const char* end = text.data() + text.size();
  std::int64_t integer = 0;
  if (const auto [at, error] = std::from_chars(text.data(), end, integer); error == std::errc() && at == end) return integer;
  double number = 0;
  if (const auto [at, error] = std::from_chars(text.data(), end, number); error == std::errc() && at == end) return number;
  return text;
}

/// "2GB", "500MB", "100000"; powers of 1024.
std::optional<std::int64_t> bytes_from(const std::string& text) {
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  const std::string unit(rest, text.data() + text.size());
  for (const auto& [name, factor] :
       {std::pair("", 1.0), std::pair("B", 1.0), std::pair("KB", 0x1p10), std::pair("MB", 0x1p20), std::pair("GB", 0x1p30)}) {
    if (unit == name) return static_cast<std::int64_t>(number * factor);
  }
  return std::nullopt;
}

}  // namespace

void TrainSettings::add_flags(CLI::App& command) {
  for_each(*this, [&]<class T>(const std::string& name, T& value, const std::string& help) {
    if constexpr (std::same_as<T, bool>) {
      command.add_flag("--" + name, value, help);
    } else {
      command.add_option("--" + name, value, help)->capture_default_str();
    }
  });
}

void TrainSettings::read(const std::string& path, const CLI::App& command) {
  const Json config = parse_json(read_file(path), path);
  std::vector<Problem> problems;
  if (!config.is_object())
    throw ConfigError(
        {.code = "graft-C101", .message = "[Config] an object is wanted.", .remedy = "Write {\"train\": ...}.", .place = path});
  std::vector<std::string> known;
  for_each(*this, [&]<class T>(const std::string& name, T& value, const std::string&) {
    known.push_back(name);
    if (!config.contains(name) || command.get_option("--" + name)->count() > 0) return;
    try {
      value = config.at(name).template get<T>();
    } catch (const Json::exception&) {
      problems.push_back({"graft-C102", "[Config] \"" + name + "\" has the wrong type: " + config.at(name).dump() + ".",
                          "graft train --help shows what it takes.", path});
    }
  });
  for (const auto& [key, value] : config.items()) {
    if (std::ranges::find(known, key) == known.end()) {
      problems.push_back({"graft-C103", "[Config] the key \"" + key + "\" is not known.",
                          did_you_mean(key, known, "The keys are the flags of graft train."), path});
    }
  }
  if (!problems.empty()) throw ConfigError(problems);
}

Json TrainSettings::json() const {
  Json config = Json::object();
  for_each(*this, [&](const std::string& name, const auto& value, const std::string&) { config[name] = value; });
  return config;
}

std::vector<Problem> TrainSettings::problems() const {
  std::vector<Problem> problems;
  const auto require = [&](bool holds, const std::string& message, const std::string& remedy) {
    if (!holds) problems.push_back({"graft-C104", "[graft train] " + message, remedy, ""});
  };
  require(task == "auto" || task == "classify" || task == "multilabel" || task == "regress",
          "a task of auto, classify, multilabel, regress is wanted, got \"" + task + "\".", "Leave --task out.");
  require(folds == 0 || folds >= 2, "--folds of at least 2 is wanted, got " + std::to_string(folds) + ".", "5 and 10 are usual.");
  require(folds == 0 || valid.empty(), "--folds makes validation parts of the training data, --valid names another.",
          "Leave one of them out.");
  require(!backbone.empty(), "a backbone is wanted.", "Name one with --backbone FILE; graft import makes one from a published model.");
  require(!train.empty(), "training data is wanted.", "Name it with --train FILE.csv.");
  require(!valid.empty() || (split >= 0 && split < 1), "a --split in [0, 1) is wanted, got " + std::to_string(split) + ".",
          "0.1 is a good share.");
  require(!store.empty(), "--store auto, off or a folder is wanted.", "auto is the default.");
  require(bytes_from(store_budget).has_value(), "a --store-budget like 500MB or 2GB is wanted, got \"" + store_budget + "\".",
          "2GB is the default.");
  require(prefix == "fast" || prefix == "exact", "--prefix fast or exact is wanted, got \"" + prefix + "\".", "fast is the default.");
  const bool known = precision == "auto" || precision == "fp32" || precision == "bf16";
  require(known, "--precision auto, fp32 or bf16 is wanted, got \"" + precision + "\".", "auto is the default.");
  require(!(prefix == "exact" && precision == "bf16"), "--prefix exact is float32, --precision bf16 is not.", "Leave one of them out.");
  require(epochs >= 0, "--epochs of at least 0 is wanted, got " + std::to_string(epochs) + ".", "0 leaves the number to the preset.");
  require(!out.empty(), "a run folder is wanted.", "Name it with --out.");
  require(seed >= 0, "a --seed of at least 0 is wanted.", "Leave it out for 0.");
  const bool frozen = freeze == "all" || preset == "probe" || (preset == "auto" && freeze.empty());
  require(!(preset == "probe" && !freeze.empty() && freeze != "all"),
          "the preset probe freezes everything, --freeze " + freeze + " does not.", "Take --preset full with this --freeze.");
  require(!(preset == "full" && freeze == "all"), "the preset full trains the backbone, --freeze all does not.",
          "Take --preset probe, or leave one of them out.");
  require(!(frozen && hidden == 0 && dropout == 0 && epochs > 0),
          "--epochs does not apply: a linear head on a frozen backbone is solved, not stepped.",
          "Leave --epochs out, or take --preset full.");
  return problems;
}

TrainerOptions TrainSettings::trainer() const {
  TrainerOptions options{.batch_size = batch,
                         .lr = lr,
                         .patience = patience,
                         .precision = precision_from(precision),
                         .seed = static_cast<std::uint64_t>(seed)};
  if (epochs > 0) options.epochs = epochs;
  options.store = store == "off" ? FeatureStore::off()
                                 : FeatureStore({.budget = bytes_from(store_budget).value(), .folder = store == "auto" ? "" : store});
  return options;
}

ModelOptions TrainSettings::model(const Freeze& policy) const {
  return {.freeze = policy, .device = device, .prefix = prefix == "exact" ? PrefixForm::Exact : PrefixForm::Fast};
}

BackboneOptions TrainSettings::backbone_options() const { return {.constants = parse_constants(constant), .trust = trust}; }

std::map<std::string, std::variant<bool, std::int64_t, double, std::string>> parse_constants(const std::vector<std::string>& given) {
  std::map<std::string, std::variant<bool, std::int64_t, double, std::string>> constants;
  std::vector<Problem> problems;
  for (const std::string& text : given) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      problems.push_back(
          {"graft-C104", "[graft] --constant NAME=VALUE is wanted, got \"" + text + "\".", "For instance --constant sr=16000.", ""});
    } else {
      constants[text.substr(0, equals)] = parse_constant(text.substr(equals + 1));
    }
  }
  if (!problems.empty()) throw ConfigError(problems);
  return constants;
}

}  // namespace graft::cli
