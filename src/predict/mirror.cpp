#include "predict/mirror.h"

#include <ATen/ATen.h>

#include "core/names.h"
#include "graft/core/error.h"

namespace graft::predict {
namespace {

[[noreturn]] void refuse(const std::string& text) {
  throw ConfigError({.code = "graft-C116", .message = "[Mirror] " + text + ".", .remedy = "Leave it out.", .place = ""});
}

Fields mirrored(const Fields& inputs) {
  Fields all;
  bool any = false;
  for (const auto& [name, tensor] : inputs) {
    const bool is_picture = tensor.dim() == 4 && tensor.is_floating_point();
    all.set(name, is_picture ? tensor.flip(3) : tensor);
    any |= is_picture;
  }
  if (!any) refuse("pictures, floating inputs [N, C, H, W], are wanted to mirror, got " + quoted_list(inputs.names()));
  return all;
}

}  // namespace

Fields with_mirror(const Head& head, const Fields& inputs, const std::function<Fields(const Fields&)>& network) {
  if (!head.choices().empty()) refuse("answers that are no places in the picture are wanted to average with those of its mirror image");
  const Fields other_inputs = mirrored(inputs), plain = network(inputs), other = network(other_inputs);
  Fields mean;
  for (const auto& [name, tensor] : plain) mean.set(name, tensor.is_floating_point() ? (tensor + other[name]) / 2 : tensor);
  return mean;
}

}  // namespace graft::predict
