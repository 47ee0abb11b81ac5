#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/core/error.h"
#include "graft/data/dataset.h"

namespace graft::data {

struct ConllOptions {
  /// Columns, counted from 0; from the last one where negative: -1 is the last. Where they are not given, the first one holds the token and
  /// the last one its tag; of .conllu files columns 1 (FORM) and 3 (UPOS) do.
  std::optional<int> token_column = {}, tag_column = {};
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
/// examples, or the log where it is null. Where no tag has such a form, tags are labels as they stand, such as parts of speech. Of files
/// that end in .conllu (universaldependencies.org/format.html) all lines that begin with # are comments, and those of tokens of several
/// words ("1-2") and of words that the text leaves out ("1.1") are passed over. Throws DataError with up to 100 problems at once, each with
/// its line: lines with fewer or more columns than the first one, missing tokens, tags of another form among them.
GRAFT_API Data conll(const std::string& path, const ConllOptions& options = {}, std::vector<Problem>* warnings = nullptr);

}  // namespace graft::data
