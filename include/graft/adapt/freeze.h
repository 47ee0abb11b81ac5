#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "graft/backbone/backbone.h"
#include "graft/core/api.h"

namespace graft {

/// Which part of a backbone stays as it is; a value. The head always trains.
class GRAFT_API Freeze {
 public:
  /// The whole backbone.
  static Freeze all() { return Freeze(Kind::All, {}); }
  static Freeze none() { return Freeze(Kind::None, {}); }
  /// Everything up to and including this layer group, or the last group below this path, in order of execution.
  static Freeze up_to(std::string group) { return Freeze(Kind::UpTo, {std::move(group)}); }
  /// Parameters whose dotted name, or a module that holds them, matches one of these globs: "encoder.layer.[..]" is written
  /// "encoder.layer.*"; `*` also passes dots.
  static Freeze matching(std::vector<std::string> patterns) { return Freeze(Kind::Matching, std::move(patterns)); }
  /// "all", "none", "up_to=GROUP" or "PATTERN,PATTERN". Throws ConfigError for an empty text.
  static Freeze parse(const std::string& text);

  /// Names of the parameters that train. Throws ConfigError with near names for a group or pattern that matches nothing.
  std::set<std::string> trainable(const Backbone& backbone) const;
  /// In the form that parse() reads.
  std::string text() const;
  bool operator==(const Freeze&) const = default;

 private:
  enum class Kind { All, None, UpTo, Matching };
  Freeze(Kind kind, std::vector<std::string> names) : kind_(kind), names_(std::move(names)) {}
  Kind kind_;
  std::vector<std::string> names_;
};

/// What trains and what does not, one line a layer group.
struct GRAFT_API FreezeTable {
  struct Row {
    std::string group;
    std::int64_t parameters = 0;
    std::int64_t trainable = 0;
  };
  std::vector<Row> rows;

  std::int64_t parameters() const;
  std::int64_t trainable() const;
  /// Lines for people; runs of groups with one state share a line.
  std::string text() const;
};

GRAFT_API FreezeTable freeze_table(const Backbone& backbone, const std::set<std::string>& trainable);

}  // namespace graft
