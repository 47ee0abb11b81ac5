#include "train/run_state.h"

namespace graft::train {
namespace {

/// With the metrics in their order, which an object loses.
Json exactly(const EpochRecord& record) {
  Json json = record.json();
  json["metrics"] = Json::array();
  for (const auto& [name, value] : record.metrics) json["metrics"].push_back({name, value});
  return json;
}

EpochRecord record_from(const Json& json) {
  EpochRecord record{.epoch = json.at("epoch"),
                     .train_loss = json.at("train_loss"),
                     .lr = json.at("lr"),
                     .seconds = json.at("seconds"),
                     .samples = json.at("samples")};
  if (json.contains("valid_loss")) record.valid_loss = json.at("valid_loss").get<double>();
  for (const Json& metric : json.at("metrics")) record.metrics.emplace_back(metric.at(0), metric.at(1));
  return record;
}

}  // namespace

Json RunState::json() const {
  Json list = Json::array();
  for (const EpochRecord& record : history) list.push_back(exactly(record));
  return {{"step", step},       {"epoch", epoch},     {"step_of_epoch", step_of_epoch}, {"loss_sum", loss_sum},     {"samples", samples},
          {"seconds", seconds}, {"history", list},    {"best_epoch", best_epoch},       {"best_value", best_value}, {"best_file", best_file}};
}

RunState RunState::from(const Json& json) {
  RunState state{.step = json.at("step"),
                 .epoch = json.at("epoch"),
                 .step_of_epoch = json.at("step_of_epoch"),
                 .loss_sum = json.at("loss_sum"),
                 .samples = json.at("samples"),
                 .seconds = json.at("seconds"),
                 .history = {},
                 .best_epoch = json.at("best_epoch"),
                 .best_value = json.at("best_value"),
                 .best_file = json.at("best_file")};
  for (const Json& record : json.at("history")) state.history.push_back(record_from(record));
  return state;
}

}  // namespace graft::train
