#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "graft/core/error.h"

namespace graft::data {

/// One kind of thing that is told once, however often it was met: its number, and the first three with their places.
class Tally {
 public:
  void add(const std::string& what, const std::string& place) {
    if (count_++ == 0) place_ = place;
    if (count_ <= most_examples) examples_ += (count_ == 1 ? "" : "; ") + what + (place.empty() ? "" : " (" + place + ")");
  }
  std::size_t count() const { return count_; }
  /// "a (file 1); b (file 2); c (file 7); ..."
  std::string examples() const { return examples_ + (count_ > most_examples ? "; ..." : ""); }
  /// What came before the examples, which end the message.
  Problem problem(const std::string& code, const std::string& message, const std::string& remedy) const {
    return {code, message + ": " + examples() + (count_ > most_examples ? "" : "."), remedy, place_};
  }

 private:
  static constexpr std::size_t most_examples = 3;
  std::size_t count_ = 0;
  std::string examples_, place_;
};

}  // namespace graft::data
