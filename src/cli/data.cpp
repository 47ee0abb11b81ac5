#include "cli/data.h"

#include "core/json.h"
#include "graft/core/error.h"
#include "graft/core/runtime.h"
#include "graft/data/csv.h"

namespace graft::cli {

void start_runtime(int threads) { runtime({.threads = threads, .keep_memory = true}); }

Data open_data(const std::string& path, const std::vector<std::string>& columns) {
  if (path.ends_with(".csv") || path.ends_with(".tsv")) return data::csv(path, {.require = columns});
  throw DataError({.code = "graft-D020",
                   .message = "[Data] a .csv or .tsv file is wanted.",
                   .remedy = "Rename or convert the file; the first line names the columns.",
                   .place = path});
}

std::vector<std::string> columns_of(const Model& model) {
  std::vector<std::string> columns;
  for (const auto& [name, value] : model.preprocess()->example().values) columns.push_back(name);
  if (const Json config = model.head().config(); config.contains("label")) columns.push_back(config.at("label"));
  return columns;
}

}  // namespace graft::cli
