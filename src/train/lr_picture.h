#pragma once

#include <string>

#include "graft/train/lr_finder.h"

namespace graft::train {

/// "0.0012", "3e-05": to two digits, as a flag takes it.
std::string rate_text(double rate);

/// See LrFinderReport::text().
std::string lr_bars(const LrFinderReport& report);

/// See LrFinderReport::svg().
std::string lr_svg(const LrFinderReport& report);

}  // namespace graft::train
