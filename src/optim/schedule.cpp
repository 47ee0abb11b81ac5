#include "graft/optim/schedule.h"

#include <cmath>
#include <numbers>
#include <vector>

#include "core/names.h"
#include "graft/core/error.h"

namespace graft {

Schedule::Schedule(Kind kind, double warmup) : kind_(kind), warmup_(warmup) {
  if (warmup >= 0 && warmup < 1) return;
  throw ConfigError({.code = "graft-C016",
                     .message = "[Schedule] a warm-up share in [0, 1) is wanted, got " + std::to_string(warmup) + ".",
                     .remedy = "0.1 warms up over a tenth of the steps.",
                     .place = ""});
}

Schedule::Kind Schedule::kind_from(const std::string& name) {
  if (name == "constant") return Kind::Constant;
  if (name == "linear") return Kind::Linear;
  if (name == "cosine") return Kind::Cosine;
  const std::vector<std::string> known{"constant", "linear", "cosine"};
  throw ConfigError({.code = "graft-C017",
                     .message = "[Schedule] one of " + quoted_list(known) + " is wanted, got \"" + name + "\".",
                     .remedy = did_you_mean(name, known, "Use one of these names."),
                     .place = ""});
}

double Schedule::factor(std::int64_t step, std::int64_t total) const {
  const auto warm = static_cast<std::int64_t>(std::llround(warmup_ * static_cast<double>(total)));
  if (step < warm) return static_cast<double>(step + 1) / static_cast<double>(warm);
  const double p = static_cast<double>(step - warm) / static_cast<double>(std::max<std::int64_t>(1, total - warm));
  switch (kind_) {
    case Kind::Linear:
      return 1 - p;
    case Kind::Cosine:
      return 0.5 * (1 + std::cos(std::numbers::pi * p));
    case Kind::Constant:
      break;
  }
  return 1;
}

}  // namespace graft
