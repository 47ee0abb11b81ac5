#pragma once

#include <cstdint>
#include <string>

#include "backbone/architecture.h"

namespace graft::backbone {

/// What tells BERT and its relatives apart.
struct BertForm {
  /// The model_type, and what may stand before each name of a published file.
  std::string name;
  /// A line that makes `places`, the rows of the table of positions, of the tokens `ids` [N, L].
  std::string places;
  /// The row of the first token.
  std::int64_t first_place = 0;
};

/// The encoder: forward(input_ids [N, L], attention_mask [N, L]?, token_type_ids [N, L]?) gives hidden states [N, L, D]. Without a mask all
/// positions are real; where there is one type of tokens only, it is no argument.
Recipe bert_recipe(const Weights& file, const BertForm& form);

}  // namespace graft::backbone
