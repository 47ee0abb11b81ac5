#pragma once

#include <memory>

#include "train/stream.h"

namespace graft::train {

/// The same windows, of which no piece has more than `most` rows: larger ones come in parts as equal as can be. 0: as they are.
std::unique_ptr<Stream> in_parts(std::unique_ptr<Stream> stream, std::int64_t most);

}  // namespace graft::train
