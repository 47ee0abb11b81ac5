#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graft/core/fields.h"
#include "graft/data/boxes.h"

namespace graft {

/// A part of a text that is an answer, or an entity.
struct TextSpan {
  /// Byte offsets in the original UTF-8 text, [begin, end).
  std::size_t begin = 0, end = 0;
  /// What it is; empty where all are of one kind.
  std::string label = {};
  /// In [0, 1].
  double score = 0;
  /// Its characters; empty where only the network's inputs are known.
  std::string text = {};
};

/// What a head makes of a sample, or of all samples of a record.
struct Decoded {
  /// The answer, and how sure it is in [0, 1].
  std::string label = {};
  double score = 0;
  /// The best labels with their scores, best first; where an answer is one label, it is the first.
  std::vector<std::pair<std::string, double>> top = {};
  /// Where answers are parts of a text: the best answers, best first, or all entities in the order of the text.
  std::vector<TextSpan> spans = {};
  /// Where every word of a text has a label: one a word.
  std::vector<std::string> tags = {};
  /// Where answers are objects in a picture: all that were found, best first.
  std::vector<Box> boxes = {};
  /// Where an answer is no label: numbers by name, such as the head's outputs for this sample, without the batch dimension.
  Fields values = {};
  /// True if the input is taken to belong to none of the classes, or to have no answer: `label` is then the head's name for that, `score`
  /// and `top` are those of the best classes.
  bool rejected = false;
  /// How well the input fits the classes at all, where the head measures it; larger is better, and below the head's threshold it rejects.
  std::optional<double> rejection_score = std::nullopt;
};

}  // namespace graft
