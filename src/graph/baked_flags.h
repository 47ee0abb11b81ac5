#pragma once

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include <vector>

#include "graft/core/finding.h"

namespace graft::graph {

class Editor;

/// True for operators that take a training flag, whatever it is.
bool has_training_flag(const torch::jit::Node* node);

/// Training flags that are constants: tracing writes down the mode of the moment, and train() and eval() change nothing any more
/// (graft-F001; graft-F002 where they are on, which makes evaluation random or lets statistics move).
void find_baked_flags(const torch::jit::Module& module, std::vector<Finding>& findings);

/// Makes them reads of `self.training`: of dropout, of norms with running statistics and of recurrent layers. The dropout of attention and
/// the batch counter of a norm, where the trace was made in train mode, follow the flag too.
void repair_baked_flags(Editor& editor);

/// The same for the one graph of a module that has the flag. Dropout and norms only.
void make_flags_dynamic(torch::jit::Graph& graph);

}  // namespace graft::graph
