#pragma once

#include <cstdint>
#include <optional>

#include "graft/data/preprocess.h"
#include "graft/text/subwords.h"

namespace graft::text {

/// What preprocessing makes of texts: tokens of this vocabulary, so many of a sample at most.
struct Tokens {
  const Subwords* vocabulary;
  std::int64_t most;
};

/// Nothing for preprocessing that is none of this room's.
std::optional<Tokens> tokens_of(const Preprocess& preprocess);

}  // namespace graft::text
