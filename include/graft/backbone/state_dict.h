#pragma once

#include <string>

#include "graft/core/api.h"
#include "graft/core/fields.h"

namespace graft::backbone {

/// The tensors of a state dict that Python wrote with torch.save, zipped or in the form before PyTorch 1.6, by their names: those of the
/// file itself, or of the first of its entries "state_dict", "model_state_dict", "model", "net", "ema" that holds tensors; nested ones
/// joined by dots; without "module." where all names begin with it. On the CPU, wherever they lay. Reads tensors and containers only: no
/// code of the file runs. Throws CheckpointError: graft-K021 for a pickle that wants anything else, with its name; graft-K014 for a
/// damaged one; graft-K017 for a tensor beyond its storage.
GRAFT_API Fields read_state_dict(const std::string& path);

/// The tensors of a safetensors file or of a state dict, as the content tells.
GRAFT_API Fields read_weights(const std::string& path);

}  // namespace graft::backbone
