#pragma once

#include <string>

#include "graft/core/api.h"
#include "graft/data/dataset.h"

namespace graft::data {

/// A file of questions in the JSON of SQuAD v1.1 and v2.0; a record for each question, in the order of the file:
///   id, title, question, context   texts, as they are written
///   answers                        list of the gold answers, as often as they are given; empty where the question has none
///   answer_starts                  int64 [n]: the byte of the context (UTF-8) at which each of them begins
/// A question has none if it is impossible, or has an empty list and the file does not say whether it is impossible (v1.1). Questions to
/// predict on may lack both: their records have no answers, and can neither be learned nor measured. What the file says of plausible answers
/// is passed over. Contexts are kept once, whatever the number of their questions. Throws DataError with up to 100 problems at once, each with its article, paragraph and question: answers that
/// do not stand where they are said to, empty contexts and questions, ids given twice, questions that are impossible and have answers,
/// and JSON of another shape.
GRAFT_API Data squad(const std::string& path);

}  // namespace graft::data
