#pragma once

#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/core/error.h"
#include "graft/data/dataset.h"

namespace graft::data {

struct ConllOptions {
  /// Columns, counted from 0; from the last one where negative: -1 is the last.
  int token_column = 0;
  int tag_column = -1;
  /// Refuses what is mended otherwise: tags out of order, and lines with a token alone.
  bool strict = false;
};

/// Tagged words in the form of CoNLL: a word a line, columns between tabs or, in lines without one, white space; a blank line ends a
/// sentence. Comments ("# ..." in a line without a tab) and -DOCSTART- lines are passed over. A record for each sentence:
///   text    its words with one space between them
///   words   int64 [W, 2]: for each word the bytes [begin, end) of the text
///   tags    list of W tags in BIO2: "O", "B-person", "I-person"
/// Tags are read in BIO2 (IOB2), BIO1 (IOB: B- only between neighbours of one kind) and BIOES or BILOU. A tag out of order, such as an I-
/// that no B- begins, is read as the first of its entity, and a line with a token alone as O; `warnings` receives how many there are, with
/// examples, or the log where it is null. Where no tag has such a form, tags are labels as they stand, such as parts of speech. Throws
/// DataError with up to 100 problems at once, each with its line: missing columns and tokens, tags of another form among them.
GRAFT_API Data conll(const std::string& path, const ConllOptions& options = {}, std::vector<Problem>* warnings = nullptr);

}  // namespace graft::data
