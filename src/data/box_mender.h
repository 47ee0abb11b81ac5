#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "data/extent.h"
#include "data/tally.h"
#include "graft/core/error.h"

namespace graft::data {

/// Cuts boxes to their pictures and drops those of which nothing is left, and knows what it did.
class BoxMender {
 public:
  /// The box; nothing if none of it is left.
  std::optional<GivenBox> operator()(const GivenBox& box, const Extent& picture, const std::string& place);

  std::size_t dropped() const { return empty_.count() + outside_.count(); }
  std::size_t clipped() const { return clipped_.count(); }
  std::vector<Problem> warnings() const;

 private:
  Tally empty_, outside_, clipped_;
};

}  // namespace graft::data
