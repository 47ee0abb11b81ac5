#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "graft/data/dataset.h"
#include "graft/model/model.h"

namespace graft::cli {

/// The program's own choice of process-wide settings: freed memory is kept.
void start_runtime(int threads);

/// A file of records: a table with these columns (.csv, .tsv, .jsonl), questions (.json, as SQuAD's), texts with entities (.jsonl), or
/// tagged words (.conll, .bio, .iob; with `words` any other ending too). Throws DataError for an unknown ending or a missing column.
Data open_data(const std::string& path, const std::vector<std::string>& columns, bool words = false);

/// A file, or a set of pictures with the parts that it names; what has no parts is all training data.
Splits open_splits(const std::string& path, const std::vector<std::string>& columns, bool words = false);
/// The named part where there is one, else all there is.
Data open_part(const std::string& path, const std::vector<std::string>& columns, bool words, Data Splits::*part);
/// The part that is to be measured on: test data, else validation data, else all there is.
const Data& measured_part(const Splits& splits);

/// The columns that a head with this config learns from.
std::vector<std::string> target_columns(const Json& head_config);

/// The columns that a saved model reads: its texts and its targets.
std::vector<std::string> columns_of(const Model& model);

}  // namespace graft::cli
