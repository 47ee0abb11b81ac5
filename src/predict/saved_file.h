#pragma once

#include <memory>
#include <string>

#include "core/json.h"
#include "graft/data/preprocess.h"
#include "graft/predict/predictor.h"
#include "graph/network.h"

namespace graft::predict {

/// A saved model: one TorchScript archive whose extra file graft.json says what it is. The network's children are "backbone" and "head".
struct SavedFile {
  graph::Network network;
  /// "format", "inputs" and "outputs" (names, in order), "head", "preprocess", "constants", "freeze", "provenance".
  Json manifest;
  graph::Files files;
};

/// Throws CheckpointError if the archive is not graft's, or of a newer format.
SavedFile read_saved(const std::string& path, graph::Trust trust = graph::Trust::Checked);

/// Adds the format and the versions to the manifest and writes atomically.
void write_saved(const std::string& path, const SavedFile& saved);

/// The preprocessing of a manifest, by `factory` if it is set and wants to. Throws CheckpointError for a kind that nobody knows.
std::shared_ptr<const Preprocess> make_preprocess(const Json& config, const graph::Files& files, const PreprocessFactory& factory);

/// Throws CheckpointError (graft-K019): the manifest lacks something, or has it in another form.
[[noreturn]] void refuse_manifest(const Json::exception& error, const std::string& path);

/// Calls what takes a manifest apart.
template <class Read>
auto reading_manifest(const std::string& path, Read read) {
  try {
    return read();
  } catch (const Json::exception& error) {
    refuse_manifest(error, path);
  }
}

}  // namespace graft::predict
