#pragma once

#include <vector>

#include "graft/core/api.h"
#include "graft/data/dataset.h"

namespace graft::data {

/// Records in memory, such as an application's own: `records({{{{"text", "hello"}, {"label", "greeting"}}, "chat 1"}})`.
GRAFT_API Data records(std::vector<Record> records);

}  // namespace graft::data
