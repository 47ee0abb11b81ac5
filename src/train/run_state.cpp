#include "train/run_state.h"

#include <cmath>

#include "graft/core/error.h"

namespace graft::train {
namespace {

/// JSON has no numbers for these, and writes null for each.
Json number(double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

double number_from(const Json& json) {
  if (json.is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (json == "inf") return std::numeric_limits<double>::infinity();
  if (json == "-inf") return -std::numeric_limits<double>::infinity();
  return json.get<double>();
}

/// With the metrics in their order, which an object loses.
Json exactly(const EpochRecord& record) {
  Json json = record.json();
  json["train_loss"] = number(record.train_loss);
  if (record.valid_loss) json["valid_loss"] = number(*record.valid_loss);
  json["metrics"] = Json::array();
  for (const auto& [name, value] : record.metrics) json["metrics"].push_back(Json::array({name, number(value)}));
  return json;
}

EpochRecord record_from(const Json& json) {
  EpochRecord record{.epoch = json.at("epoch"),
                     .train_loss = number_from(json.at("train_loss")),
                     .lr = json.at("lr"),
                     .seconds = json.at("seconds"),
                     .samples = json.at("samples")};
  if (json.contains("valid_loss")) record.valid_loss = number_from(json.at("valid_loss"));
  for (const Json& metric : json.at("metrics")) record.metrics.emplace_back(metric.at(0), number_from(metric.at(1)));
  return record;
}

MemoryFit fit_from(const Json& json) {
  return {.batch = json.at("batch"),
          .records = json.at("records"),
          .parts = json.at("parts"),
          .bytes = json.at("bytes"),
          .budget = json.at("budget")};
}

RunState parsed(const Json& json) {
  RunState state{.step = json.at("step"),
                 .total_steps = json.at("total_steps"),
                 .epoch = json.at("epoch"),
                 .step_of_epoch = json.at("step_of_epoch"),
                 .policy_epoch = json.at("policy_epoch"),
                 .loss_sum = number_from(json.at("loss_sum")),
                 .samples = json.at("samples"),
                 .seconds = json.at("seconds"),
                 .history = {},
                 .best_epoch = json.at("best_epoch"),
                 .best_value = json.at("best_value"),
                 .best_file = json.at("best_file")};
  for (const Json& record : json.at("history")) state.history.push_back(record_from(record));
  if (json.contains("memory")) state.memory = fit_from(json["memory"]);
  return state;
}

}  // namespace

Json RunState::json() const {
  Json list = Json::array();
  for (const EpochRecord& record : history) list.push_back(exactly(record));
  Json json{{"step", step},
            {"total_steps", total_steps},
            {"epoch", epoch},
            {"step_of_epoch", step_of_epoch},
            {"policy_epoch", policy_epoch},
            {"loss_sum", number(loss_sum)},
            {"samples", samples},
            {"seconds", seconds},
            {"history", list},
            {"best_epoch", best_epoch},
            {"best_value", best_value},
            {"best_file", best_file}};
  if (memory) json["memory"] = memory->json();
  return json;
}

RunState RunState::from(const Json& json, const std::string& place) {
  const auto refuse = [&](const std::string& what) {
    return CheckpointError({.code = "graft-K024",
                            .message = "[Checkpoint] where the run stood cannot be read: " + what + ".",
                            .remedy = "Remove the file to go on from the checkpoint before it, or start the run anew.",
                            .place = place});
  };
  try {
    RunState state = parsed(json);
    const bool counts = state.step >= 1 && state.total_steps >= 1 && state.epoch >= 1 && state.policy_epoch >= 1 &&
                        state.step_of_epoch >= 0 && state.step_of_epoch <= state.total_steps && state.samples >= 0 &&
                        (!state.memory || state.memory->records >= 1);
    if (!counts) throw refuse("its numbers are out of range");
    const bool is_name =
        state.best_file.empty() || (state.best_file.starts_with("best-") && state.best_file.find('/') == std::string::npos);
    if (!is_name) throw refuse("\"" + state.best_file + "\" is no file of best weights");
    return state;
  } catch (const Json::exception& error) {
    throw refuse(error.what());
  }
}

}  // namespace graft::train
