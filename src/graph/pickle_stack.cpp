#include "graph/pickle_stack.h"

#include <algorithm>

namespace graft::graph {
namespace {

using Kind = PickleValue::Kind;

constexpr std::uint16_t max_depth = 1000;
// A key is hashed by walking all of it, shared parts again and again.
constexpr std::uint32_t max_key_weight = 1000;
constexpr std::size_t max_kept_elements = 64;
// Of a tuple or list that has too many elements to keep them.
constexpr std::int64_t not_kept = -1;

std::size_t index_of(const PickleValue& container) { return static_cast<std::size_t>(container.number); }

}  // namespace

std::int64_t pack(std::size_t first, std::size_t second) { return static_cast<std::int64_t>(first << 32 | second); }
std::size_t first_of(std::int64_t packed) { return static_cast<std::size_t>(packed) >> 32; }
std::size_t second_of(std::int64_t packed) { return static_cast<std::size_t>(packed) & 0xffffffff; }

std::string_view text_of(std::string_view pickle, const PickleValue& value) {
  return pickle.substr(first_of(value.number), second_of(value.number));
}

void PickleStack::need_top() const {
  // What lies below the last mark belongs to whoever set it.
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse_("takes more values than it gives");
}

void PickleStack::push_shared(const PickleValue& value) {
  if (value.kind == Kind::Container) containers_[index_of(value)].shared = true;
  push(value);
}

PickleValue PickleStack::pop() {
  need_top();
  const PickleValue value = stack_.back();
  stack_.pop_back();
  return value;
}

std::vector<PickleValue> PickleStack::pop_to_mark() {
  if (marks_.empty()) refuse_("lacks a mark");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<PickleValue> values(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return values;
}

std::uint16_t PickleStack::depth(const PickleValue& value) const {
  return value.kind == Kind::Container ? containers_[index_of(value)].depth : value.depth;
}

std::uint32_t PickleStack::weight(const PickleValue& value) const {
  return value.kind == Kind::Container ? containers_[index_of(value)].weight : value.weight;
}

void PickleStack::grow(std::uint16_t& whole_depth, std::uint32_t& whole_weight, const PickleValue& part) const {
  if (depth(part) >= max_depth) refuse_("nests too deep");
  whole_depth = std::max(whole_depth, static_cast<std::uint16_t>(depth(part) + 1));
  whole_weight = whole_weight > UINT32_MAX - weight(part) ? UINT32_MAX : whole_weight + weight(part);
}

std::int64_t PickleStack::keep(std::span<const PickleValue> elements) {
  if (elements.size() > max_kept_elements) return not_kept;
  kept_.insert(kept_.end(), elements.begin(), elements.end());
  return pack(kept_.size() - elements.size(), elements.size());
}

void PickleStack::push_tuple(std::span<const PickleValue> elements) {
  PickleValue tuple;
  for (const PickleValue& element : elements) grow(tuple.depth, tuple.weight, element);
  tuple.kind = Kind::Tuple;
  tuple.number = keep(elements);
  push(tuple);
}

void PickleStack::push_tuple(std::size_t size) {
  std::vector<PickleValue> elements(size);
  while (size > 0) elements[--size] = pop();
  push_tuple(elements);
}

void PickleStack::push_container() {
  push({.kind = Kind::Container, .number = static_cast<std::int64_t>(containers_.size())});
  containers_.emplace_back();
}

void PickleStack::fill(std::span<const PickleValue> values, bool dictionary) {
  need_top();
  if (stack_.back().kind != Kind::Container) refuse_("fills what is no list or dictionary");
  Container& filled = containers_[index_of(stack_.back())];
  // Whoever holds it has been measured with it empty, and may even lie inside of it.
  if (filled.shared) refuse_("fills a value that is in use");
  if (dictionary && values.size() % 2 != 0) refuse_("has a key without a value");
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (dictionary && i % 2 == 0 && weight(values[i]) > max_key_weight) refuse_("has too large a key");
    grow(filled.depth, filled.weight, values[i]);
  }
  filled.kept = filled.kept == 0 ? keep(values) : not_kept;
}

void PickleStack::push_made_of(const PickleValue& part) {
  PickleValue whole;
  grow(whole.depth, whole.weight, part);
  push(whole);
}

void PickleStack::put(std::size_t id) {
  need_top();
  if (id > memo_.size()) refuse_("leaves gaps in its memo");
  if (id == memo_.size()) memo_.emplace_back();
  memo_[id] = stack_.back();
}

void PickleStack::get(std::size_t id) {
  if (id >= memo_.size()) refuse_("recalls what it has not remembered");
  push_shared(memo_[id]);
}

std::span<const PickleValue> PickleStack::elements(const PickleValue& value) const {
  if (value.kind != Kind::Tuple && value.kind != Kind::Container) refuse_("has no tuple or list where one is wanted");
  const std::int64_t kept = value.kind == Kind::Tuple ? value.number : containers_[index_of(value)].kept;
  if (kept == not_kept) refuse_("has a long tuple or list where a short one is wanted");
  return std::span(kept_).subspan(first_of(kept), second_of(kept));
}

}  // namespace graft::graph
