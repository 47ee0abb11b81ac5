#include "graft/backbone/import.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <filesystem>

#include "backbone/bert.h"
#include "core/file.h"
#include "core/json.h"
#include "core/names.h"
#include "graft/backbone/safetensors.h"
#include "graft/core/error.h"
#include "graft/text/wordpiece.h"
#include "graph/network.h"

namespace graft::backbone {
namespace {

namespace fs = std::filesystem;

graph::Network build(const Json& config, const std::string& place) {
  const std::string type = config.value("model_type", std::string());
  if (type == "bert") return bert(config, place);
  throw ModelError({.code = "graft-M006",
                    .message = "[Import] a \"bert\" is wanted, the config says model_type \"" + type + "\".",
                    .remedy = "Export this network from Python as TorchScript; graft trains that in the same way.",
                    .place = place});
}

/// The names that the network uses: published files may carry a "bert." before each, and old ones other names for norms.
std::string plain_name(std::string name, const std::string& prefix) {
  if (name.starts_with(prefix)) name.erase(0, prefix.size());
  for (const auto& [old_end, new_end] : {std::pair{"LayerNorm.gamma", "LayerNorm.weight"}, std::pair{"LayerNorm.beta", "LayerNorm.bias"}}) {
    if (name.ends_with(old_end)) name.replace(name.size() - std::string_view(old_end).size(), std::string::npos, new_end);
  }
  return name;
}

/// Gives the parameters the file's values; returns the file's tensors that no parameter wanted.
std::vector<std::string> fill(const graph::Network& network, const Fields& file, const std::string& prefix, const std::string& place) {
  std::map<std::string, at::Tensor> given;
  for (const auto& [name, tensor] : file) given.emplace(plain_name(name, prefix), tensor);
  std::vector<Problem> problems;
  const c10::NoGradGuard no_grad;
  for (auto [name, parameter] : network.parameters()) {
    const auto found = given.find(name);
    if (found == given.end()) {
      problems.push_back({"graft-K007", "[Import] the tensor \"" + name + "\" is missing.",
                          "Check that config.json and the weights belong together.", place});
    } else if (found->second.sizes() != parameter.sizes() || !found->second.is_floating_point()) {
      problems.push_back({"graft-K008",
                          "[Import] \"" + name + "\" is wanted as " + shape_text(parameter.sizes()) + ", the file has " +
                              shape_text(found->second.sizes()) + ".",
                          "Check that config.json and the weights belong together.", place});
    } else {
      parameter.set_data(found->second.to(at::kFloat));
      parameter.requires_grad_(true);
    }
    if (found != given.end()) given.erase(found);
  }
  if (!problems.empty()) throw CheckpointError(problems);
  std::vector<std::string> unused;
  for (const auto& [name, tensor] : given) {
    if (!name.ends_with("position_ids")) unused.push_back(name);  // 0, 1, 2, ...: a buffer of the Python class
  }
  return unused;
}

std::optional<text::WordPiece> tokenizer(const fs::path& folder, const Json& config) {
  if (fs::exists(folder / "vocab.txt")) {
    text::WordPieceOptions options;
    if (const fs::path settings = folder / "tokenizer_config.json"; fs::exists(settings)) {
      options.lowercase = parse_json(read_file(settings.string()), settings.string()).value("do_lower_case", true);
    }
    auto vocabulary = text::WordPiece::load((folder / "vocab.txt").string(), options);
    if (const auto rows = config.at("vocab_size").get<std::size_t>(); vocabulary.size() > rows) {
      throw CheckpointError({.code = "graft-K009",
                             .message = "[Import] the vocabulary has " + std::to_string(vocabulary.size()) +
                                        " tokens, the network's embedding " + std::to_string(rows) + " rows.",
                             .remedy = "Bring the vocab.txt that was published with these weights.",
                             .place = (folder / "vocab.txt").string()});
    }
    return vocabulary;
  }
  if (const fs::path file = folder / "tokenizer.json"; fs::exists(file)) return text::WordPiece::load(file.string());
  return std::nullopt;
}

}  // namespace

ImportReport import_checkpoint(const std::string& folder, const std::string& out) {
  const std::string config_path = (fs::path(folder) / "config.json").string();
  const std::string weights_path = (fs::path(folder) / "model.safetensors").string();
  const Json config = parse_json(read_file(config_path), config_path);
  const graph::Network network = build(config, config_path);
  const Fields weights = read_safetensors(weights_path);

  ImportReport report{.architecture = config.at("model_type"), .unused = fill(network, weights, "bert.", weights_path)};
  for (const auto& [name, parameter] : network.parameters()) report.parameters += parameter.numel();
  graph::Files files;
  if (const auto words = tokenizer(folder, config)) {
    files["tokenizer.json"] = words->to_json(config.at("max_position_embeddings"));
    report.has_tokenizer = true;
  }
  network.save(out, files);
  return report;
}

}  // namespace graft::backbone
