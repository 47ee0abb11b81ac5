#include "train/reading_check.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <optional>

#include "core/json.h"
#include "core/names.h"
#include "core/table.h"
#include "graft/text/wordpiece.h"
#include "graph/ends.h"
#include "graph/lookup_tables.h"
#include "text/tokens_of.h"

namespace graft::train {
namespace {

/// Of published classifiers: ImageNet with and without a background, ImageNet-21k.
constexpr std::array<std::int64_t, 4> published_classes{1000, 1001, 21841, 21843};
constexpr std::size_t looked_at = 8;  // pictures
// Numbers around 0, of a deviation near 1, do not come near this.
constexpr double far_from_normal = 16;
// Tables of so few rows hold kinds of tokens, neither tokens nor places.
constexpr std::int64_t few_rows = 16;

Problem warning(const std::string& code, const std::string& message, const std::string& remedy, const std::string& place = "") {
  return {code, "[Data] " + message, remedy, place};
}

/// The layer before the one that has this weight, mostly what it reads.
std::string layer_before(const Backbone& backbone, const std::string& weight) {
  std::string last;
  for (const Backbone::Tap& tap : backbone.taps()) {
    if (!tap.is_module) continue;
    if (weight.starts_with(tap.name + ".")) break;
    last = tap.name;
  }
  return last;
}

/// A head of its own on the scores for classes that nobody asks for.
void logits_for_features(const Model& model, std::vector<Problem>& found) {
  const std::vector<Feature> reads = model.head().reads();
  const bool whole = std::ranges::any_of(reads, [](const Feature& feature) { return feature.from == "output"; });
  if (!whole || model.head().parameters().names().empty()) return;
  const auto classifier = graph::classifier(model.backbone().network());
  if (!classifier) return;
  for (const auto& [name, weight] : model.backbone().network().parameters()) {
    if (name != classifier->weight || std::ranges::find(published_classes, weight.size(0)) == published_classes.end()) continue;
    const std::string before = layer_before(model.backbone(), name);
    found.push_back(warning("graft-W007",
                            "the head reads the scores of " + with_commas(weight.size(0)) +
                                " classes that the backbone was trained on (\"" + name + "\" " + shape_text(weight.sizes()) +
                                "), not features.",
                            "Give the model graft::backbone::without_classifier(backbone)" +
                                (before.empty() ? "" : ", or let the head read a feature, such as .from = \"" + before + "\"") + "."));
  }
}

/// Pictures as they come from a file, where networks read numbers around 0.
void bytes_for_numbers(const Model& model, const Data& train, std::vector<Problem>& found) {
  for (std::size_t i = 0; i < std::min(looked_at, train.size()); ++i) {
    const Record record = train.get(i);
    std::vector<Sample> samples;
    try {
      Rng rng(0);
      samples = (*model.preprocess())(record, rng, Mode::Eval);
    } catch (const std::exception&) {
      continue;  // told by what reads it
    }
    for (const auto& [name, tensor] : samples.empty() ? Fields() : samples.front().inputs) {
      if (tensor.dim() != 3 || !tensor.is_floating_point() || tensor.numel() == 0) continue;
      const double low = tensor.min().item<double>(), high = tensor.max().item<double>();
      if (low < 0 || high <= far_from_normal || high > 255) continue;
      found.push_back(warning(
          "graft-W009", "\"" + name + "\" looks like pictures of bytes, with values from " + fixed(low, 0) + " to " + fixed(high, 0) + ".",
          "Bring them into the range that the network was trained on: mostly / 255, less the mean, by the deviation.", record.place));
      return;
    }
  }
}

/// Tried on the longest text, where a table looks too small for it.
void small_tables(const Model& model, std::vector<Problem>& found) {
  const auto reads = text::tokens_of(*model.preprocess());
  if (!reads) return;
  const std::int64_t length = reads->most;
  std::int64_t smallest = std::numeric_limits<std::int64_t>::max();
  const std::set<std::string> tables = graph::lookup_tables(model.backbone().network());
  for (const auto& [name, tensor] : model.backbone().network().parameters()) {
    if (tables.contains(name) && tensor.size(0) > few_rows) smallest = std::min(smallest, tensor.size(0));
  }
  const c10::NoGradGuard no_grad;
  const auto runs_on = [&](std::int64_t tokens) {
    try {
      model.features({{"input_ids", at::zeros({1, tokens}, at::kLong)}});
      return true;
    } catch (const std::exception&) {
      return false;
    }
  };
  // Some rows of a table of places may be for something else, as RoBERTa's first two are.
  if (smallest - length >= few_rows || runs_on(length)) return;
  std::int64_t fits = std::min(smallest, length - 1);
  while (fits > 1 && smallest - fits < few_rows && !runs_on(fits)) --fits;
  found.push_back(warning("graft-W011",
                          "the tokenizer gives up to " + with_commas(length) +
                              " tokens, which the network cannot run on: its smallest table has " + with_commas(smallest) + " rows.",
                          "Take a max_length of at most " + with_commas(fits) + "."));
}

/// Ids that stand for other words than those that the network has learned them with: of the vocabulary that came with its file, where there
/// is one.
void other_words(const Model& model, std::vector<Problem>& found) {
  const auto reads = text::tokens_of(*model.preprocess());
  const auto file = model.backbone().files().find("tokenizer.json");
  if (!reads || file == model.backbone().files().end()) return;
  std::shared_ptr<const text::Subwords> own;
  try {
    own = text::subwords_from_json(file->second);
  } catch (const Error&) {
    return;  // of a kind that is not read
  }
  const text::Subwords& given = *reads->vocabulary;
  std::int64_t differ = std::abs(static_cast<std::int64_t>(own->size()) - static_cast<std::int64_t>(given.size())), first = -1;
  for (std::int64_t id = 0; id < static_cast<std::int64_t>(std::min(own->size(), given.size())); ++id) {
    if (own->token(id) == given.token(id)) continue;
    if (first < 0) first = id;
    ++differ;
  }
  const auto* own_pieces = dynamic_cast<const text::WordPiece*>(own.get());
  const auto* given_pieces = dynamic_cast<const text::WordPiece*>(&given);
  const bool reads_alike =
      own_pieces == nullptr || given_pieces == nullptr || own_pieces->options().lowercase == given_pieces->options().lowercase;
  if (differ == 0 && reads_alike) return;
  const std::string example = first < 0 ? ""
                                        : "; the id " + with_commas(first) + " is \"" + given.token(first) + "\" in the one and \"" +
                                              own->token(first) + "\" in the other";
  found.push_back(
      warning("graft-W016",
              "the tokenizer is not the one that the network's file holds: " +
                  (differ > 0 ? with_commas(differ) + " of " + with_commas(static_cast<std::int64_t>(own->size())) + " ids differ" + example
                              : std::string("it keeps upper case where that one does not, or the other way round")) +
                  ".",
              "Leave the tokenizer out, or take the one that was published with the network."));
}

}  // namespace

std::vector<Problem> check_reading(const Model& model, const Data& train) {
  std::vector<Problem> found;
  logits_for_features(model, found);
  bytes_for_numbers(model, train, found);
  small_tables(model, found);
  other_words(model, found);
  return found;
}

}  // namespace graft::train
