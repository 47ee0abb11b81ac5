#pragma once

#include "graph/network.h"
#include "support.h"
#include "zip.h"

namespace graft::test {

/// The error on loading a file of these bytes; fails the case if it loads.
inline CheckpointError refusal(const std::string& bytes, graph::Trust trust = graph::Trust::Checked) {
  const TempDir folder;
  write(folder.file("x.pt"), bytes);
  return error_of<CheckpointError>([&] { graph::Network::load(folder.file("x.pt"), nullptr, trust); });
}

inline graph::Network loaded(const std::string& bytes, graph::Trust trust = graph::Trust::Checked) {
  const TempDir folder;
  write(folder.file("x.pt"), bytes);
  return graph::Network::load(folder.file("x.pt"), nullptr, trust);
}

/// A small scripted network of two linear layers, by its records.
inline ZipRecords small_network() { return read_zip(golden_path("mlp_dict_script.pt")); }

/// The same with another text for `from` in one of its records.
inline std::string small_network(const std::string& record_name, const std::string& from, const std::string& to) {
  ZipRecords records = small_network();
  replace(record(records, record_name).bytes, from, to);
  return write_zip(records);
}

/// The same with other code where its forward calls relu.
inline std::string with_code(const std::string& code) { return small_network("code/__torch__.py", "hidden = torch.relu(_0)", code); }

}  // namespace graft::test
