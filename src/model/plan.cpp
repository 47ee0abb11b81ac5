#include "graft/model/plan.h"

#include "core/names.h"
#include "graft/core/fields.h"

namespace graft {

std::string Plan::text() const {
  if (!splits) return "the whole network runs in every epoch: " + why;
  std::string text = "computed once: " + with_commas(prefix_parameters) + " parameters; in every epoch: " + with_commas(suffix_parameters) +
                     " parameters; kept of a sample: " + with_commas(bytes_per_sample) + " bytes";
  for (const auto& [name, shape] : cut) text += ", " + name + " " + shape_text(shape);
  return text;
}

}  // namespace graft
