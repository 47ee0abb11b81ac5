#include "graft/head/class_weights.h"

#include "core/names.h"
#include "graft/core/error.h"
#include "head/labels.h"

namespace graft::head {

std::vector<double> balanced_weights(const Data& data, const std::string& field, const std::vector<std::string>& labels) {
  const LabelIndex index = index_of(labels);
  std::vector<std::size_t> counts(labels.size());
  for (std::size_t i = 0; i < data.size(); ++i) {
    const Record record = data.get(i);
    ++counts[static_cast<std::size_t>(place_of(record.text(field), index, labels, "ClassWeights", record.place))];
  }
  std::vector<std::string> absent;
  for (std::size_t c = 0; c < labels.size(); ++c) {
    if (counts[c] == 0) absent.push_back(labels[c]);
  }
  if (!absent.empty()) {
    throw DataError({.code = "graft-D026",
                     .message = "[ClassWeights] a record of each of the " + std::to_string(labels.size()) + " labels is wanted, the " +
                                std::to_string(data.size()) + " records have none of " + quoted_list(absent) + ".",
                     .remedy = "Leave these labels out, bring records of them, or give class_weights by hand.",
                     .place = ""});
  }
  std::vector<double> weights;
  for (const std::size_t count : counts) {
    weights.push_back(static_cast<double>(data.size()) / (static_cast<double>(labels.size()) * static_cast<double>(count)));
  }
  return weights;
}

}  // namespace graft::head
