#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/metric/metric.h"

namespace graft::metric {

/// A stretch of words, [begin, end), that stands for something of this kind.
struct Entity {
  std::string label;
  std::int64_t begin = 0, end = 0;

  auto operator<=>(const Entity&) const = default;
};

/// How tags out of order are read. Default: as seqeval does by itself, and conlleval.pl before it: any change of kind begins an entity, so
/// an I- without its B- does too; E- and S- tags are known. Strict: as seqeval with mode="strict" and scheme=IOB2: an entity is a B- and
/// the I- of its kind that follow, every other tag is none.
enum class EntityMode { Default, Strict };

/// The entities of a sentence, first to last. The label of a tag without one ("B") is "_".
GRAFT_API std::vector<Entity> entities_of(std::span<const std::string> tags, EntityMode mode = EntityMode::Default);

/// Of one kind of entity, or of all.
struct EntityCounts {
  /// Entities that were predicted with their very bounds and kind; predictions; entities there are.
  std::int64_t right = 0, predicted = 0, truths = 0;

  /// right / predicted, right / truths, 2 right / (predicted + truths); 0 where the denominator is.
  double precision() const;
  double recall() const;
  double f1() const;
};

/// How well entities are found. Gives "precision", "recall" and "f1" over all entities, and "macro_f1", the plain mean of the F1 of the
/// kinds that are there or were predicted. 0 where there are no entities at all, NaN without sentences.
class GRAFT_API EntityScores {
 public:
  explicit EntityScores(EntityMode mode = EntityMode::Default) : mode_(mode) {}
  /// Adds a sentence by its tags. Throws ModelError unless there is one predicted tag for each true one.
  void add(std::span<const std::string> truth, std::span<const std::string> predicted);
  /// Adds a text by its entities, each of which is there once.
  void add(std::vector<Entity> truth, std::vector<Entity> predicted);
  void merge(const EntityScores& other);
  MetricValues compute() const;
  /// By label.
  const std::map<std::string, EntityCounts>& kinds() const { return kinds_; }

 private:
  EntityMode mode_;
  std::map<std::string, EntityCounts> kinds_;
  std::int64_t sentences_ = 0;
};

}  // namespace graft::metric
