#include "predict/saved_file.h"

#include <torch/version.h>

#include "core/file_format.h"
#include "graft/core/error.h"
#include "graft/data/tensor_inputs.h"
#include "graft/image/pictures.h"
#include "graft/text/question_windows.h"
#include "graft/text/tokenizer.h"
#include "graft/text/words.h"
#include "graft/version.h"

namespace graft::predict {

SavedFile read_saved(const std::string& path, graph::Trust trust) {
  graph::Files files{{"graft.json", ""}, {"tokenizer.json", ""}};
  for (const char* name : backbone_files) files.emplace(name, "");
  graph::Network network = graph::Network::load(path, &files, trust);
  const auto manifest = files.find("graft.json");
  if (manifest == files.end()) {
    throw CheckpointError({.code = "graft-K010",
                           .message = "[Model] a model saved by graft is wanted, this is a bare TorchScript network.",
                           .remedy = "Train on it first: graft train --backbone " + path + " --train DATA.",
                           .place = path});
  }
  SavedFile saved{std::move(network), parse_json(manifest->second, path + ":graft.json"), {}};
  const int version = reading_manifest(path, [&] { return saved.manifest.value("format", 0); });
  if (version > file_format) {
    throw CheckpointError({.code = "graft-K011",
                           .message = "[Model] the file has format " + std::to_string(version) + ", this version of graft reads up to " +
                                      std::to_string(file_format) + ".",
                           .remedy = "Update graft.",
                           .place = path});
  }
  files.erase(manifest);
  saved.files = std::move(files);
  return saved;
}

void write_saved(const std::string& path, const SavedFile& saved) {
  Json manifest = saved.manifest;
  manifest["format"] = file_format;
  manifest["written_by"] = {{"graft", GRAFT_VERSION_STRING}, {"libtorch", TORCH_VERSION}};
  graph::Files files = saved.files;
  files["graft.json"] = manifest.dump(1);
  saved.network.save(path, files);
}

void refuse_manifest(const Json::exception& error, const std::string& path) {
  throw CheckpointError({.code = "graft-K019",
                         .message = "[Model] the file's graft.json is not as graft writes it.",
                         .remedy = "Save the model again; the file was damaged, or written by something else.",
                         .place = path},
                        error.what());
}

std::shared_ptr<const Preprocess> make_preprocess(const Json& config, const graph::Files& files, const PreprocessFactory& factory) {
  if (factory) {
    if (auto made = factory(config, files)) return made;
  }
  const std::string type = config.value("type", std::string());
  if (type == "tokenizer" && files.contains("tokenizer.json")) {
    return std::make_shared<text::Tokenizer>(text::Tokenizer::from_config(config, files.at("tokenizer.json")));
  }
  if (type == "question_windows" && files.contains("tokenizer.json"))
    return std::make_shared<text::QuestionWindows>(text::QuestionWindows::from_config(config, files.at("tokenizer.json")));
  if (type == "words" && files.contains("tokenizer.json"))
    return std::make_shared<text::Words>(text::Words::from_config(config, files.at("tokenizer.json")));
  if (type == "pictures") return std::make_shared<image::Pictures>(image::Pictures::from_config(config));
  if (type == "tensors") return std::make_shared<TensorInputs>(TensorInputs::from_config(config));
  throw CheckpointError({.code = "graft-K012",
                         .message = "[Model] the preprocessing \"" + type + "\" is not known, or a file of it is missing.",
                         .remedy = "Update graft, or give Model::load a function that builds it from its config (LoadOptions::preprocess).",
                         .place = ""});
}

}  // namespace graft::predict
