#include "head/tagged_record.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "data/word_spans.h"
#include "graft/core/error.h"
#include "head/record_lists.h"

namespace graft::head {
namespace {

/// [n, 2] of a record as pairs of bytes.
std::vector<Bytes> bytes_of(const Record& record, const std::string& field) {
  const at::Tensor table = record.tensor(field).to(at::kLong).contiguous();
  std::vector<Bytes> bytes;
  for (std::int64_t i = 0; table.dim() == 2 && table.size(1) == 2 && i < table.size(0); ++i) {
    const auto* row = table.const_data_ptr<std::int64_t>() + 2 * i;
    bytes.emplace_back(static_cast<std::size_t>(row[0]), static_cast<std::size_t>(row[1]));
  }
  return bytes;
}

[[noreturn]] void refuse(const Record& record, const std::string& message, const std::string& remedy) {
  throw DataError({.code = "graft-D044", .message = "[TokenClassifier] " + message, .remedy = remedy, .place = record.place});
}

}  // namespace

TaggedRecord::TaggedRecord(const Record& record, const TokenClassifierOptions& fields) : by_tags_(record.has(fields.tags)) {
  const std::string text = record.has_value(fields.text) ? record.text(fields.text) : std::string();
  if (record.has(fields.words)) words_ = bytes_of(record, fields.words);
  if (by_tags_) {
    tags_ = list_of(record, fields.tags);
    if (words_.size() != tags_.size()) {
      refuse(record, std::to_string(tags_.size()) + " tags are there for " + std::to_string(words_.size()) + " words.",
             "Give one tag a word in \"" + fields.tags + "\", and the bytes of the words, [W, 2], in \"" + fields.words + "\".");
    }
    if (!std::ranges::all_of(fields.labels, is_bio)) {
      entities_ = spans_of_words(tags_, words_, {}, text);
    } else if (std::ranges::all_of(tags_, is_bio)) {
      entities_ = spans_of_tags(tags_, words_, {}, text);
    }
    return;
  }
  if (!record.has(fields.spans)) {
    refuse(record, "tags of words in \"" + fields.tags + "\", or entities in \"" + fields.spans + "\" are wanted, the record has neither.",
           "Read the file with graft::data::conll or graft::data::entity_lines.");
  }
  if (!record.has_value(fields.spans)) {
    refuse(record, "entities in \"" + fields.spans + "\" are wanted, the record says nothing of any.",
           "Write \"entities\": [] where a text has none, or take the record out.");
  }
  const std::vector<Bytes> places = bytes_of(record, fields.spans);
  const std::vector<std::string>& kinds = list_of(record, fields.span_labels);
  if (places.size() != kinds.size()) {
    refuse(record, std::to_string(kinds.size()) + " kinds are there for " + std::to_string(places.size()) + " entities.",
           "Give one for each in \"" + fields.span_labels + "\".");
  }
  if (!record.has(fields.words)) words_ = data::word_spans(text);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto [begin, end] = places[i];
    if (begin >= end || end > text.size()) {
      refuse(record,
             "an entity from byte " + std::to_string(begin) + " to " + std::to_string(end) + " is not inside the text of " +
                 std::to_string(text.size()) + ".",
             "Give [begin, end) in bytes.");
    }
    entities_.push_back(
        widened({.begin = begin, .end = end, .label = kinds[i], .score = 1, .text = text.substr(begin, end - begin)}, words_, text));
  }
  std::ranges::stable_sort(entities_, {}, &TextSpan::begin);
}

std::vector<std::string> TaggedRecord::tags(const at::Tensor& words) const {
  if (by_tags_) return tags_;
  const at::Tensor table = words.contiguous();
  std::vector<Bytes> bytes;
  for (std::int64_t i = 0; i < table.size(0); ++i) {
    const int* row = table.const_data_ptr<int>() + 3 * i;
    if (row[0] < 0) continue;
    bytes.resize(static_cast<std::size_t>(row[0]) + 1);
    bytes.back() = {static_cast<std::size_t>(row[1]), static_cast<std::size_t>(row[2])};
  }
  return tags_of_spans(entities_, bytes);
}

}  // namespace graft::head
