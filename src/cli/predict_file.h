#pragma once

#include <string>

#include "graft/predict/predictor.h"

namespace graft::cli {

/// Answers every record of a .csv, .tsv or .jsonl file and writes a file of the same kind: the records as they stand there, each with the
/// answer's columns added. Nothing is written if it is stopped. Throws DataError for a file that cannot be read, ConfigError for a place
/// that cannot be written. Returns how many were answered.
std::size_t predict_file(const Predictor& predictor, const std::string& in, const std::string& out, const PredictOptions& options);

}  // namespace graft::cli
