#pragma once

#include <memory>

#include "core/json.h"
#include "graft/head/head.h"

namespace graft::head {

/// The built-in head of this config, or null if "type" names none: then it is a user's, and needs the user's factory.
std::unique_ptr<Head> make_builtin(const Json& config);

/// The backbone's output of this name; "output" is also the first of several. Throws ModelError that lists the outputs with their shapes.
const at::Tensor& output_of(const Fields& outputs, const std::string& name);

/// Pools what the head reads: its features from the backbone's outputs and the batch's inputs (for masks).
Fields features_of(const std::vector<Feature>& reads, const Fields& outputs, const Fields& inputs);

}  // namespace graft::head
