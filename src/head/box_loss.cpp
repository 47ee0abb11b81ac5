#include "head/box_loss.h"

#include <ATen/ATen.h>

#include "head/box_targets.h"

namespace graft::head {
namespace {

constexpr double object_share = 0.25;  // the focal loss's alpha
constexpr double least_area = 1e-7;

}  // namespace

at::Tensor place_loss(const at::Tensor& logits, const at::Tensor& labels) {
  const at::Tensor is_class = labels.unsqueeze(-1).eq(at::arange(logits.size(-1), labels.options()));
  const at::Tensor sign = is_class.to(logits.scalar_type()).mul_(2).sub_(1);  // 1 or -1
  const at::Tensor right = logits * sign;                                     // the logit of what is right
  const at::Tensor weight =
      at::where(is_class, object_share, 1 - object_share).mul_(labels.ne(unknown).unsqueeze(-1)).to(logits.scalar_type());
  const at::Tensor doubt = (-right).sigmoid();
  return -(weight * doubt.square() * at::log_sigmoid(right)).sum();
}

at::Tensor side_loss(const at::Tensor& sides, const at::Tensor& targets, const at::Tensor& is_object) {
  // Both boxes hold the place, so that their common part and their hull are those of the sides.
  const auto area = [](const at::Tensor& s) { return (s.select(-1, 0) + s.select(-1, 2)) * (s.select(-1, 1) + s.select(-1, 3)); };
  const at::Tensor common = area(at::minimum(sides, targets)), hull = area(at::maximum(sides, targets)).clamp_min(least_area);
  const at::Tensor either = (area(sides) + area(targets) - common).clamp_min(least_area);
  return ((2 - common / either - either / hull) * is_object).sum();
}

at::Tensor centerness(const at::Tensor& targets) {
  const at::Tensor across = targets.slice(-1, 0, 4, 2), down = targets.slice(-1, 1, 4, 2);
  return (across.amin(-1) / across.amax(-1) * (down.amin(-1) / down.amax(-1))).sqrt();
}

at::Tensor centerness_loss(const at::Tensor& logits, const at::Tensor& targets, const at::Tensor& is_object) {
  return at::binary_cross_entropy_with_logits(logits, centerness(targets), is_object, {}, at::Reduction::Sum);
}

}  // namespace graft::head
