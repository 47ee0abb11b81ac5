#include "graft/train/history.h"

#include <algorithm>

#include "core/json.h"

namespace graft {

Json EpochRecord::json() const {
  Json json{{"epoch", epoch}, {"train_loss", train_loss}, {"metrics", Json::object()},
            {"lr", lr},       {"seconds", seconds},       {"samples", samples}};
  if (valid_loss) json["valid_loss"] = *valid_loss;
  for (const auto& [name, value] : metrics) json["metrics"][name] = value;
  if (iterations) json["iterations"] = *iterations;
  if (l2) json["l2"] = *l2;
  if (!finished) json["finished"] = false;
  return json;
}

void add_phase(Phases& phases, const std::string& name, double seconds) {
  const auto found = std::ranges::find(phases, name, &Phases::value_type::first);
  if (found != phases.end()) {
    found->second += seconds;
  } else {
    phases.emplace_back(name, seconds);
  }
}

}  // namespace graft
