#include "head/labels.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/names.h"
#include "graft/core/error.h"

namespace graft::head {

LabelIndex index_of(const std::vector<std::string>& labels) {
  LabelIndex index;
  for (std::size_t i = 0; i < labels.size(); ++i) index[labels[i]] = static_cast<std::int64_t>(i);
  return index;
}

std::int64_t place_of(const std::string& label, const LabelIndex& index, const std::vector<std::string>& labels, const std::string& who,
                      const std::string& place) {
  const auto found = index.find(label);
  if (found != index.end()) return found->second;
  throw DataError({.code = "graft-D017",
                   .message = "[" + who + "] one of the " + std::to_string(labels.size()) + " labels is wanted, got \"" + label + "\".",
                   .remedy = did_you_mean(label, labels, "The labels are: " + quoted_list(labels) + "."),
                   .place = place});
}

at::Tensor shares_of(const Record& record, const std::string& field, std::size_t num_labels, const std::string& who) {
  const auto value = record.values.find(field);
  const auto* tensor = value == record.values.end() ? nullptr : std::get_if<at::Tensor>(&value->second);
  if (tensor == nullptr || tensor->dim() != 1) return {};
  if (tensor->size(0) == static_cast<std::int64_t>(num_labels)) return tensor->is_floating_point() ? *tensor : tensor->to(at::kFloat);
  throw DataError(
      {.code = "graft-D016",
       .message = "[" + who + "] " + std::to_string(num_labels) + " probabilities are wanted, got " + shape_text(tensor->sizes()) + ".",
       .remedy = "Give one for each label.",
       .place = record.place});
}

std::vector<Decoded> best_labels(const at::Tensor& probabilities, const std::vector<std::string>& labels, std::int64_t most) {
  const auto [scores, classes] = probabilities.topk(std::clamp<std::int64_t>(most, 1, probabilities.size(-1)), -1);
  const at::Tensor score = scores.to(at::kCPU, at::kFloat).contiguous(), label = classes.to(at::kCPU).contiguous();
  const std::int64_t k = label.size(1);
  std::vector<Decoded> answers(static_cast<std::size_t>(label.size(0)));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto* row_score = score.const_data_ptr<float>() + static_cast<std::int64_t>(i) * k;
    const auto* row_label = label.const_data_ptr<std::int64_t>() + static_cast<std::int64_t>(i) * k;
    for (std::int64_t j = 0; j < k; ++j) answers[i].top.emplace_back(labels[static_cast<std::size_t>(row_label[j])], row_score[j]);
  }
  return answers;
}

}  // namespace graft::head
