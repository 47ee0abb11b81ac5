#include "cli/reading.h"

#include <algorithm>

#include "cli/pictures.h"
#include "graft/core/error.h"
#include "graft/text/question_windows.h"
#include "graft/text/tokenizer.h"
#include "graft/text/words.h"

namespace graft::cli {
namespace {

std::shared_ptr<const text::Subwords> subwords(const TrainSettings& settings, const Backbone& backbone) {
  if (!settings.tokenizer.empty()) return text::load_subwords(settings.tokenizer);
  const auto inside = backbone.files().find("tokenizer.json");
  if (inside != backbone.files().end()) return text::subwords_from_json(inside->second, settings.backbone + ":tokenizer.json");
  throw ConfigError({.code = "graft-C106",
                     .message = "[graft train] a tokenizer is wanted; the backbone's file holds none.",
                     .remedy = "Name the vocab.txt or tokenizer.json that was published with it with --tokenizer.",
                     .place = settings.backbone});
}

}  // namespace

std::shared_ptr<const Preprocess> make_preprocess(const Task& task, const TrainSettings& settings, const Backbone& backbone) {
  if (task.pictures) return std::make_shared<const image::Pictures>(pictures(task, settings, &backbone));
  auto words = subwords(settings, backbone);
  const std::int64_t length = settings.max_length;
  switch (task.kind) {
    case Task::Kind::Answers: {
      text::QuestionWindowsOptions options{.max_length = length,
                                           .stride = settings.stride != 0 ? settings.stride : std::min<std::int64_t>(128, length / 3)};
      options.max_question = std::min(options.max_question, std::max<std::int64_t>(1, length / 4));
      return std::make_shared<const text::QuestionWindows>(std::move(words), std::move(options));
    }
    case Task::Kind::Tokens:
      return std::make_shared<const text::Words>(
          std::move(words), text::WordsOptions{.max_length = length, .stride = std::min<std::int64_t>(32, length / 4)});
    default:
      break;
  }
  text::TokenizerOptions options{.text = task.texts.front(), .max_length = length};
  if (task.pairs) {
    options.second = task.texts.at(1);
  } else {
    options.also.assign(task.texts.begin() + 1, task.texts.end());
  }
  return std::make_shared<const text::Tokenizer>(std::move(words), std::move(options));
}

int usual_length(const Task& task) { return task.kind == Task::Kind::Answers ? 384 : 256; }

}  // namespace graft::cli
