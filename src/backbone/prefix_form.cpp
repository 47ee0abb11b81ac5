#include "graft/backbone/prefix_form.h"

#include <vector>

#include "core/names.h"
#include "graft/core/error.h"

namespace graft {

Precision precision_from(const std::string& name) {
  const std::vector<std::string> known{"auto", "fp32", "bf16", "fp16"};
  if (name == "auto") return Precision::Auto;
  if (name == "fp32") return Precision::Float32;
  if (name == "bf16") return Precision::BFloat16;
  if (name == "fp16") return Precision::Float16;
  throw ConfigError({.code = "graft-C026",
                     .message = "[Precision] one of " + quoted_list(known) + " is wanted, got \"" + name + "\".",
                     .remedy = did_you_mean(name, known, "auto is a good choice."),
                     .place = ""});
}

std::string precision_name(Precision precision) {
  switch (precision) {
    case Precision::Auto:
      return "auto";
    case Precision::BFloat16:
      return "bf16";
    case Precision::Float16:
      return "fp16";
    case Precision::Float32:
      break;
  }
  return "fp32";
}

}  // namespace graft
