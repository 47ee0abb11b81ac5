#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backbone/unpickler.h"

namespace graft::backbone {

PickleRef make_value(PickleObject::Kind kind);
PickleRef make_integer(std::int64_t value, PickleObject::Kind kind = PickleObject::Kind::Int);
PickleRef make_text(std::string_view value, PickleObject::Kind kind = PickleObject::Kind::Text);

/// Stack, marks and memo of an unpickler. Values are destroyed by recursion, so they neither nest deep nor hold themselves: what lies in
/// another one, or was recalled, can no longer be filled.
class PickleValues {
 public:
  /// `damaged` is told what is wrong, and throws.
  explicit PickleValues(std::function<void(const std::string& what)> damaged) : damaged_(std::move(damaged)) {}

  void push(PickleRef value);
  PickleRef pop();
  /// What is on top, a second time.
  void repeat();
  void mark() { marks_.push_back(stack_.size()); }
  std::vector<PickleRef> pop_to_mark();

  void push_tuple(std::vector<PickleRef> elements);
  /// Of the values on top.
  void push_tuple(std::size_t size);
  /// Puts values into the list on top.
  void append(const std::vector<PickleRef>& values);
  /// Puts keys and values into the dictionary on top.
  void set_items(const std::vector<PickleRef>& values);

  void remember(std::size_t id);
  /// Under the next number.
  void remember() { remember(memo_.size()); }
  void recall(std::size_t id);

  /// True if one value is left.
  bool is_done() const { return stack_.size() == 1 && marks_.empty(); }

 private:
  const PickleRef& top() const;
  void contain(PickleObject& outer, PickleObject& inner) const;
  [[noreturn]] void damaged(const std::string& what) const;

  std::function<void(const std::string&)> damaged_;
  std::vector<PickleRef> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::size_t, PickleRef> memo_;
  std::size_t made_ = 0;
};

}  // namespace graft::backbone
