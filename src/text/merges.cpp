#include "text/merges.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <queue>
#include <tuple>

namespace graft::text::detail {
namespace {

// Looking through so few symbols again and again is faster than a queue.
constexpr std::size_t short_word = 32;

constexpr std::int32_t gone = -1;

std::uint64_t key(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32U | static_cast<std::uint32_t>(right);
}

}  // namespace

Merges::Merges(std::size_t count) : rules_(std::bit_ceil(2 * count + 2)), shift_(64 - std::countr_zero(rules_.size())) {}

/// Where the pair's rule is, or is to be put.
std::size_t Merges::slot(std::uint64_t pair) const {
  std::size_t at = (pair * 0x9E3779B97F4A7C15U) >> shift_;
  while (rules_[at].pair != pair && rules_[at].pair != free) at = (at + 1) & (rules_.size() - 1);
  return at;
}

void Merges::add(std::int32_t left, std::int32_t right, std::int32_t made) {
  const std::uint64_t pair = key(left, right);
  rules_[slot(pair)] = {pair, num_ranks_++, made};
}

void Merges::look_up(Symbol& symbol, const Symbol& next) const {
  const Rule& rule = rules_[slot(key(symbol.id, next.id))];
  symbol.rank = rule.rank;
  symbol.made = rule.made;
}

void Merges::join(std::vector<Symbol>& word) const {
  for (std::size_t i = 0; i + 1 < word.size(); ++i) look_up(word[i], word[i + 1]);
  word.size() <= short_word ? join_short(word) : join_long(word);
}

void Merges::join_short(std::vector<Symbol>& word) const {
  while (word.size() > 1) {
    const auto first = std::ranges::min_element(word, {}, &Symbol::rank);
    if (first->rank == none) return;
    const auto second = std::next(first);
    first->id = first->made;
    first->end = second->end;
    const auto next = word.erase(second);
    first->rank = none;
    if (next != word.end()) look_up(*first, *next);
    if (first != word.begin()) look_up(*std::prev(first), *first);
  }
}

void Merges::join_long(std::vector<Symbol>& word) const {
  using Candidate = std::tuple<std::int32_t, std::size_t>;  // rank and place
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const std::size_t end = word.size();
  std::vector<std::size_t> before(end), behind(end);
  for (std::size_t i = 0; i < end; ++i) {
    before[i] = i - 1;
    behind[i] = i + 1;
    if (word[i].rank != none) queue.emplace(word[i].rank, i);
  }
  const auto look_again = [&](std::size_t at) {
    word[at].rank = none;
    if (behind[at] == end) return;
    look_up(word[at], word[behind[at]]);
    if (word[at].rank != none) queue.emplace(word[at].rank, at);
  };
  while (!queue.empty()) {
    const auto [rank, at] = queue.top();
    queue.pop();
    if (word[at].id == gone || word[at].rank != rank) continue;  // it has become another pair
    const std::size_t second = behind[at];
    word[at].id = word[at].made;
    word[at].end = word[second].end;
    word[second].id = gone;
    behind[at] = behind[second];
    if (behind[at] != end) before[behind[at]] = at;
    look_again(at);
    if (at != 0) look_again(before[at]);
  }
  std::erase_if(word, [](const Symbol& symbol) { return symbol.id == gone; });
}

}  // namespace graft::text::detail
