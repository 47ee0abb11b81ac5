// Which epoch gives a run its weights.
#include "train/best.h"

#include "graft/head/regressor.h"
#include "graft/train/trainer.h"
#include "heard.h"
#include "scenario.h"

using namespace graft;
using namespace graft::test;

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

/// The best epoch after each evaluation.
std::vector<int> chosen(const std::string& metric, const std::vector<std::pair<double, double>>& loss_and_metric) {
  const Model model = toy_model(Freeze::all(), 0.0, 4);
  const TrainerOptions options{.best_metric = metric};
  const train::Keeper keeper({});
  train::RunState state{.history = {}, .best_file = {}};
  train::Best best(model, options, keeper, state);
  std::vector<int> epochs;
  for (const auto& [loss, value] : loss_and_metric) {
    EpochRecord record{.epoch = static_cast<int>(epochs.size()) + 1, .valid_loss = loss, .metrics = {{"r2", value}}};
    best.offer(record);
    state.history.push_back(record);
    epochs.push_back(state.best_epoch);
  }
  return epochs;
}

}  // namespace

TEST_CASE("Best: by the metric, in its direction; what is no number is never best", "[train]") {
  CHECK(chosen("loss", {{3, none}, {2, none}, {none, none}, {2.5, none}}) == std::vector{1, 2, 2, 2});
  CHECK(chosen("r2", {{3, 0.1}, {2, none}, {4, 0.3}, {1, 0.2}}) == std::vector{1, 1, 3, 3});
}

TEST_CASE("Best: a metric that is no number leaves the choice to the loss, which is told once", "[train]") {
  const Heard heard;
  CHECK(chosen("r2", {{3, none}, {2, none}, {4, none}}) == std::vector{1, 2, 2});
  CHECK(heard.lines.size() == 1);
  CHECK(heard.with("graft-W015").find("the metric \"r2\" of the validation data is no number") != std::string::npos);
  // From the first number on it decides, whatever the loss chose.
  CHECK(chosen("r2", {{3, none}, {2, none}, {4, -5.0}, {1, -6.0}}) == std::vector{1, 2, 3, 3});
}

TEST_CASE("Best: r2 of validation data whose truth never differs, with early stopping", "[train]") {
  const Heard heard;
  const auto length = [](double same) {
    return [same](Record record) {
      record.values["length"] = same > 0 ? same : static_cast<double>(record.text("message").size());
      return record;
    };
  };
  const Splits data{toy_messages(40).map(length(0)), toy_messages(12, 3).map(length(7)), {}};
  Model model(tiny_bert(0.0), head::Regressor({.targets = {"length"}}),
              text::Tokenizer::load(golden_path("tiny_bert/vocab.txt"), {.text = "message"}), {.device = "cpu"});
  const TrainReport report = Trainer({.epochs = 40,
                                      .batch_size = 8,
                                      .lr = 0.5,
                                      .schedule = Schedule(Schedule::Kind::Constant, 0.0),
                                      .best_metric = "r2",
                                      .patience = 2})
                                 .fit(model, data);
  REQUIRE(std::isnan(value_of(report.history.front().metrics, "r2")));
  double lowest = 1e300;
  for (const EpochRecord& epoch : report.history) lowest = std::min(lowest, *epoch.valid_loss);
  CHECK(*report.history[static_cast<std::size_t>(report.best_epoch - 1)].valid_loss == lowest);
  CHECK(report.ended.starts_with("early stopping: no better \"loss\" than "));
  CHECK(report.history.size() == static_cast<std::size_t>(report.best_epoch) + 2);
  CHECK_FALSE(heard.with("graft-W015").empty());
}
