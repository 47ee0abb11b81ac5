#pragma once

#include "graph/exported_program.h"

namespace graft::graph {

/// Makes whole layers again of what the exporter took apart for run_decompositions(): norms with running statistics, whose updates are
/// outputs there, and dropout. So they have their flags, and gradients that LibTorch knows.
void join_layers(ExportedProgram& program);

}  // namespace graft::graph
