#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "graft/head/head.h"

namespace graft::cli {

/// {"label", "score", "top"}, and "values" where the answer is numbers.
Json json_of(const Decoded& answer);

/// One line: "0.93 billing  (refund 0.04, delivery 0.02)".
std::string text_of(const Decoded& answer);

/// The columns that answers add to a table: "prediction" and "score"; "prediction_NAME" each where an answer is several numbers.
std::vector<std::string> answer_columns(const std::vector<Decoded>& answers);
/// The cells of these columns.
std::vector<std::string> answer_cells(const Decoded& answer);

}  // namespace graft::cli
