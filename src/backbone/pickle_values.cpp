#include "backbone/pickle_values.h"

#include <algorithm>
#include <cstdlib>

namespace graft::backbone {
namespace {

using Kind = PickleObject::Kind;

constexpr int max_depth = 64;
// One byte of a pickle can make a value of a hundred; the largest state dicts have some hundred thousand.
constexpr std::size_t max_values = 2'000'000;

}  // namespace

PickleRef make_value(Kind kind) {
  auto made = std::make_shared<PickleObject>();
  made->kind = kind;
  return made;
}

PickleRef make_integer(std::int64_t value, Kind kind) {
  auto made = make_value(kind);
  made->integer = value;
  return made;
}

PickleRef make_text(std::string_view value, Kind kind) {
  auto made = make_value(kind);
  made->text = value;
  return made;
}

void PickleValues::damaged(const std::string& what) const {
  damaged_(what);
  std::abort();  // it throws
}

void PickleValues::push(PickleRef value) {
  if (++made_ > max_values) damaged("has more values than any state dict");
  stack_.push_back(std::move(value));
}

PickleRef PickleValues::pop() {
  if (stack_.empty() || (!marks_.empty() && stack_.size() == marks_.back())) damaged("takes what is not there");
  PickleRef value = std::move(stack_.back());
  stack_.pop_back();
  return value;
}

const PickleRef& PickleValues::top() const {
  if (stack_.empty()) damaged("takes what is not there");
  return stack_.back();
}

void PickleValues::repeat() {
  top()->is_full = true;
  push(PickleRef(top()));
}

std::vector<PickleRef> PickleValues::pop_to_mark() {
  if (marks_.empty()) damaged("lacks a mark");
  std::vector<PickleRef> values(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
  stack_.resize(marks_.back());
  marks_.pop_back();
  return values;
}

void PickleValues::push_tuple(std::vector<PickleRef> elements) {
  auto made = make_value(Kind::Tuple);
  for (const PickleRef& element : elements) contain(*made, *element);
  made->elements = std::move(elements);
  push(std::move(made));
}

void PickleValues::push_tuple(std::size_t size) {
  std::vector<PickleRef> elements(size);
  for (std::size_t i = size; i-- > 0;) elements[i] = pop();
  push_tuple(std::move(elements));
}

void PickleValues::contain(PickleObject& outer, PickleObject& inner) const {
  if (outer.is_full) damaged("fills what others hold already");
  inner.is_full = true;
  outer.depth = std::max(outer.depth, inner.depth + 1);
  if (outer.depth > max_depth) damaged("nests too deep");
}

void PickleValues::append(const std::vector<PickleRef>& values) {
  const PickleRef& list = top();
  if (list->kind != Kind::List) damaged("appends to what is no list");
  for (const PickleRef& value : values) contain(*list, *value);
  list->elements.insert(list->elements.end(), values.begin(), values.end());
}

void PickleValues::set_items(const std::vector<PickleRef>& values) {
  const PickleRef& dict = top();
  if (dict->kind != Kind::Dict || values.size() % 2 != 0) damaged("fills what is no dictionary");
  for (const PickleRef& value : values) contain(*dict, *value);
  for (std::size_t i = 0; i < values.size(); i += 2) dict->entries.emplace_back(values[i], values[i + 1]);
}

void PickleValues::remember(std::size_t id) { memo_[id] = top(); }

void PickleValues::recall(std::size_t id) {
  const auto known = memo_.find(id);
  if (known == memo_.end()) damaged("recalls what it did not remember");
  known->second->is_full = true;
  push(known->second);
}

}  // namespace graft::backbone
