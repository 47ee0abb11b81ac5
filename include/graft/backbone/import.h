#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graft/core/api.h"

namespace graft::backbone {

struct ImportReport {
  /// "bert"
  std::string architecture;
  /// Scalars in the parameters of the network.
  std::int64_t parameters = 0;
  /// Tensors of the file that the network does not have, such as a pre-training head.
  std::vector<std::string> unused = {};
  /// True if the folder brought a vocabulary, which then lies in the written file.
  bool has_tokenizer = false;
};

/// Turns a folder with config.json and model.safetensors (as Hugging Face publishes them) into a TorchScript checkpoint. The architecture
/// is TorchScript source compiled here, so no Python runs. A vocab.txt or tokenizer.json beside them goes into the file. Throws DataError
/// for missing files, CheckpointError that lists every missing and misshapen tensor, ModelError for another architecture.
GRAFT_API ImportReport import_checkpoint(const std::string& folder, const std::string& out);

}  // namespace graft::backbone
