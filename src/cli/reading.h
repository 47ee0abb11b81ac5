#pragma once

#include <memory>

#include "cli/task.h"
#include "graft/backbone/backbone.h"
#include "graft/data/preprocess.h"
#include "graft/text/subwords.h"

namespace graft::cli {

/// What turns the records of a task into tokens, by the tokenizer that the settings name or the backbone's file holds, in samples of
/// max_length tokens. Throws ConfigError if there is none.
std::shared_ptr<const Preprocess> make_preprocess(const Task& task, const TrainSettings& settings, const Backbone& backbone);

/// The longest samples of a task where no flag says it, in tokens.
int usual_length(const Task& task);

}  // namespace graft::cli
