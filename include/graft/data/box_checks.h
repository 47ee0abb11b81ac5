#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/core/error.h"
#include "graft/data/dataset.h"
#include "graft/data/picture_size.h"

namespace graft::data {

struct BoxCheckOptions {
  /// Names that classes may have; empty: any in training data, and in the other parts those of training data.
  std::vector<std::string> classes = {};
  /// Reads the size of a file; empty: sizes are those that the records give.
  SizeOf size_of = {};
};

/// What was found and mended.
struct BoxReport {
  /// The records with the boxes that are left; keys and places are as they were.
  Splits splits;
  /// Boxes that were there, those that were dropped, and those that were cut to the picture.
  std::size_t boxes = 0, dropped = 0, clipped = 0;
  /// Records that have no box when all is done.
  std::size_t without_boxes = 0;
  /// What goes to the log too.
  std::vector<Problem> warnings;
};

/// Looks over the boxes in the pictures of all parts: records have "image", the fields of boxes_of() and, where known, "width" and
/// "height". Mends and warns, with numbers and up to three examples of each kind:
///   boxes without an area, not finite, or wholly outside their picture are dropped; others are cut to it
///   sizes of records that are not those of the files; pictures that are there twice, in a part or in two; pictures without any box
/// Throws DataError with all mistakes at once: boxes that were taken for corners and are x, y, width, height, or the other way round; files
/// that are not there; classes that are not known; a class for the background, which heads have of themselves.
GRAFT_API BoxReport check_boxes(const Splits& splits, const BoxCheckOptions& options = {});

/// The same for one part, which comes back as splits.train.
GRAFT_API BoxReport check_boxes(const Data& data, const BoxCheckOptions& options = {});

}  // namespace graft::data
