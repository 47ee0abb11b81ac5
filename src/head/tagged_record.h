#pragma once

#include <string>
#include <vector>

#include "graft/head/token_classifier.h"
#include "head/entity_text.h"

namespace graft::head {

/// What a record says of its words: a tag for each, or entities by their bytes.
class TaggedRecord {
 public:
  /// Throws DataError where a record has neither, or they do not fit its words or text.
  TaggedRecord(const Record& record, const TokenClassifierOptions& fields);

  bool has_tags() const { return by_tags_; }
  /// One a word: as the record has them, or of its entities in BIO.
  std::vector<std::string> tags() const { return by_tags_ ? tags_ : tags_of_spans(entities_, words_); }
  /// One for each word up to the last of a sample, whose "words" [L, 3] are given.
  std::vector<std::string> tags(const at::Tensor& words) const;
  /// In the order of the text, each with the bounds of the words that it touches; where labels are no BIO, each word with its tag.
  const std::vector<TextSpan>& entities() const { return entities_; }

 private:
  bool by_tags_ = false;
  std::vector<std::string> tags_;
  std::vector<Bytes> words_;
  std::vector<TextSpan> entities_;
};

}  // namespace graft::head
