#pragma once

#include <memory>
#include <string>

#include "core/json.h"
#include "graft/data/preprocess.h"
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

/// The preprocessing of a manifest. Throws CheckpointError for a kind that this version does not know.
std::shared_ptr<const Preprocess> make_preprocess(const Json& config, const graph::Files& files);

}  // namespace graft::predict
