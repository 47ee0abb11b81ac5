#include "text/tokens_of.h"

#include "graft/text/question_windows.h"
#include "graft/text/tokenizer.h"
#include "graft/text/words.h"

namespace graft::text {

std::optional<Tokens> tokens_of(const Preprocess& preprocess) {
  if (const auto* texts = dynamic_cast<const Tokenizer*>(&preprocess)) return Tokens{&texts->words(), texts->options().max_length};
  if (const auto* words = dynamic_cast<const Words*>(&preprocess)) return Tokens{&words->subwords(), words->options().max_length};
  const auto* windows = dynamic_cast<const QuestionWindows*>(&preprocess);
  return windows != nullptr ? std::optional(Tokens{&windows->words(), windows->options().max_length}) : std::nullopt;
}

}  // namespace graft::text
