#pragma once

#include <string>

#include "graft/data/dataset.h"

namespace graft::cli {

/// True for folders, data.yaml, and .json files that are COCO's: data sets of pictures, which may name their parts.
bool is_picture_set(const std::string& path);

Splits open_picture_set(const std::string& path);

/// Looks boxes over where there are some, and warns of pictures that are there twice; other data comes back as it is.
Splits checked_pictures(Splits splits);

/// True for tables (.csv, .tsv, .jsonl) with a column "image", "path", "file" or "filename" whose first value names a picture.
bool lists_pictures(const std::string& path);

}  // namespace graft::cli
