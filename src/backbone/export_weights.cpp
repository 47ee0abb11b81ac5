#include <ATen/ATen.h>

#include "core/json.h"
#include "graft/backbone/import.h"
#include "graft/backbone/safetensors.h"
#include "graph/network.h"

namespace graft::backbone {

std::size_t export_weights(const std::string& file, const std::string& out) {
  graph::Files files{{"graft.json", ""}, {"names.json", ""}};
  graph::Network network = graph::Network::load(file, &files);
  if (files.contains("graft.json")) network = network.child("backbone");
  const Json names = files.contains("names.json") ? parse_json(files.at("names.json"), file + ":names.json") : Json::object();
  Fields tensors;
  for (const auto& all : {network.parameters(), network.buffers()}) {
    for (const auto& [name, tensor] : all) tensors.set(names.value(name, name), tensor);
  }
  // Python's norms count their batches and miss the number; it only matters where there is no momentum.
  for (const std::string& name : tensors.names()) {
    const std::string end = "running_mean";
    if (!name.ends_with(end)) continue;
    const std::string counter = name.substr(0, name.size() - end.size()) + "num_batches_tracked";
    if (!tensors.has(counter)) tensors.set(counter, at::zeros({}, at::kLong));
  }
  write_safetensors(tensors, out);
  return tensors.size();
}

}  // namespace graft::backbone
