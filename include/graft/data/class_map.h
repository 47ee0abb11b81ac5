#pragma once

#include <map>
#include <string>

#include "graft/core/api.h"
#include "graft/data/dataset.h"

namespace graft::data {

struct ClassMap {
  /// New names by old ones, all exchanged at once. Classes that get one name are joined; an empty name leaves a class out.
  std::map<std::string, std::string> names = {};
  /// The column of the classes: of a label, or of a list of labels; "classes" of boxes; "tags" of words, or the kinds of entities that
  /// stand in their place.
  std::string field = "label";
  /// Stands between the labels of one text; empty: a text is one label.
  std::string separator = {};
  /// What is done about old names that no record has.
  enum class Unknown { Refuse, Warn } unknown = Unknown::Refuse;
};

/// The data with its classes called anew. What a class that is left out takes along is the record of a single label, the name in a list of
/// labels, the box, the entity; of tags it leaves "O". Labels of one record that come to one name count once. Kinds of entities are named
/// without B- and I-. Keys of records in which a class changes are new ones. Reads every record once. Throws DataError for names that no
/// record of any part has, with near ones, where nothing is left to train on, and where a tag that belongs to no entity would be left out.
GRAFT_API Splits map_classes(const Splits& splits, const ClassMap& map);
GRAFT_API Data map_classes(const Data& data, const ClassMap& map);

}  // namespace graft::data
