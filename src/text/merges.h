#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace graft::text::detail {

/// The rules of byte pair encoding (Sennrich et al., 2016): pairs of neighbouring symbols and what they become, the first learned first.
class Merges {
 public:
  /// A stretch of a word on its way to becoming a token.
  struct Symbol {
    std::int32_t id;
    /// Its end in bytes of the word; it begins where the one before it ends.
    std::uint32_t end;
    /// The rule for it and the one behind it: its rank, and the id of the outcome.
    std::int32_t rank = none;
    std::int32_t made = 0;
  };

  explicit Merges(std::size_t count);
  /// The pair's rank is its place among all that were added; a pair that is added again takes the later one.
  void add(std::int32_t left, std::int32_t right, std::int32_t made);
  /// Joins neighbours by the rule of the lowest rank, the leftmost first, until no rule fits: in n log n steps for n symbols.
  void join(std::vector<Symbol>& word) const;

 private:
  static constexpr std::int32_t none = std::numeric_limits<std::int32_t>::max();
  struct Rule {
    std::uint64_t pair = free;
    std::int32_t rank = none;
    std::int32_t made = 0;
  };
  static constexpr std::uint64_t free = std::numeric_limits<std::uint64_t>::max();

  std::size_t slot(std::uint64_t pair) const;
  void look_up(Symbol& symbol, const Symbol& next) const;
  void join_short(std::vector<Symbol>& word) const;
  void join_long(std::vector<Symbol>& word) const;

  /// A table with open addressing; its size is a power of two.
  std::vector<Rule> rules_;
  int shift_;
  std::int32_t num_ranks_ = 0;
};

}  // namespace graft::text::detail
