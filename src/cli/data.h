#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "graft/data/dataset.h"
#include "graft/model/model.h"

namespace graft::cli {

/// The program's own choice of process-wide settings: freed memory is kept.
void start_runtime(int threads);

/// How words with their labels are read; see data::ConllOptions.
struct WordColumns {
  /// They are what the file holds, whatever its ending.
  bool wanted = false;
  /// The columns as they were given; empty: as data::conll takes them. One that is given says that the file holds words.
  std::string token = {}, tag = {};
  bool strict = false;
};

inline constexpr const char* token_column_help =
    "Of files of tagged words: the column of the word, from 0, or from the end: -1 is the last; default: the first, of .conllu FORM";
inline constexpr const char* tag_column_help = "Likewise of its tag; default: the last, of .conllu UPOS";
inline constexpr const char* strict_tags_help = "Refuse tags out of order, such as an I- that no B- begins, and words without a tag";

/// A file of records: a table with these columns (.csv, .tsv, .jsonl), questions (.json, as SQuAD's), texts with entities (.jsonl), or
/// tagged words (.conll, .conllu, .bio, .iob; where `words` says so any other ending too). Throws DataError for an unknown ending or a
/// missing column, ConfigError where `words` names none.
Data open_data(const std::string& path, const std::vector<std::string>& columns, const WordColumns& words = {});

/// A file, or a set of pictures with the parts that it names; what has no parts is all training data.
Splits open_splits(const std::string& path, const std::vector<std::string>& columns, const WordColumns& words = {});
/// The named part where there is one, else all there is.
Data open_part(const std::string& path, const std::vector<std::string>& columns, const WordColumns& words, Data Splits::*part);
/// The part that is to be measured on: test data, else validation data, else all there is.
const Data& measured_part(const Splits& splits);

/// The columns that a head with this config learns from.
std::vector<std::string> target_columns(const Json& head_config);

/// The columns that a saved model reads: its texts and its targets.
std::vector<std::string> columns_of(const Model& model);

}  // namespace graft::cli
