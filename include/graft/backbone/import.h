#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/core/finding.h"

namespace graft::backbone {

struct ImportOptions {
  /// One of architecture_names(); empty: found from the tensors' names.
  std::string architecture = {};
};

struct ImportReport {
  /// "bert", "resnet18"; "torch.export" for a file that holds its graph.
  std::string architecture;
  /// Scalars in the parameters of the network.
  std::int64_t parameters = 0;
  /// Tensors of the file that the network does not have, such as a pre-training head.
  std::vector<std::string> unused = {};
  /// True if the folder brought a vocabulary, which then lies in the written file.
  bool has_tokenizer = false;
  /// True if it is known how pictures must be prepared, which then lies in the written file as "preprocess.json".
  bool has_preprocess = false;
  /// What is to be known of the network, see Backbone::findings().
  std::vector<Finding> findings = {};
};

/// Turns published weights into a TorchScript checkpoint. `source` is a folder with config.json and model.safetensors or pytorch_model.bin
/// (as Hugging Face publishes them); a state dict of PyTorch or a safetensors file of a known architecture; or a file of torch.export. The
/// architecture is TorchScript source compiled here, so no Python runs. The vocabulary in the folder (load_subwords()) goes into the file
/// as tokenizer.json. Throws DataError for missing files, CheckpointError that lists every missing and misshapen tensor, ModelError if no
/// architecture has these tensors, with their names and shapes.
GRAFT_API ImportReport import_checkpoint(const std::string& source, const std::string& out, const ImportOptions& options = {});

/// Writes the weights of a backbone, or of the backbone in a saved model, as safetensors under the names that they had in the file they
/// were imported from, or in the network that was exported: what Python's load_state_dict() takes. Returns how many tensors were written.
/// Throws CheckpointError if the file is neither, SystemError if the other cannot be written.
GRAFT_API std::size_t export_weights(const std::string& file, const std::string& out);

/// What ImportOptions::architecture may be.
GRAFT_API std::vector<std::string> architecture_names();

}  // namespace graft::backbone
