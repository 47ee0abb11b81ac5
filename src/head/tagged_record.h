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
  /// One a word as the record has them; empty where it has entities.
  const std::vector<std::string>& tags() const { return tags_; }
  /// One for each word up to the last of a sample, whose "words" [L, 3] are given.
  std::vector<std::string> tags(const at::Tensor& words) const;
  /// In the order of the text.
  const std::vector<TextSpan>& entities() const { return entities_; }

 private:
  bool by_tags_ = false;
  std::vector<std::string> tags_;
  std::vector<TextSpan> entities_;
};

}  // namespace graft::head
