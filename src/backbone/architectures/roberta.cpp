// RoBERTa's encoder (Liu et al., 2019): BERT's, with places that padding does not count in.
#include "backbone/bert_network.h"

namespace graft::backbone {

Architecture roberta();

namespace {

std::optional<Recipe> recognize(const Weights& file) {
  if (!file.config.is_object() || file.config.value("model_type", std::string()) != "roberta") return std::nullopt;
  const std::int64_t padding = reading_config(file.place, [&] { return file.config.value("pad_token_id", std::int64_t{1}); });
  const std::string id = std::to_string(padding);
  return bert_recipe(file, {.name = "roberta",
                            .places = "    real = (ids != " + id +
                                      ").long()\n"
                                      "    places = torch.cumsum(real, 1) * real + " +
                                      id + "\n",
                            .first_place = padding + 1});
}

}  // namespace

Architecture roberta() { return {"roberta", "config.json of model_type \"roberta\", embeddings.word_embeddings.weight", recognize}; }

}  // namespace graft::backbone
