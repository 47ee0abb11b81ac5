#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/extent.h"
#include "data/tally.h"
#include "graft/core/error.h"

namespace graft::data {

/// Tells boxes that were written in another form than the one they were read by: a mistake of all boxes of a part.
class BoxForms {
 public:
  /// A box as it was given.
  void look(const Box& box, const Extent& picture, const std::string& place);
  /// Forms that would make sense of nearly all boxes, where many do not as they are.
  std::vector<Problem> problems() const;

 private:
  struct Form {
    std::size_t would_fit = 0;
    Tally strange = {};
  };
  Problem problem(const Form& form, const std::string& is_wrong, const std::string& instead, const std::string& remedy) const;
  bool is_likely(const Form& form) const;

  std::size_t boxes_ = 0;
  Form as_sides_, as_corners_;
};

}  // namespace graft::data
