#pragma once

#include <string>

#include "graft/core/api.h"
#include "graft/data/dataset.h"

namespace graft::data {

/// Texts with marked entities, a JSON object a line: {"text": "...", "entities": [{"start": 4, "end": 9, "label": "city"}]}, or, as doccano
/// writes them, {"text": "...", "label": [[4, 9, "city"]]} (also "labels"). Offsets count characters (code points); `end` is the one after
/// the last. A record for each line that is not blank:
///   text          as it is written
///   spans         int64 [n, 2]: the bytes [begin, end) of each entity, first to last
///   span_labels   list of their n labels
/// The last two are empty values where a line says nothing of entities, as in files to predict on. Throws DataError with up to 100 problems
/// at once, each with its line: entities that lie outside their text, have no word or no label, overlap or share a word; empty texts; other
/// JSON.
GRAFT_API Data entity_lines(const std::string& path);

}  // namespace graft::data
