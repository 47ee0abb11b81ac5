#pragma once

#include <string>

namespace graft {

/// What a finding means for training.
enum class FindingKind {
  /// Good to know; nothing has to be done.
  Note,
  /// Backbone::repair() mends it.
  Repairable,
  /// Training is hampered, and only another export helps.
  Obstacle,
};

/// "note", "repairable" or "obstacle".
inline std::string kind_name(FindingKind kind) {
  return kind == FindingKind::Note ? "note" : kind == FindingKind::Repairable ? "repairable" : "obstacle";
}

/// Something about a network that is to be known before anything trains on it.
struct Finding {
  /// Stable name, such as "graft-F001"; docs/errors.md lists them.
  std::string code;
  FindingKind kind = FindingKind::Note;
  /// What was found, with counts.
  std::string message;
  /// One sentence that says what to do.
  std::string remedy;
  /// Dotted paths of modules, at most three and how many more; empty: the network as a whole.
  std::string place;

  bool operator==(const Finding&) const = default;
};

}  // namespace graft
