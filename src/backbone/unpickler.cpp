#include "backbone/unpickler.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <unordered_map>

#include "backbone/pickle_values.h"

namespace graft::backbone {
namespace {

using Kind = PickleObject::Kind;

/// Little-endian, of any length up to 8 bytes; longer ones only stand for themselves.
std::int64_t long_number(std::string_view digits) {
  std::int64_t value = !digits.empty() && digits.back() < 0 ? -1 : 0;
  std::memcpy(&value, digits.data(), std::min<std::size_t>(digits.size(), sizeof(value)));
  return value;
}

}  // namespace

/// One run over a pickle.
class Unpickler::Machine {
 public:
  Machine(const Handlers& handlers, std::string_view& bytes) : handlers_(handlers), bytes_(bytes), values_(handlers.damaged) {}

  PickleRef run() {
    const auto& steps = opcodes();
    for (;;) {
      const char code = take(1)[0];
      if (code == '.') {
        if (!values_.is_done()) damaged("ends with something left over");
        return values_.pop();
      }
      const auto step = steps.find(code);
      if (step == steps.end())
        damaged("has the opcode " + std::to_string(static_cast<unsigned char>(code)) + ", which no pickle of tensors has");
      step->second(*this);
    }
  }

 private:
  using Step = void (*)(Machine& m);

  /// The names are those of Python's pickletools.
  static const std::unordered_map<char, Step>& opcodes() {
    static const std::unordered_map<char, Step> all{
        {'\x80', [](Machine& m) { m.take(1); }},                                                             // PROTO
        {'\x95', [](Machine& m) { m.take(8); }},                                                             // FRAME
        {'(', [](Machine& m) { m.values_.mark(); }},                                                         // MARK
        {'0', [](Machine& m) { m.values_.pop(); }},                                                          // POP
        {'1', [](Machine& m) { m.values_.pop_to_mark(); }},                                                  // POP_MARK
        {'2', [](Machine& m) { m.values_.repeat(); }},                                                       // DUP
        {'N', [](Machine& m) { m.values_.push(make_value(Kind::None)); }},                                   // NONE
        {'\x88', [](Machine& m) { m.values_.push(make_integer(1, Kind::Bool)); }},                           // NEWTRUE
        {'\x89', [](Machine& m) { m.values_.push(make_integer(0, Kind::Bool)); }},                           // NEWFALSE
        {'I', [](Machine& m) { m.integer_line(); }},                                                         // INT
        {'L', [](Machine& m) { m.values_.push(make_integer(m.decimal(m.line()))); }},                        // LONG
        {'J', [](Machine& m) { m.values_.push(make_integer(m.number<std::int32_t>())); }},                   // BININT
        {'K', [](Machine& m) { m.values_.push(make_integer(m.number<std::uint8_t>())); }},                   // BININT1
        {'M', [](Machine& m) { m.values_.push(make_integer(m.number<std::uint16_t>())); }},                  // BININT2
        {'\x8a', [](Machine& m) { m.values_.push(make_integer(long_number(m.counted<std::uint8_t>()))); }},  // LONG1
        {'G', [](Machine& m) { m.real(); }},                                                                 // BINFLOAT
        {'U', [](Machine& m) { m.values_.push(make_text(m.counted<std::uint8_t>())); }},                     // SHORT_BINSTRING
        {'T', [](Machine& m) { m.values_.push(make_text(m.counted<std::uint32_t>())); }},                    // BINSTRING
        {'\x8c', [](Machine& m) { m.values_.push(make_text(m.counted<std::uint8_t>())); }},                  // SHORT_BINUNICODE
        {'X', [](Machine& m) { m.values_.push(make_text(m.counted<std::uint32_t>())); }},                    // BINUNICODE
        {'C', [](Machine& m) { m.values_.push(make_text(m.counted<std::uint8_t>())); }},                     // SHORT_BINBYTES
        {'B', [](Machine& m) { m.values_.push(make_text(m.counted<std::uint32_t>())); }},                    // BINBYTES
        {'V', [](Machine& m) { m.values_.push(make_text(m.line())); }},                                      // UNICODE
        {')', [](Machine& m) { m.values_.push(make_value(Kind::Tuple)); }},                                  // EMPTY_TUPLE
        {'\x85', [](Machine& m) { m.values_.push_tuple(1); }},                                               // TUPLE1
        {'\x86', [](Machine& m) { m.values_.push_tuple(2); }},                                               // TUPLE2
        {'\x87', [](Machine& m) { m.values_.push_tuple(3); }},                                               // TUPLE3
        {'t', [](Machine& m) { m.values_.push_tuple(m.values_.pop_to_mark()); }},                            // TUPLE
        {']', [](Machine& m) { m.values_.push(make_value(Kind::List)); }},                                   // EMPTY_LIST
        {'}', [](Machine& m) { m.values_.push(make_value(Kind::Dict)); }},                                   // EMPTY_DICT
        {'l', [](Machine& m) { m.fill_new(Kind::List); }},                                                   // LIST
        {'d', [](Machine& m) { m.fill_new(Kind::Dict); }},                                                   // DICT
        {'a', [](Machine& m) { m.append_one(); }},                                                           // APPEND
        {'e', [](Machine& m) { m.values_.append(m.values_.pop_to_mark()); }},                                // APPENDS
        {'s', [](Machine& m) { m.set_one(); }},                                                              // SETITEM
        {'u', [](Machine& m) { m.values_.set_items(m.values_.pop_to_mark()); }},                             // SETITEMS
        {'c', [](Machine& m) { m.global_lines(); }},                                                         // GLOBAL
        {'\x93', [](Machine& m) { m.global_values(); }},                                                     // STACK_GLOBAL
        {'R', [](Machine& m) { m.reduce(); }},                                                               // REDUCE
        {'b', [](Machine& m) { m.values_.pop(); }},                                                          // BUILD: such as _metadata
        {'Q', [](Machine& m) { m.persistent(); }},                                                           // BINPERSID
        {'q', [](Machine& m) { m.values_.remember(m.number<std::uint8_t>()); }},                             // BINPUT
        {'r', [](Machine& m) { m.values_.remember(m.number<std::uint32_t>()); }},                            // LONG_BINPUT
        {'p', [](Machine& m) { m.values_.remember(static_cast<std::size_t>(m.decimal(m.line()))); }},        // PUT
        {'\x94', [](Machine& m) { m.values_.remember(); }},                                                  // MEMOIZE
        {'h', [](Machine& m) { m.values_.recall(m.number<std::uint8_t>()); }},                               // BINGET
        {'j', [](Machine& m) { m.values_.recall(m.number<std::uint32_t>()); }},                              // LONG_BINGET
        {'g', [](Machine& m) { m.values_.recall(static_cast<std::size_t>(m.decimal(m.line()))); }},          // GET
    };
    return all;
  }

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
    return take(end + 1).substr(0, end);
  }

  template <class Number>
  Number number() {
    Number value{};
    std::memcpy(&value, take(sizeof(Number)).data(), sizeof(Number));
    return value;
  }

  /// Bytes behind their number.
  template <class Number>
  std::string_view counted() {
    const Number size = number<Number>();
    return take(size);
  }

  std::int64_t decimal(std::string_view digits) const {
    std::int64_t value = 0;
    if (digits.ends_with('L')) digits.remove_suffix(1);
    if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc()) damaged("has a number that is none");
    return value;
  }

  void integer_line() {
    const std::string_view digits = line();
    const bool boolean = digits == "01" || digits == "00";
    values_.push(boolean ? make_integer(digits == "01", Kind::Bool) : make_integer(decimal(digits)));
  }

  /// Of which nobody asks the value.
  void real() {
    take(sizeof(double));
    values_.push(make_value(Kind::Float));
  }

  void fill_new(Kind kind) {
    const std::vector<PickleRef> filling = values_.pop_to_mark();
    values_.push(make_value(kind));
    kind == Kind::List ? values_.append(filling) : values_.set_items(filling);
  }

  void append_one() {
    const PickleRef value = values_.pop();
    values_.append({value});
  }

  void set_one() {
    const PickleRef value = values_.pop(), key = values_.pop();
    values_.set_items({key, value});
  }

  void global_lines() {
    const std::string module(line());
    global(module + " " + std::string(line()));
  }

  void global_values() {
    const PickleRef name = values_.pop(), module = values_.pop();
    global(module->text + " " + name->text);
  }

  void global(const std::string& name) {
    const bool storage = name.starts_with("torch ") && name.ends_with("Storage");
    const bool known = storage || name == "collections OrderedDict" || name == "torch._utils _rebuild_tensor_v2" ||
                       name == "torch._utils _rebuild_tensor" || name == "torch._utils _rebuild_parameter" || name == "torch Size";
    if (!known) handlers_.forbidden(name);
    values_.push(make_text(name, Kind::Global));
  }

  std::vector<std::int64_t> integers(const PickleRef& tuple) const {
    std::vector<std::int64_t> numbers;
    for (const PickleRef& element : tuple->elements) {
      if (element->kind != Kind::Int) damaged("has a shape that is none");
      numbers.push_back(element->integer);
    }
    return numbers;
  }

  void reduce() {
    const PickleRef arguments = values_.pop(), function = values_.pop();
    if (function->kind != Kind::Global || arguments->kind != Kind::Tuple) damaged("calls what is no function");
    const auto& given = arguments->elements;
    if (function->text == "collections OrderedDict") {
      values_.push(make_value(Kind::Dict));
      // OrderedDict([(key, value), ...])
      for (const PickleRef& pair : given.empty() ? std::vector<PickleRef>{} : given[0]->elements) values_.set_items(pair->elements);
    } else if (function->text == "torch._utils _rebuild_tensor_v2" || function->text == "torch._utils _rebuild_tensor") {
      if (given.size() < 4 || given[0]->kind != Kind::Storage || given[1]->kind != Kind::Int) damaged("has a tensor without a storage");
      auto made = make_value(Kind::Tensor);
      made->tensor = handlers_.tensor(given[0]->integer, given[1]->integer, integers(given[2]), integers(given[3]));
      values_.push(std::move(made));
    } else if (function->text == "torch._utils _rebuild_parameter") {
      if (given.empty() || given[0]->kind != Kind::Tensor) damaged("has a parameter that is no tensor");
      values_.push(given[0]);
    } else if (function->text == "torch Size") {
      values_.push(given.empty() ? make_value(Kind::Tuple) : given[0]);
    } else {
      handlers_.forbidden(function->text + "(...)");
    }
  }

  void persistent() {
    const PickleRef description = values_.pop();
    if (description->kind != Kind::Tuple) damaged("has a storage that is not described as one");
    values_.push(make_integer(handlers_.storage(description->elements), Kind::Storage));
  }

  const Handlers& handlers_;
  std::string_view& bytes_;
  PickleValues values_;
};

PickleRef Unpickler::read(std::string_view& bytes) { return Machine(handlers_, bytes).run(); }

}  // namespace graft::backbone
