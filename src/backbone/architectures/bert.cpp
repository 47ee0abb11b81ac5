// BERT's encoder (Devlin et al., 2018), and what has its form, such as MiniLM.
#include "backbone/bert_network.h"

namespace graft::backbone {

Architecture bert();

namespace {

std::optional<Recipe> recognize(const Weights& file) {
  if (!file.config.is_object() || file.config.value("model_type", std::string()) != "bert") return std::nullopt;
  return bert_recipe(file, {.name = "bert", .places = "    places = torch.arange(ids.size(1), device=ids.device)\n"});
}

}  // namespace

Architecture bert() { return {"bert", "config.json of model_type \"bert\", embeddings.word_embeddings.weight", recognize}; }

}  // namespace graft::backbone
