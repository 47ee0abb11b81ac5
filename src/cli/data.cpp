#include "cli/data.h"

#include "core/json.h"
#include "graft/core/error.h"
#include "graft/core/runtime.h"
#include "graft/data/csv.h"
#include "graft/data/jsonl.h"

namespace graft::cli {

void start_runtime(int threads) { runtime({.threads = threads, .keep_memory = true}); }

Data open_data(const std::string& path, const std::vector<std::string>& columns) {
  if (path.ends_with(".csv") || path.ends_with(".tsv")) return data::csv(path, {.require = columns});
  if (path.ends_with(".jsonl")) return data::jsonl(path, {.require = columns});
  throw DataError({.code = "graft-D020",
                   .message = "[Data] a .csv, .tsv or .jsonl file is wanted.",
                   .remedy = "Rename or convert the file.",
                   .place = path});
}

std::vector<std::string> target_columns(const Json& head_config) {
  std::vector<std::string> columns;
  for (const char* key : {"columns", "targets"}) {
    if (head_config.contains(key)) columns = head_config.at(key).get<std::vector<std::string>>();
    if (!columns.empty()) return columns;
  }
  if (head_config.contains("label")) columns.push_back(head_config.at("label"));
  return columns;
}

std::vector<std::string> columns_of(const Model& model) {
  std::vector<std::string> columns = target_columns(model.head().config());
  for (const auto& [name, value] : model.preprocess()->example().values) columns.push_back(name);
  return columns;
}

}  // namespace graft::cli
