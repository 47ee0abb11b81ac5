#pragma once

#include <cstdint>
#include <functional>

#include "graft/model/plan.h"
#include "graph/split.h"
#include "graph/work.h"

namespace graft {

/// Runs of an example of `rows` samples: of the whole network, giving what is kept where all of it is frozen, and of the part below the
/// line.
struct Measured {
  std::int64_t rows = 1;
  std::function<Fields()> whole, below;
};

Plan make_plan(const Backbone& backbone, const graph::Network& network, const graph::SplitResult& halves, bool trains,
               const Measured& measured);

}  // namespace graft
