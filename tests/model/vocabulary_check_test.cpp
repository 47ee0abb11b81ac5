#include "model/vocabulary_check.h"

#include "graft/text/tokenizer.h"
#include "graph/network.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

/// The network with the first rows only of its table of tokens.
Backbone cut(const Backbone& whole, std::int64_t rows) {
  std::vector<std::pair<std::string, at::Tensor>> weights;
  for (const auto& [name, tensor] : whole.network().parameters())
    weights.emplace_back(name, name.ends_with("word_embeddings.weight") ? tensor.narrow(0, 0, rows).clone() : tensor);
  return Backbone(whole.network().with_tensors(weights));
}

text::Tokenizer tokenizer(const std::string& name) {
  return text::Tokenizer(text::load_subwords(test::golden_path(name)), {.text = "message", .max_length = 32});
}

}  // namespace

TEST_CASE("Model: a vocabulary larger than the network's table is refused, with both sizes", "[model][error]") {
  const auto refused = [](const Backbone& backbone, const std::string& vocabulary) {
    return test::error_of<ConfigError>([&] {
      Model(backbone, head::Classifier({.label = "queue", .labels = {"A", "B"}}), tokenizer(vocabulary), {.device = "cpu"});
    });
  };
  const ConfigError small = refused(cut(test::tiny_bert(), 150), "tiny_bert");
  CHECK(small.code() == "graft-C050");
  CHECK(small.message() == "[Model] the tokenizer has 160 tokens, the network's largest table 150 rows: it cannot run on every token.");
  CHECK(refused(test::tiny_bert(), "tiny_bpe").message().find("has 600 tokens, the network's largest table 160 rows") != std::string::npos);
  CHECK(refused(cut(test::tiny_roberta(), 599), "tiny_bpe").code() == "graft-C050");
}

TEST_CASE("Model: a vocabulary that fits, or is smaller than the table, is taken", "[model]") {
  CHECK_NOTHROW(require_rows(test::tiny_bert(), tokenizer("tiny_bert")));
  CHECK_NOTHROW(require_rows(test::tiny_roberta(), tokenizer("tiny_bpe")));
  CHECK_NOTHROW(require_rows(test::tiny_roberta(), tokenizer("tiny_bert")));
}
