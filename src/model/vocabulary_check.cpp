#include "model/vocabulary_check.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "core/names.h"
#include "graft/core/error.h"
#include "graph/lookup_tables.h"
#include "text/tokens_of.h"

namespace graft {
namespace {

/// Rows of the largest table that the network looks rows up in; 0 if there is none.
std::int64_t most_rows(const graph::Network& network) {
  const std::set<std::string> tables = graph::lookup_tables(network);
  std::int64_t most = 0;
  for (const auto& [name, tensor] : network.parameters()) {
    if (tables.contains(name)) most = std::max(most, tensor.size(0));
  }
  return most;
}

bool runs_on(const Backbone& backbone, std::int64_t id) {
  const c10::NoGradGuard no_grad;
  try {
    backbone({{"input_ids", at::full({1, 1}, id, at::kLong)}});
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

void require_rows(const Backbone& backbone, const Preprocess& preprocess) {
  const auto reads = text::tokens_of(preprocess);
  if (!reads) return;
  const auto tokens = static_cast<std::int64_t>(reads->vocabulary->size());
  const std::int64_t rows = most_rows(backbone.network());
  if (rows == 0 || rows >= tokens || !runs_on(backbone, 0) || runs_on(backbone, tokens - 1)) return;
  throw ConfigError({.code = "graft-C050",
                     .message = "[Model] the tokenizer has " + with_commas(tokens) + " tokens, the network's largest table " +
                                with_commas(rows) + " rows: it cannot run on every token.",
                     .remedy = "Take the vocabulary that was published with the network.",
                     .place = ""});
}

}  // namespace graft
