#pragma once

#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "graft/core/error.h"

namespace graft {

/// Throws problems found at once as the kind of error that the first of them is, by its code.
[[noreturn]] void throw_as_first(const std::vector<Problem>& problems, const std::string& details = {});

/// Collects what is wrong with things that do not depend on each other, so that a person is told all of it at once.
class Mistakes {
 public:
  /// The result of `call`, or nothing if it throws an Error, which is kept.
  template <class Call>
  auto attempt(Call call) -> std::optional<decltype(call())> {
    try {
      return call();
    } catch (const Error& error) {
      problems_.insert(problems_.end(), error.problems().begin(), error.problems().end());
      details_ += error.details();
      return std::nullopt;
    }
  }
  /// Throws one error with all of them, if there is any.
  void raise() const {
    if (!problems_.empty()) throw_as_first(problems_, details_);
  }

 private:
  std::vector<Problem> problems_;
  std::string details_;
};

}  // namespace graft
