#include "graft/backbone/import.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "backbone/architecture.h"
#include "core/file.h"
#include "core/json.h"
#include "core/names.h"
#include "graft/backbone/backbone.h"
#include "graft/backbone/state_dict.h"
#include "graft/core/error.h"
#include "graft/text/subwords.h"
#include "graph/archive.h"
#include "graph/exported_program.h"
#include "graph/network.h"

namespace graft::backbone {
namespace {

namespace fs = std::filesystem;

/// "conv1.weight [64, 3, 7, 7]", all of them.
std::string listed(const Fields& tensors) {
  std::string text;
  for (const auto& [name, tensor] : tensors) text += "\n      " + name + " " + shape_text(tensor.sizes());
  return text;
}

Recipe recipe_of(const Weights& weights, const std::string& wanted) {
  std::string known;
  for (const Architecture& architecture : architectures()) {
    known += "\n      " + architecture.name + ": " + architecture.keys;
    if (!wanted.empty() && wanted != architecture.name) continue;
    if (std::optional<Recipe> recipe = architecture.recognize(weights)) return std::move(*recipe);
  }
  const std::string type = weights.config.is_object() ? weights.config.value("model_type", std::string()) : "";
  throw ModelError({.code = "graft-M006",
                    .message = "[Import] " +
                               (wanted.empty() ? "no architecture has these tensors" : "these are no tensors of a \"" + wanted + "\"") +
                               (type.empty() ? "" : ", of which the config says model_type \"" + type + "\"") + ":" +
                               listed(weights.tensors) + "\n    known are:" + known,
                    .remedy = "Export this network from Python with torch.export or as TorchScript; graft trains that in the same way.",
                    .place = weights.place});
}

/// Gives parameters and buffers the file's values; returns the file's tensors that the network does not have.
std::vector<std::string> fill(const Recipe& recipe, const std::string& place) {
  std::map<std::string, at::Tensor> given;
  for (const auto& [name, tensor] : recipe.tensors) given.emplace(name, tensor);
  std::vector<Problem> problems;
  const c10::NoGradGuard no_grad;
  const std::string remedy = "Check that config.json and the weights belong together, and that they are whole.";
  const auto take = [&](const std::string& name, at::Tensor target, bool trains) {
    const auto found = given.find(name);
    if (found == given.end()) {
      problems.push_back({"graft-K007", "[Import] the tensor \"" + name + "\" is missing.", remedy, place});
    } else if (found->second.sizes() != target.sizes() || !found->second.is_floating_point()) {
      problems.push_back({"graft-K008",
                          "[Import] \"" + name + "\" is wanted as " + shape_text(target.sizes()) + ", the file has " +
                              shape_text(found->second.sizes()) + ".",
                          remedy, place});
    } else {
      target.set_data(found->second.to(at::kFloat).contiguous());
      target.requires_grad_(trains);
    }
    if (found != given.end()) given.erase(found);
  };
  for (const auto& [name, tensor] : recipe.network.parameters()) take(name, tensor, true);
  for (const auto& [name, tensor] : recipe.network.buffers()) take(name, tensor, false);
  if (!problems.empty()) throw CheckpointError(problems);
  std::vector<std::string> unused;
  for (const auto& [name, tensor] : given) {
    if (!name.ends_with("num_batches_tracked")) unused.push_back(name);
  }
  return unused;
}

/// Where the file has other names than the network: from those to these.
Json original_names(const Recipe& recipe, const Fields& file) {
  std::map<const c10::TensorImpl*, std::string> names;
  for (const auto& [name, tensor] : file) names.emplace(tensor.unsafeGetTensorImpl(), name);
  Json found = Json::object();
  for (const auto& [name, tensor] : recipe.tensors) {
    const auto original = names.find(tensor.unsafeGetTensorImpl());
    if (original != names.end() && original->second != name) found[name] = original->second;
  }
  return found;
}

/// What the folder's texts are cut with; nothing if it brings no vocabulary.
std::shared_ptr<const text::Subwords> tokenizer(const fs::path& folder, const Json& config) {
  const auto brings = [&](const char* name) { return fs::exists(folder / name); };
  if (!brings("vocab.txt") && !brings("tokenizer.json") && !brings("vocab.json")) return nullptr;
  auto words = text::load_subwords(folder.string());
  if (const auto rows = config.at("vocab_size").get<std::size_t>(); words->size() > rows) {
    throw CheckpointError({.code = "graft-K009",
                           .message = "[Import] the vocabulary has " + std::to_string(words->size()) + " tokens, the network's embedding " +
                                      std::to_string(rows) + " rows.",
                           .remedy = "Bring the vocabulary that was published with these weights.",
                           .place = folder.string()});
  }
  return words;
}

ImportReport import_exported(const std::string& source, const std::string& out) {
  const Backbone backbone = Backbone::load(source);
  ImportReport report{.architecture = "torch.export", .parameters = backbone.num_parameters(), .findings = backbone.findings()};
  backbone.save(out);
  return report;
}

/// The weights of a folder or a file, with the config beside them.
Weights weights_of(const std::string& source) {
  if (!fs::is_directory(source)) return {read_weights(source), nullptr, source};
  const std::string config_path = (fs::path(source) / "config.json").string();
  const Json config = parse_json(read_file(config_path), config_path);
  const fs::path pickled = fs::path(source) / "pytorch_model.bin", safe = fs::path(source) / "model.safetensors";
  const fs::path file = !fs::exists(safe) && fs::exists(pickled) ? pickled : safe;
  return {read_weights(file.string()), config, file.string()};
}

bool is_exported(const std::string& source) {
  if (fs::is_directory(source)) return false;
  const auto file = Mapping::open(source);
  return file->bytes().starts_with("PK") && graph::is_exported_program(graph::Archive(file, source));
}

}  // namespace

std::vector<std::string> architecture_names() {
  std::vector<std::string> names;
  for (const Architecture& architecture : architectures()) names.push_back(architecture.name);
  return names;
}

ImportReport import_checkpoint(const std::string& source, const std::string& out, const ImportOptions& options) {
  const std::vector<std::string> known = architecture_names();
  if (!options.architecture.empty() && std::ranges::find(known, options.architecture) == known.end()) {
    throw ConfigError({.code = "graft-C028",
                       .message = "[Import] an architecture of " + quoted_list(known) + " is wanted, got \"" + options.architecture + "\".",
                       .remedy = did_you_mean(options.architecture, known, "Leave it out: it is found from the tensors' names."),
                       .place = ""});
  }
  if (is_exported(source)) return import_exported(source, out);
  const Weights weights = weights_of(source);
  const Recipe recipe = recipe_of(weights, options.architecture);
  ImportReport report{.architecture = recipe.name, .unused = fill(recipe, weights.place)};
  for (const auto& [name, parameter] : recipe.network.parameters()) report.parameters += parameter.numel();
  graph::Files files;
  if (fs::is_directory(source)) {
    if (const auto words = tokenizer(source, weights.config)) {
      files["tokenizer.json"] = words->to_json(recipe.max_tokens);
      report.has_tokenizer = true;
    }
  }
  report.has_preprocess = recipe.preprocess.is_object();
  if (const Json names = original_names(recipe, weights.tensors); !names.empty()) files["names.json"] = names.dump();
  if (report.has_preprocess) files["preprocess.json"] = recipe.preprocess.dump();
  recipe.network.save(out, files);
  return report;
}

}  // namespace graft::backbone
