#include "graft/head/feature.h"

#include <ATen/ATen.h>

#include <array>

#include "core/names.h"
#include "graft/core/error.h"

namespace graft {
namespace {

constexpr std::array<std::pair<Pooling, const char*>, 5> names{{{Pooling::None, "none"},
                                                                {Pooling::FirstToken, "first_token"},
                                                                {Pooling::MeanTokens, "mean_tokens"},
                                                                {Pooling::MaxTokens, "max_tokens"},
                                                                {Pooling::MeanPixels, "mean_pixels"}}};

void require_dimensions(const at::Tensor& values, Pooling pooling, std::int64_t wanted) {
  if (values.dim() == wanted) return;
  throw ModelError(
      {.code = "graft-M008",
       .message = "[Pooling] " + pooling_name(pooling) + " takes " + (wanted == 3 ? "[N, L, D]" : "[N, C, H, W]") +
                  ", the backbone gives " + shape_text(values.sizes()) + ".",
       .remedy = values.dim() == 2 ? "Use Pooling::None: the backbone pools already." : "Choose the pooling that fits, or another output.",
       .place = ""});
}

}  // namespace

at::Tensor pool(const at::Tensor& values, Pooling pooling, const at::Tensor* mask) {
  switch (pooling) {
    case Pooling::None:
      return values;
    case Pooling::FirstToken:
      require_dimensions(values, pooling, 3);
      return values.select(1, 0);
    case Pooling::MeanTokens: {
      require_dimensions(values, pooling, 3);
      if (mask == nullptr) return values.mean(1);
      const at::Tensor weight = mask->to(values.scalar_type()).unsqueeze(-1);
      return (values * weight).sum(1) / weight.sum(1).clamp_min(1e-9);
    }
    case Pooling::MaxTokens:
      require_dimensions(values, pooling, 3);
      if (mask == nullptr) return values.amax(1);
      return values.masked_fill(mask->eq(0).unsqueeze(-1), -std::numeric_limits<double>::infinity()).amax(1);
    case Pooling::MeanPixels:
      require_dimensions(values, pooling, 4);
      return values.mean({2, 3});
  }
  return values;
}

std::string pooling_name(Pooling pooling) {
  for (const auto& [value, name] : names) {
    if (value == pooling) return name;
  }
  return {};
}

Pooling pooling_from(const std::string& name) {
  std::vector<std::string> known;
  for (const auto& [value, text] : names) {
    if (name == text) return value;
    known.emplace_back(text);
  }
  throw ConfigError({.code = "graft-C009",
                     .message = "[Pooling] one of " + quoted_list(known) + " is wanted, got \"" + name + "\".",
                     .remedy = did_you_mean(name, known, "Use one of these names."),
                     .place = ""});
}

}  // namespace graft
