#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "graft/backbone/backbone.h"

namespace graft::cli {

/// A tap with what it gives for an example.
struct TapShape {
  std::string name;
  bool is_module = true;
  std::vector<std::int64_t> shape;
  /// Input pixels or samples for one of the tap's; 0 where the tap has no such dimension.
  double stride = 0;
};
std::vector<TapShape> tap_shapes(const Backbone& backbone, const Fields& example);

Json json_of(const Backbone& backbone);
Json json_of(const std::vector<Finding>& findings);
Json json_of(const std::vector<TapShape>& shapes);

std::string text_of(const Backbone& backbone, const std::string& file);
enum class Remedies { Shown, Hidden };
std::string text_of(const std::vector<Finding>& findings, Remedies remedies = Remedies::Shown);
std::string text_of(const std::vector<TapShape>& shapes);
/// Findings, and what to do next.
std::string verdict(const Backbone& backbone, bool repaired);

}  // namespace graft::cli
