#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "graft/train/checkpoint.h"
#include "support.h"
#include "train/run_state.h"

namespace graft::test {

inline Checkpoint small(const std::string& best_file = "", std::int64_t step = 3) {
  const train::RunState run{.step = step, .total_steps = 9, .history = {}, .best_epoch = best_file.empty() ? 0 : 1, .best_file = best_file};
  return {.tensors = {{"weights/w", at::arange(6, at::kFloat).view({2, 3})}, {"random", at::arange(16, at::kByte)}},
          .manifest = {{"batch", "8 x 1"}, {"seed", "0"}},
          .state = Json{{"run", run.json()}}.dump()};
}

inline std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

}  // namespace graft::test
