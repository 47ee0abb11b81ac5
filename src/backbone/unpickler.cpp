#include "backbone/unpickler.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <unordered_map>

namespace graft::backbone {
namespace {

using Kind = PickleObject::Kind;

constexpr int max_depth = 64;

PickleRef make(Kind kind) {
  auto made = std::make_shared<PickleObject>();
  made->kind = kind;
  return made;
}

PickleRef integer(std::int64_t value, Kind kind = Kind::Int) {
  auto made = make(kind);
  made->integer = value;
  return made;
}

PickleRef text(std::string_view value, Kind kind = Kind::Text) {
  auto made = make(kind);
  made->text = value;
  return made;
}

}  // namespace

/// One run: stack, marks and memo. The opcodes are those of Python's pickletools.
class Unpickler::Machine {
 public:
  Machine(const Handlers& handlers, std::string_view& bytes) : handlers_(handlers), bytes_(bytes) {}

  PickleRef run() {
    for (;;) {
      const char code = take(1)[0];
      if (code == '.') {
        if (stack_.size() != 1 || !marks_.empty()) damaged("ends with something left over");
        return pop();
      }
      step(code);
    }
  }

 private:
  [[noreturn]] void damaged(const std::string& what) const {
    handlers_.damaged(what);
    std::abort();  // it throws
  }

  std::string_view take(std::size_t size) {
    if (size > bytes_.size()) damaged("ends in the middle");
    const std::string_view part = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return part;
  }

  std::string_view line() {
    const std::size_t end = bytes_.find('\n');
    if (end == std::string_view::npos) damaged("ends in the middle");
    const std::string_view part = take(end + 1);
    return part.substr(0, end);
  }

  template <class Number>
  Number number() {
    Number value{};
    std::memcpy(&value, take(sizeof(Number)).data(), sizeof(Number));
    return value;
  }

  std::int64_t decimal(std::string_view digits) const {
    std::int64_t value = 0;
    if (digits.ends_with('L')) digits.remove_suffix(1);
    if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc()) damaged("has a number that is none");
    return value;
  }

  /// Little-endian, of any length up to 8 bytes; longer ones only stand for themselves.
  static std::int64_t long_number(std::string_view digits) {
    std::int64_t value = !digits.empty() && digits.back() < 0 ? -1 : 0;
    std::memcpy(&value, digits.data(), std::min<std::size_t>(digits.size(), sizeof(value)));
    return value;
  }

  void push(PickleRef value) { stack_.push_back(std::move(value)); }
  PickleRef pop() {
    if (stack_.empty() || (!marks_.empty() && stack_.size() == marks_.back())) damaged("takes what is not there");
    PickleRef value = std::move(stack_.back());
    stack_.pop_back();
    return value;
  }
  const PickleRef& top() {
    if (stack_.empty()) damaged("takes what is not there");
    return stack_.back();
  }
  std::vector<PickleRef> pop_to_mark() {
    if (marks_.empty()) damaged("lacks a mark");
    std::vector<PickleRef> values(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return values;
  }

  void tuple(std::vector<PickleRef> elements) {
    auto made = make(Kind::Tuple);
    for (const PickleRef& element : elements) contain(*made, *element);
    made->elements = std::move(elements);
    push(std::move(made));
  }

  /// Values are destroyed by recursion, so they must not nest deep, nor hold themselves: what lies in another one, or was recalled, is
  /// full.
  void contain(PickleObject& outer, PickleObject& inner) const {
    if (outer.is_full) damaged("fills what others hold already");
    inner.is_full = true;
    outer.depth = std::max(outer.depth, inner.depth + 1);
    if (outer.depth > max_depth) damaged("nests too deep");
  }

  void append(const std::vector<PickleRef>& values) {
    const PickleRef& list = top();
    if (list->kind != Kind::List) damaged("appends to what is no list");
    for (const PickleRef& value : values) contain(*list, *value);
    list->elements.insert(list->elements.end(), values.begin(), values.end());
  }

  void set_items(const std::vector<PickleRef>& values) {
    const PickleRef& dict = top();
    if (dict->kind != Kind::Dict || values.size() % 2 != 0) damaged("fills what is no dictionary");
    for (const PickleRef& value : values) contain(*dict, *value);
    for (std::size_t i = 0; i < values.size(); i += 2) dict->entries.emplace_back(values[i], values[i + 1]);
  }

  void global(const std::string& name) {
    const bool storage = name.starts_with("torch ") && name.ends_with("Storage");
    const bool known = storage || name == "collections OrderedDict" || name == "torch._utils _rebuild_tensor_v2" ||
                       name == "torch._utils _rebuild_tensor" || name == "torch._utils _rebuild_parameter" || name == "torch Size" ||
                       name == "torch.storage UntypedStorage" || name == "torch.serialization _get_layout";
    if (!known) handlers_.forbidden(name);
    push(text(name, Kind::Global));
  }

  std::vector<std::int64_t> integers(const PickleRef& tuple) const {
    std::vector<std::int64_t> values;
    for (const PickleRef& element : tuple->elements) {
      if (element->kind != Kind::Int) damaged("has a shape that is none");
      values.push_back(element->integer);
    }
    return values;
  }

  void reduce() {
    const PickleRef arguments = pop(), function = pop();
    if (function->kind != Kind::Global || arguments->kind != Kind::Tuple) damaged("calls what is no function");
    const auto& given = arguments->elements;
    if (function->text == "collections OrderedDict") {
      push(make(Kind::Dict));
      // OrderedDict([(key, value), ...])
      for (const PickleRef& pair : given.empty() ? std::vector<PickleRef>{} : given[0]->elements) {
        if (pair->elements.size() != 2) damaged("has a dictionary that is none");
        set_items(pair->elements);
      }
    } else if (function->text == "torch._utils _rebuild_tensor_v2" || function->text == "torch._utils _rebuild_tensor") {
      if (given.size() < 4 || given[0]->kind != Kind::Storage || given[1]->kind != Kind::Int) damaged("has a tensor without a storage");
      auto made = make(Kind::Tensor);
      made->tensor = handlers_.tensor(given[0]->integer, given[1]->integer, integers(given[2]), integers(given[3]));
      push(std::move(made));
    } else if (function->text == "torch._utils _rebuild_parameter") {
      if (given.empty() || given[0]->kind != Kind::Tensor) damaged("has a parameter that is no tensor");
      push(given[0]);
    } else if (function->text == "torch Size") {
      push(given.empty() ? make(Kind::Tuple) : given[0]);
    } else {
      handlers_.forbidden(function->text + "(...)");
    }
  }

  void persistent(const PickleRef& description) {
    if (description->kind != Kind::Tuple) damaged("has a storage that is not described as one");
    push(integer(handlers_.storage(description->elements), Kind::Storage));
  }

  void remember(std::size_t id) { memo_[id] = top(); }
  void recall(std::size_t id) {
    const auto known = memo_.find(id);
    if (known == memo_.end()) damaged("recalls what it did not remember");
    known->second->is_full = true;
    push(known->second);
  }

  void step(char code) {
    switch (code) {
      case '\x80':
        take(1);
        break;  // PROTO
      case '\x95':
        take(8);
        break;  // FRAME
      case '(':
        marks_.push_back(stack_.size());
        break;  // MARK
      case '0':
        pop();
        break;  // POP
      case '1':
        pop_to_mark();
        break;   // POP_MARK
      case '2':  // DUP
        top()->is_full = true;
        push(PickleRef(top()));
        break;
      case 'N':
        push(make(Kind::None));
        break;  // NONE
      case '\x88':
        push(integer(1, Kind::Bool));
        break;  // NEWTRUE
      case '\x89':
        push(integer(0, Kind::Bool));
        break;     // NEWFALSE
      case 'I': {  // INT
        const std::string_view digits = line();
        push(digits == "01" || digits == "00" ? integer(digits == "01", Kind::Bool) : integer(decimal(digits)));
        break;
      }
      case 'L':
        push(integer(decimal(line())));
        break;  // LONG
      case 'J':
        push(integer(number<std::int32_t>()));
        break;  // BININT
      case 'K':
        push(integer(number<std::uint8_t>()));
        break;  // BININT1
      case 'M':
        push(integer(number<std::uint16_t>()));
        break;  // BININT2
      case '\x8a':
        push(integer(long_number(take(number<std::uint8_t>()))));
        break;     // LONG1
      case 'G': {  // BINFLOAT, big-endian
        std::uint64_t bits = __builtin_bswap64(number<std::uint64_t>());
        auto made = make(Kind::Float);
        std::memcpy(&made->real, &bits, sizeof(bits));
        push(std::move(made));
        break;
      }
      case 'U':
        push(text(take(number<std::uint8_t>())));
        break;  // SHORT_BINSTRING
      case 'T':
        push(text(take(number<std::uint32_t>())));
        break;  // BINSTRING
      case '\x8c':
        push(text(take(number<std::uint8_t>())));
        break;  // SHORT_BINUNICODE
      case 'X':
        push(text(take(number<std::uint32_t>())));
        break;  // BINUNICODE
      case 'C':
        push(text(take(number<std::uint8_t>())));
        break;  // SHORT_BINBYTES
      case 'B':
        push(text(take(number<std::uint32_t>())));
        break;  // BINBYTES
      case 'V':
        push(text(line()));
        break;  // UNICODE
      case ')':
        push(make(Kind::Tuple));
        break;  // EMPTY_TUPLE
      case '\x85':
        tuple_of(1);
        break;  // TUPLE1
      case '\x86':
        tuple_of(2);
        break;  // TUPLE2
      case '\x87':
        tuple_of(3);
        break;  // TUPLE3
      case 't':
        tuple(pop_to_mark());
        break;  // TUPLE
      case ']':
        push(make(Kind::List));
        break;  // EMPTY_LIST
      case '}':
        push(make(Kind::Dict));
        break;     // EMPTY_DICT
      case 'l': {  // LIST
        const std::vector<PickleRef> values = pop_to_mark();
        push(make(Kind::List));
        append(values);
        break;
      }
      case 'd': {  // DICT
        const std::vector<PickleRef> values = pop_to_mark();
        push(make(Kind::Dict));
        set_items(values);
        break;
      }
      case 'a': {  // APPEND
        const PickleRef value = pop();
        append({value});
        break;
      }
      case 'e':
        append(pop_to_mark());
        break;     // APPENDS
      case 's': {  // SETITEM
        const PickleRef value = pop(), key = pop();
        set_items({key, value});
        break;
      }
      case 'u':
        set_items(pop_to_mark());
        break;     // SETITEMS
      case 'c': {  // GLOBAL
        const std::string module(line());
        global(module + " " + std::string(line()));
        break;
      }
      case '\x93': {  // STACK_GLOBAL
        const PickleRef name = pop(), module = pop();
        global(module->text + " " + name->text);
        break;
      }
      case 'R':
        reduce();
        break;  // REDUCE
      case 'b':
        pop();
        break;  // BUILD: what a dictionary carries beside its entries, such as _metadata
      case 'Q':
        persistent(pop());
        break;  // BINPERSID
      case 'q':
        remember(number<std::uint8_t>());
        break;  // BINPUT
      case 'r':
        remember(number<std::uint32_t>());
        break;  // LONG_BINPUT
      case 'p':
        remember(static_cast<std::size_t>(decimal(line())));
        break;  // PUT
      case '\x94':
        remember(memo_.size());
        break;  // MEMOIZE
      case 'h':
        recall(number<std::uint8_t>());
        break;  // BINGET
      case 'j':
        recall(number<std::uint32_t>());
        break;  // LONG_BINGET
      case 'g':
        recall(static_cast<std::size_t>(decimal(line())));
        break;  // GET
      default:
        damaged("has the opcode " + std::to_string(static_cast<unsigned char>(code)) + ", which no pickle of tensors has");
    }
  }

  void tuple_of(std::size_t size) {
    std::vector<PickleRef> elements(size);
    for (std::size_t i = size; i-- > 0;) elements[i] = pop();
    tuple(std::move(elements));
  }

  const Handlers& handlers_;
  std::string_view& bytes_;
  std::vector<PickleRef> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::size_t, PickleRef> memo_;
};

PickleRef Unpickler::read(std::string_view& bytes) { return Machine(handlers_, bytes).run(); }

}  // namespace graft::backbone
