#pragma once

#include "core/json.h"
#include "graph/network.h"

namespace graft::backbone {

/// BERT's encoder (Devlin et al., 2018) as config.json describes it: forward(input_ids [N, L], attention_mask [N, L]?, token_type_ids [N,
/// L]?) gives hidden states [N, L, D]. Parameters have the names of the published weights and are uninitialized. Without a mask all
/// positions are real. Throws ModelError for settings that this form does not cover, CheckpointError for a config that lacks one.
graph::Network bert(const Json& config, const std::string& place);

}  // namespace graft::backbone
