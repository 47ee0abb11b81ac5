#pragma once

#include <exception>
#include <string>
#include <vector>

#include "graft/core/api.h"

namespace graft {

/// One problem that the caller can act on.
struct Problem {
  /// Stable name of the kind of problem, such as "graft-D004"; docs/errors.md lists them.
  std::string code;
  /// "[Who complains] what was expected, what came."
  std::string message;
  /// One sentence that says what to do.
  std::string remedy = {};
  /// Where it is: a file, "file:line", a module path; empty where there is no such place.
  std::string place = {};
};

/// The root of everything that graft throws. what() is the message, its place and the remedy, on two lines.
class GRAFT_API Error : public std::exception {
 public:
  explicit Error(Problem problem, std::string details = {});
  /// Several problems found at once, first to last; throws std::invalid_argument if there is none.
  explicit Error(std::vector<Problem> problems, std::string details = {});

  const char* what() const noexcept override { return what_.c_str(); }
  const std::vector<Problem>& problems() const { return problems_; }
  const std::string& code() const { return problems_.front().code; }
  const std::string& message() const { return problems_.front().message; }
  const std::string& remedy() const { return problems_.front().remedy; }
  const std::string& place() const { return problems_.front().place; }
  /// What the layer below said in full (LibTorch's text and backtrace); for logs, not for people.
  const std::string& details() const { return details_; }

 private:
  std::vector<Problem> problems_;
  std::string details_;
  std::string what_;
};

/// An option, a flag or a combination of them makes no sense (codes graft-C...).
class GRAFT_API ConfigError : public Error {
  using Error::Error;
};
/// A file of data or a record in it is wrong (graft-D...).
class GRAFT_API DataError : public Error {
  using Error::Error;
};
/// The network and what is asked of it do not fit (graft-M...).
class GRAFT_API ModelError : public Error {
  using Error::Error;
};
/// A file of weights or a saved model cannot be used (graft-K...).
class GRAFT_API CheckpointError : public Error {
  using Error::Error;
};
/// Numbers stopped being numbers (graft-N...).
class GRAFT_API NumericsError : public Error {
  using Error::Error;
};
/// The machine does not give what is needed: disk, memory, device (graft-S...).
class GRAFT_API SystemError : public Error {
  using Error::Error;
};

}  // namespace graft
