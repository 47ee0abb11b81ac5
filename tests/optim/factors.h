#pragma once

#include <vector>

#include "graft/optim/schedule.h"
#include "support.h"

namespace graft::test {

/// Of all steps of a run.
inline std::vector<double> factors(const Schedule& schedule, std::int64_t total) {
  std::vector<double> all;
  for (std::int64_t step = 0; step < total; ++step) all.push_back(schedule.factor(step, total));
  return all;
}

inline void check_factors(const std::vector<double>& factors, const std::vector<double>& expected) {
  REQUIRE(factors.size() == expected.size());
  for (std::size_t i = 0; i < factors.size(); ++i) {
    INFO("step " << i);
    CHECK(factors[i] == Approx(expected[i]).epsilon(0).margin(1e-12));
  }
}

}  // namespace graft::test
