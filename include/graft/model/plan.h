#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "graft/adapt/freeze.h"
#include "graft/backbone/backbone.h"
#include "graft/core/api.h"

namespace graft {

/// Where the freeze line runs through a backbone, and what it gains. Per sample means: for the preprocessing's example.
struct GRAFT_API Plan {
  enum class Kind {
    /// All is frozen: the whole backbone is computed once.
    Frozen,
    /// The part below the line is computed once, the part above in every epoch.
    Split,
    /// The whole network runs in every epoch, because of `why`.
    Whole,
  };
  struct Half {
    std::vector<std::string> groups = {};
    /// Numbers of scalars, and of multiply-adds of a forward pass per sample.
    std::int64_t parameters = 0;
    std::int64_t multiply_adds = 0;
  };

  Kind kind = Kind::Whole;
  std::string why = {};
  /// Computed once; in every epoch.
  Half prefix = {}, suffix = {};
  /// What is kept of a sample: names with shapes, without the batch dimension; and its bytes.
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> cut = {};
  std::int64_t bytes_per_sample = 0;

  /// How many times less there is to compute in this many epochs than without the line. A training step counts three times its forward
  /// pass above the line: outputs, gradients of inputs and of weights. Heads and what is bound by memory do not count.
  double gain(int epochs) const;
  std::string text() const;
  nlohmann::json json() const;
};

/// The plan of a backbone under a policy, for inputs like these, before there is a head: what its outputs are pooled to is not known yet.
GRAFT_API Plan plan(const Backbone& backbone, const Freeze& policy, const Fields& example);

}  // namespace graft
