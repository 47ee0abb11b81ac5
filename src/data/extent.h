#pragma once

#include <cmath>
#include <string>

#include "core/table.h"
#include "graft/data/boxes.h"

namespace graft::data {

/// Of a picture; 0 where it is not known.
struct Extent {
  double width = 0, height = 0;

  bool is_known() const { return width > 0 && height > 0; }
  std::string text() const { return fixed(width, 0) + " x " + fixed(height, 0); }
};

/// "\"cat\" [1, 2, 3.50, 4]"
inline std::string text_of(const Box& box) {
  std::string text = "\"" + box.label + "\" [";
  for (const double value : {box.x1, box.y1, box.x2, box.y2}) {
    text += (text.ends_with('[') ? "" : ", ") + fixed(value, value == std::floor(value) ? 0 : 2);
  }
  return text + "]";
}

}  // namespace graft::data
