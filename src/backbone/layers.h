#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/builder.h"

/// Layers that architectures are built of, with the parameter names of torch.nn and values to be filled.
namespace graft::backbone {

graph::Builder linear(std::int64_t in, std::int64_t out, bool bias = true);

struct Convolution {
  std::int64_t in = 0, out = 0, kernel = 1, stride = 1, padding = 0, groups = 1;
  bool bias = false;
  /// TensorFlow's "SAME": with a stride the end is padded more than the start. `padding` does not count then.
  bool same = false;
};
graph::Builder convolution(const Convolution& options);

graph::Builder batch_norm(std::int64_t channels, double epsilon = 1e-5, double momentum = 0.1);
graph::Builder layer_norm(std::int64_t width, double epsilon);
graph::Builder embedding(std::int64_t rows, std::int64_t width);

/// A module that calls its children one after the other: pairs of name and module. A name may be "" for code between them, of which only
/// the source counts: "x = torch.relu(x)".
struct Step {
  std::string name;
  const graph::Builder* module = nullptr;
  std::string code = {};
};
graph::Builder sequence(const std::string& class_name, const std::vector<Step>& steps);

/// Lines that attend from x [N, L, D] to itself, with the three children's projections and `mask`, dropping out in training; y [N, L, D] is
/// the outcome.
struct Attention {
  std::string query, key, value;
  std::int64_t heads = 1, width = 1;
  double dropout = 0;
};
std::string attention_source(const Attention& options);

/// Calls copies of a layer, `layer.0`, `layer.1`, ..., one after the other: forward(x, mask). Its class is "PACKAGE.NAME".
graph::Builder layer_stack(const std::string& package, const std::string& name, const graph::Builder& layer, std::int64_t count);

/// Lines that make `mask`, true where seen, [N, 1, 1, L], of the optional argument attention_mask [N, L].
extern const char* const token_mask_source;

}  // namespace graft::backbone
