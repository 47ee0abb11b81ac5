#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "graft/head/head.h"

namespace graft::cli {

/// {"label", "score", "top"}, "rejected" and "rejection_score" where the head can reject, "values" where the answer is numbers, and "spans"
/// (with characters as offsets) and "tags" where it is parts or words of `text`; "boxes" (each "label", "score" and "box": x1, y1, x2, y2)
/// of objects in a picture.
Json json_of(const Decoded& answer, const std::string& text);

/// One line: "0.93 billing  (refund 0.04, delivery 0.02)", or "none of these, score 2.41  (nearest: billing 0.31, refund 0.22)"; of labels
/// of words, the text with them marked; of objects, how many there are of each class.
std::string text_of(const Decoded& answer, const std::string& text);

/// The columns that answers add to a table: "prediction" and "score", "rejected" and "rejection_score", "spans" of labels of words;
/// "prediction_NAME" each where an answer is several numbers.
std::vector<std::string> answer_columns(const std::vector<Decoded>& answers);
/// The cells of these columns; "spans" is the JSON of those in `text`, as json_of() has them.
std::vector<std::string> answer_cells(const Decoded& answer, const std::vector<std::string>& columns, const std::string& text);

}  // namespace graft::cli
