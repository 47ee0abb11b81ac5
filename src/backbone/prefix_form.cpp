#include "graft/backbone/prefix_form.h"

#include <vector>

#include "core/names.h"
#include "graft/core/error.h"

namespace graft {

Precision precision_from(const std::string& name) {
  const std::vector<std::string> known{"auto", "fp32", "bf16"};
  if (name == "auto") return Precision::Auto;
  if (name == "fp32") return Precision::Float32;
  if (name == "bf16") return Precision::BFloat16;
  throw ConfigError({.code = "graft-C026",
                     .message = "[Precision] one of " + quoted_list(known) + " is wanted, got \"" + name + "\".",
                     .remedy = did_you_mean(name, known, "auto is a good choice."),
                     .place = ""});
}

std::string precision_name(Precision precision) {
  return precision == Precision::Auto ? "auto" : precision == Precision::Float32 ? "fp32" : "bf16";
}

}  // namespace graft
