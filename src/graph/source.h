#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "graph/archive.h"

namespace graft::graph {

struct Token {
  enum class Kind { Name, Text, Other };
  Kind kind = Kind::Other;
  /// Of a Text what stands between its quotes, escapes as written.
  std::string_view text;
  int line = 1;

  bool is(std::string_view wanted) const { return kind != Kind::Text && text == wanted; }
};

/// A source record of an archive, cut into tokens. Reads the part of Python that LibTorch's printer writes, in which every file has one
/// reading only: no triple quotes, no continued lines, no type comments. Line breaks and comments are left out.
class Source {
 public:
  /// Throws CheckpointError (graft-K014) for anything else, and for code that nests so deep that LibTorch's parser would overflow its
  /// stack.
  Source(const Archive& archive, const Record& record);
  /// Tokens point into the text.
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  const std::string& name() const { return name_; }
  const std::vector<Token>& tokens() const { return tokens_; }

 private:
  std::string name_;
  std::string text_;
  std::vector<Token> tokens_;
};

/// All sources of the archive, whether anything refers to them or not.
std::deque<Source> read_sources(const Archive& archive);

}  // namespace graft::graph
