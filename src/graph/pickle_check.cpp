#include "graph/pickle_check.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <span>

#include "graft/core/error.h"
#include "graph/pickle_stack.h"
#include "graph/pickle_tensors.h"
#include "graph/policy.h"
#include "graph/storage_span.h"

namespace graft::graph {
namespace {

using Value = PickleValue;
using Kind = PickleValue::Kind;

constexpr std::uint64_t max_pickle = 256ULL << 20;
// Types are parsed by recursion, as expressions.
constexpr std::size_t max_type = 10000;
constexpr int max_brackets = 200;
constexpr std::string_view type_characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,[]() ";

/// Bits of an element by the name that a pickle gives to a type, "FloatStorage"; 0 if it is none.
std::uint8_t bits_of(std::string_view storage_name) {
  const auto type = storage_type(storage_name);
  return type ? static_cast<std::uint8_t>(bits_per_element(*type)) : std::uint8_t{0};
}

class Check {
 public:
  Check(const Archive& archive, const std::string& name, PickleClasses classes)
      : archive_(archive),
        name_(name),
        classes_(classes),
        stack_([this](const std::string& what) { refuse(what); }),
        tensors_(archive, name_, bytes_, stack_) {
    const Record* record = archive.find(name + ".pkl");
    if (record == nullptr) archive.refuse("it has no \"" + name + ".pkl\"");
    if (record->size > max_pickle) refuse("is larger than " + std::to_string(max_pickle >> 20) + " MB");
    bytes_ = archive.bytes(*record);
  }

  const std::set<std::string>& devices() const { return tensors_.devices(); }

  void run() {
    if (!bytes_.starts_with("\x80\x02")) refuse("is no pickle of protocol 2");
    at_ = 2;
    for (unsigned char code = read<unsigned char>(); code != '.'; code = read<unsigned char>()) step(code);
    if (at_ != bytes_.size() || !stack_.is_done()) refuse("does not end with one value");
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { archive_.refuse("\"" + name_ + ".pkl\" " + what); }

  template <class T>
  T read() {
    if (bytes_.size() - at_ < sizeof(T)) refuse("ends early");
    T value;
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }

  void push_int(std::int64_t number) { stack_.push({.kind = Kind::Int, .number = number}); }

  void push_text() {
    const std::size_t length = read<std::uint32_t>();
    if (bytes_.size() - at_ < length) refuse("ends early");
    stack_.push({.kind = Kind::Text, .number = pack(at_, length)});
    at_ += length;
  }

  void require_class(std::string_view content) const {
    const std::string found = forbidden_class(content);
    if (found.empty() || classes_ == PickleClasses::Any) return;
    throw CheckpointError({.code = "graft-K016",
                           .message = "[Archive] objects that only compute are wanted, \"" + name_ + ".pkl\" makes one of " + found + ".",
                           .remedy = trust_remedy,
                           .place = archive_.path()});
  }

  /// A class or function by its name: "module\nname\n".
  void push_global() {
    const std::size_t first = bytes_.find('\n', at_);
    const std::size_t second = first == std::string::npos ? first : bytes_.find('\n', first + 1);
    if (second == std::string::npos) refuse("ends early");
    const std::string_view both = std::string_view(bytes_).substr(at_, second - at_);
    const std::string_view module = both.substr(0, first - at_), name = both.substr(first - at_ + 1);
    static const std::set<std::string_view> modules = {"torch", "torch._utils", "torch.jit._pickle", "collections", "builtins", "__main__"};
    if (!module.starts_with("__torch__") && !modules.contains(module)) {
      refuse("names \"" + std::string(module) + "." + std::string(name) + "\", which is not part of TorchScript");
    }
    require_class(both);
    const std::uint8_t bits = module == "torch" ? bits_of(name) : std::uint8_t{0};
    stack_.push({.kind = bits != 0 ? Kind::StorageType : Kind::Global, .bits = bits, .number = pack(at_, both.size())});
    at_ = second + 1;
  }

  /// "List[Optional[Tensor]]", which gives a list its type.
  void check_type(const Value& value) const {
    if (value.kind != Kind::Text) refuse("has a type that is no text");
    const std::string_view type = text_of(bytes_, value);
    if (type.size() > max_type || type.find_first_not_of(type_characters) != std::string_view::npos) refuse("has a type that is none");
    if (std::ranges::count_if(type, [](char c) { return c == '[' || c == '('; }) > max_brackets) refuse("has a type that nests too deep");
    require_class(type);
  }

  void call() {
    const Value argument = stack_.pop(), function = stack_.pop();
    if (function.kind != Kind::Global) refuse("calls what is no function");
    const std::string_view name = text_of(bytes_, function);
    if (name == "torch._utils\n_rebuild_tensor_v2" || name == "torch._utils\n_rebuild_qtensor") {
      stack_.push(tensors_.tensor(argument));
    } else if (name.starts_with("torch.jit._pickle\n") && !stack_.elements(argument).empty()) {
      // These give their first argument back, with a type.
      const auto parts = stack_.elements(argument);
      if (name.ends_with("\nrestore_type_tag")) check_type(parts.back());
      stack_.push_shared(parts.front());
    } else {
      const bool convolution =
          name.starts_with("__torch__.torch.classes.quantized\nConv") || name == "__torch__.torch.classes.mkldnn\nConvOpContext";
      if (convolution || name.starts_with("__torch__.torch.classes.quantized\nLinear")) tensors_.check_packed(argument, convolution);
      stack_.push_made_of(argument);
    }
  }

  /// One instruction. Only those that LibTorch reads are known (torch/csrc/jit/serialization/pickler.h, PickleOpCode).
  void step(unsigned char code) {
    switch (code) {
      case '(':
        return stack_.mark();
      case 'N':
      case 0x88:
      case 0x89:
        return stack_.push({});
      case 'K':
        return push_int(read<std::uint8_t>());
      case 'M':
        return push_int(read<std::uint16_t>());
      case 'J':
        return push_int(read<std::int32_t>());
      case 0x8a:
        if (read<std::uint8_t>() != 8) refuse("has a number that is not of 8 bytes");
        return push_int(read<std::int64_t>());
      case 'G':
        read<double>();
        return stack_.push({});
      case 'X':
        return push_text();
      case 'c':
        return push_global();
      case ')':
      case 0x85:
      case 0x86:
      case 0x87:
        return stack_.push_tuple(code == ')' ? std::size_t{0} : std::size_t{code} - 0x84);
      case 't':
        return stack_.push_tuple(stack_.pop_to_mark());
      case ']':
      case '}':
        return stack_.push_container();
      case 'l':
      case 'd': {
        const auto values = stack_.pop_to_mark();
        stack_.push_container();
        return stack_.fill(values, code == 'd');
      }
      case 'e':
      case 'u':
        return stack_.fill(stack_.pop_to_mark(), code == 'u');
      case 's': {
        const Value value = stack_.pop(), key = stack_.pop();
        return stack_.fill(std::vector{key, value}, true);
      }
      case 'q':
        return stack_.put(read<std::uint8_t>());
      case 'r':
        return stack_.put(read<std::uint32_t>());
      case 'h':
        return stack_.get(read<std::uint8_t>());
      case 'j':
        return stack_.get(read<std::uint32_t>());
      case 0x81:  // a new object: its class, which stays on the stack, and no arguments
        return static_cast<void>(stack_.pop());
      case 'R':
      case 'b':
        return call();
      case 'Q':
        return stack_.push(tensors_.storage(stack_.pop()));
      default:
        refuse("has the unknown instruction " + std::to_string(code));
    }
  }

  const Archive& archive_;
  const std::string name_;
  const PickleClasses classes_;
  std::string bytes_;
  std::size_t at_ = 0;
  PickleStack stack_;
  PickleTensors tensors_;
};

}  // namespace

std::set<std::string> check_pickle(const Archive& archive, const std::string& name, PickleClasses classes) {
  Check check(archive, name, classes);
  check.run();
  return check.devices();
}

}  // namespace graft::graph
