#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graft/core/log.h"

namespace graft::test {

/// The library's warnings while it lives.
class Heard {
 public:
  Heard() {
    set_log_sink([this](LogLevel level, std::string_view text) {
      if (level == LogLevel::Warning) lines.emplace_back(text);
    });
  }
  ~Heard() { set_log_sink({}); }
  Heard(const Heard&) = delete;
  Heard& operator=(const Heard&) = delete;
  /// Those that begin so; all for an empty text.
  std::string with(const std::string& code) const {
    std::string found;
    for (const std::string& line : lines) found += line.starts_with(code) ? line + "\n" : "";
    return found;
  }
  std::vector<std::string> lines;
};

}  // namespace graft::test
