#include "graph/source.h"

#include <algorithm>

namespace graft::graph {
namespace {

// LibTorch's parser, compiler and lexer recurse: per bracket, per operator of an expression, per block, per blank line. On a stack of 8 MB
// it crashes at 3,200 to 6,400 brackets, signs, alternatives or blocks, at 1,600 lists and at 51,200 blank lines.
constexpr std::size_t max_brackets = 200, max_blocks = 400;
constexpr int max_path = 2000, max_blank_lines = 1000, max_alternatives = 200;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// How deep the tree of an expression can be at a token: the tokens before it that no comma cuts off, over all open brackets.
class Depth {
 public:
  void add(char first) {
    if (first == ',') {
      path_ -= runs_.back();
      runs_.back() = 0;
      return;
    }
    ++runs_.back();
    ++path_;
    if (first == '(' || first == '[' || first == '{') runs_.push_back(0);
    if ((first == ')' || first == ']' || first == '}') && runs_.size() > 1) {
      path_ -= runs_.back();
      runs_.pop_back();
    }
  }
  void end_statement() {
    runs_.assign(1, 0);
    path_ = 0;
  }
  std::size_t brackets() const { return runs_.size() - 1; }
  bool too_deep() const { return brackets() > max_brackets || path_ > max_path; }

 private:
  std::vector<int> runs_ = {0};
  int path_ = 0;
};

class Scanner {
 public:
  Scanner(const Archive& archive, const std::string& name, std::string_view text) : archive_(archive), name_(name), text_(text) {}

  std::vector<Token> run() {
    while (at_ < text_.size()) step();
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    archive_.refuse("\"" + name_ + "\" line " + std::to_string(line_) + " " + what);
  }

  void step() {
    const char c = text_[at_];
    if (c == '\n') return end_line();
    if (c == ' ') return static_cast<void>(++at_);
    if (c == '#') return skip_comment();
    if (static_cast<unsigned char>(c) < 32 || static_cast<unsigned char>(c) > 126) refuse("is not plain text");
    if (c == '\\') refuse("continues on the next line");
    if (line_is_blank_) begin_line();
    if (c == '"' || c == '\'') return add_text(c);
    std::size_t end = at_ + 1;
    const bool is_name = is_letter(c);
    // A number ends where a name could begin; what LibTorch makes of the rest of "1e5" can be no name on its own.
    while (end < text_.size() && (is_name ? is_letter(text_[end]) || is_digit(text_[end]) : is_digit(c) && is_digit(text_[end]))) ++end;
    add(is_name ? Token::Kind::Name : Token::Kind::Other, at_, end);
    at_ = end;
  }

  void add(Token::Kind kind, std::size_t begin, std::size_t end) {
    tokens_.push_back({kind, text_.substr(begin, end - begin), line_});
    depth_.add(kind == Token::Kind::Other ? text_[begin] : 'a');
    if (depth_.too_deep()) refuse("nests too deep");
  }

  void add_text(char quote) {
    if (text_.substr(at_, 3) == std::string(3, quote)) refuse("has a text of three quotes");
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n') end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size() || text_[end] == '\n') refuse("has a text without an end");
    if (std::ranges::any_of(text_.substr(at_, end - at_), [](char c) { return static_cast<unsigned char>(c) - 32U > 94U; })) {
      refuse("is not plain text");
    }
    add(Token::Kind::Text, at_ + 1, end);
    at_ = end + 1;
  }

  void skip_comment() {
    if (text_.substr(at_).starts_with("# type:")) refuse("has a type comment");
    at_ = std::min(text_.find('\n', at_), text_.size());
  }

  void end_line() {
    blank_lines_ = line_is_blank_ ? blank_lines_ + 1 : 0;
    if (blank_lines_ > max_blank_lines) refuse("follows too many blank ones");
    if (depth_.brackets() == 0) {
      depth_.end_statement();
      line_begin_ = at_ + 1;
      at_statement_ = true;
    }
    line_is_blank_ = true;
    ++line_;
    ++at_;
  }

  /// Before the first token of a line.
  void begin_line() {
    line_is_blank_ = false;
    if (!at_statement_) return;
    at_statement_ = false;
    const std::size_t indent = at_ - line_begin_;
    while (!indents_.empty() && indents_.back() > indent) indents_.pop_back();
    if (indents_.empty() || indents_.back() < indent) indents_.push_back(indent);
    if (indents_.size() > max_blocks) refuse("nests too deep");
    if (text_.substr(at_).starts_with("def")) alternatives_ = 0;
    if (text_.substr(at_).starts_with("elif")) ++alternatives_;
    if (alternatives_ > max_alternatives) refuse("has too many alternatives");
  }

  const Archive& archive_;
  const std::string& name_;
  const std::string_view text_;
  std::size_t at_ = 0, line_begin_ = 0;
  int line_ = 1, blank_lines_ = 0, alternatives_ = 0;
  bool line_is_blank_ = true, at_statement_ = true;
  Depth depth_;
  std::vector<std::size_t> indents_;
  std::vector<Token> tokens_;
};

}  // namespace

Source::Source(const Archive& archive, const Record& record)
    : name_(record.name), text_(archive.bytes(record)), tokens_(Scanner(archive, name_, text_).run()) {}

std::deque<Source> read_sources(const Archive& archive) {
  std::deque<Source> sources;
  for (const Record& record : archive.records()) {
    // LibTorch finds "CODE/X.PY" as well.
    if (lower(record.name).ends_with(".py")) sources.emplace_back(archive, record);
  }
  return sources;
}

}  // namespace graft::graph
