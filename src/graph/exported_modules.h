#pragma once

#include "graph/exported_program.h"

namespace graft::graph {

/// The network of an exported program: modules under their own names, each with a method for every stretch of its code, calls between them
/// as the exporter recorded them. What nobody reads, such as checks of shapes, is left out. Throws CheckpointError (graft-K020) for what
/// is not covered.
Network network_of(const ExportedProgram& program, const std::string& path);

}  // namespace graft::graph
