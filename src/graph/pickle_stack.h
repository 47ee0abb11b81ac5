#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace graft::graph {

/// What is known of a value on the unpickler's stack. Small, since one byte of a pickle can push one.
struct PickleValue {
  enum class Kind : std::uint8_t { Other, Int, Text, Global, StorageType, Storage, Tensor, Tuple, Container };
  Kind kind = Kind::Other;
  /// Of an element of a StorageType, Storage or Tensor.
  std::uint8_t bits = 0;
  std::uint16_t depth = 1;
  /// Values in it, shared ones counted each time.
  std::uint32_t weight = 1;
  /// Int: the number. Text, Global, StorageType: where its name stands, and how long it is (see pack). Others: where they are kept.
  std::int64_t number = 0;
};

/// Two numbers below 2^31 in one.
std::int64_t pack(std::size_t first, std::size_t second);
std::size_t first_of(std::int64_t packed);
std::size_t second_of(std::int64_t packed);
/// What a Text is, or the name of a Global or StorageType.
std::string_view text_of(std::string_view pickle, const PickleValue& value);

/// Stack, marks and memo of an unpickler, which keep an order that LibTorch's own only assumes: nothing is popped that is not there or lies
/// below a mark, the memo has no gaps, keys come with values. Values do not nest deep, since they are destroyed by recursion.
class PickleStack {
 public:
  /// `refuse` is told what is wrong, and throws.
  using Refuse = std::function<void(const std::string& what)>;
  explicit PickleStack(Refuse refuse) : refuse_(std::move(refuse)) {}

  void push(const PickleValue& value) { stack_.push_back(value); }
  /// A value that others hold as well: it may not be filled any more, since those that hold it have been measured.
  void push_shared(const PickleValue& value);
  PickleValue pop();
  void mark() { marks_.push_back(stack_.size()); }
  std::vector<PickleValue> pop_to_mark();

  void push_tuple(std::span<const PickleValue> elements);
  void push_tuple(std::size_t size);
  /// An empty list or dictionary.
  void push_container();
  /// Puts values into the list or dictionary on top.
  void fill(std::span<const PickleValue> values, bool dictionary);
  /// Something made of `part`, of which no more is known.
  void push_made_of(const PickleValue& part);

  void put(std::size_t id);
  void get(std::size_t id);

  /// The elements of a tuple, list or dictionary that has at most 64 and was filled once; refuses all else.
  std::span<const PickleValue> elements(const PickleValue& value) const;
  /// True if one value is left.
  bool is_done() const { return stack_.size() == 1 && marks_.empty(); }

 private:
  struct Container {
    std::uint16_t depth = 1;
    std::uint32_t weight = 1;
    bool shared = false;
    std::int64_t kept = 0;
  };

  void need_top() const;
  std::uint16_t depth(const PickleValue& value) const;
  std::uint32_t weight(const PickleValue& value) const;
  std::int64_t keep(std::span<const PickleValue> elements);
  void grow(std::uint16_t& depth, std::uint32_t& weight, const PickleValue& part) const;

  Refuse refuse_;
  std::vector<PickleValue> stack_, memo_, kept_;
  std::vector<std::size_t> marks_;
  std::vector<Container> containers_;
};

}  // namespace graft::graph
