#include "graft/train/stopping.h"

#include <chrono>
#include <limits>
#include <thread>

#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

const Model& any_model() {
  static const Model model = test::toy_model();
  return model;
}

EpochRecord evaluation(double loss, double accuracy = 0.5) {
  return {.epoch = 1, .valid_loss = loss, .metrics = {{"accuracy", accuracy}, {"macro_f1", 0.5}}};
}

/// The number of the evaluation with these losses that ends the run; 0 if none does.
int stops_at(Callback& callback, const std::vector<double>& losses) {
  for (std::size_t i = 0; i < losses.size(); ++i) {
    if (callback.on_evaluation(evaluation(losses[i])) == Action::Stop) return static_cast<int>(i) + 1;
  }
  return 0;
}

}  // namespace

TEST_CASE("higher_is_better knows losses and errors by their names", "[train]") {
  for (const char* name : {"loss", "mse", "mae", "RMSE", "price_mse", "hamming_loss", "error_rate", "perplexity"}) {
    INFO(name);
    CHECK_FALSE(higher_is_better(name));
  }
  for (const char* name :
       {"accuracy", "top_3_accuracy", "macro_f1", "weighted_recall", "exact_match", "r2", "price_pearson", "lossless", "power"}) {
    INFO(name);
    CHECK(higher_is_better(name));
  }
}

TEST_CASE("EarlyStopping: ends after so many evaluations without an improvement", "[train]") {
  EarlyStopping stopping;  // patience 3
  CHECK(stops_at(stopping, {1.0, 0.9, 0.95, 0.9, 0.8, 0.85, 0.8, 0.9}) == 8);
  CHECK(stopping.reason() == "early stopping: no better \"loss\" than 0.8 for 3 evaluations");
  SECTION("a new run starts with nothing") {
    stopping.on_fit_begin(any_model(), {.epochs = 5});
    CHECK(stopping.reason().empty());
    CHECK(stops_at(stopping, {5.0, 6.0, 7.0}) == 0);
  }
  SECTION("min_delta is to be exceeded, by the sum of small gains too") {
    EarlyStopping coarse({.patience = 2, .min_delta = 0.25});
    CHECK(stops_at(coarse, {1.0, 0.875, 0.75}) == 3);
    EarlyStopping slow({.patience = 2, .min_delta = 0.25});
    CHECK(stops_at(slow, {1.0, 0.875, 0.625, 0.5, 0.375}) == 5);
  }
  SECTION("NaN is no improvement, and anything is one on NaN") {
    EarlyStopping lost({.patience = 2});
    CHECK(stops_at(lost, {1.0, not_a_number, not_a_number}) == 3);
    EarlyStopping never({.patience = 2});
    CHECK(stops_at(never, {not_a_number, 5.0, not_a_number, 6.0}) == 4);
    EarlyStopping nothing({.patience = 1});
    CHECK(stops_at(nothing, {not_a_number}) == 1);
    CHECK(stopping.reason().starts_with("early stopping"));
  }
}

TEST_CASE("EarlyStopping: the direction follows from the metric, or is told", "[train]") {
  const auto last = [](EarlyStopping stopping, const std::vector<double>& accuracies) {
    Action action = Action::Continue;
    for (const double accuracy : accuracies) action = stopping.on_evaluation(evaluation(1.0, accuracy));
    return action;
  };
  CHECK(last(EarlyStopping({.metric = "accuracy", .patience = 1}), {0.5, 0.6, 0.7}) == Action::Continue);
  CHECK(last(EarlyStopping({.metric = "accuracy", .patience = 1}), {0.5, 0.4}) == Action::Stop);
  CHECK(last(EarlyStopping({.metric = "accuracy", .patience = 1, .better = Better::Lower}), {0.5, 0.4}) == Action::Continue);
}

TEST_CASE("EarlyStopping: a resumed run counts on", "[train]") {
  EarlyStopping before({.patience = 3});
  CHECK(stops_at(before, {0.5, 0.6, 0.7}) == 0);
  const Json state = Json::parse(before.state().dump());
  EarlyStopping after({.patience = 3});
  // Whichever comes first.
  if (GENERATE(true, false)) {
    after.restore(state);
    after.on_fit_begin(any_model(), {.epochs = 5, .first_step = 9});
  } else {
    after.on_fit_begin(any_model(), {.epochs = 5, .first_step = 9});
    after.restore(state);
  }
  CHECK(after.state() == state);
  CHECK(stops_at(after, {0.55}) == 1);
  SECTION("not with the count of another metric, or with none") {
    EarlyStopping other({.metric = "accuracy", .patience = 1});
    other.restore(state);
    CHECK(stops_at(other, {1.0}) == 0);
    for (const Json& nothing : {Json(), TimeLimit(5).state()}) {
      after.restore(nothing);
      CHECK(stops_at(after, {9.0, 9.0, 9.0}) == 0);
    }
  }
  SECTION("a state without a number yet") {
    EarlyStopping fresh;
    fresh.restore(EarlyStopping().state());
    CHECK(stops_at(fresh, {1.0, 1.0, 1.0}) == 0);
  }
}

TEST_CASE("TimeLimit: ends at the first step or evaluation after its seconds", "[train]") {
  TimeLimit limit(0.05);
  CHECK(limit.on_step({}) == Action::Continue);  // not begun
  limit.on_fit_begin(any_model(), {.epochs = 5});
  CHECK(TimeLimit(3600).on_step({}) == Action::Continue);
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  CHECK(limit.on_step({}) == Action::Stop);
  CHECK(limit.on_evaluation({}) == Action::Stop);
  CHECK(limit.reason() == "time limit: 0.05 seconds have passed");
  CHECK(limit.state().at("seconds").get<double>() >= 0.06);
  limit.on_fit_begin(any_model(), {.epochs = 5});
  CHECK(limit.reason().empty());
  CHECK(limit.state().at("seconds").get<double>() < 0.05);
}

TEST_CASE("TimeLimit: a resumed run counts on", "[train]") {
  const auto resumed = [](double seconds, std::int64_t first_step) {
    TimeLimit limit(3600);
    limit.restore(Json{{"seconds", seconds}});
    limit.on_fit_begin(any_model(), {.epochs = 5, .first_step = first_step});
    return limit;
  };
  CHECK(resumed(3600, 9).on_step({}) == Action::Stop);
  CHECK(resumed(3000, 9).on_step({}) == Action::Continue);
  CHECK(resumed(3000, 9).state().at("seconds").get<double>() >= 3000);
  CHECK(resumed(3600, 0).on_step({}) == Action::Continue);
  TimeLimit limit = resumed(3600, 9);
  limit.restore(GENERATE(Json(), EarlyStopping().state()));
  CHECK(limit.on_step({}) == Action::Continue);
}

TEST_CASE("TargetMetric: ends when the value is reached", "[train]") {
  TargetMetric accuracy("accuracy", 0.75);
  CHECK(accuracy.on_evaluation(evaluation(1.0, 0.7)) == Action::Continue);
  CHECK(accuracy.reason().empty());
  CHECK(accuracy.on_evaluation(evaluation(1.0, 0.75)) == Action::Stop);
  CHECK(accuracy.reason() == "target reached: \"accuracy\" is 0.75, 0.75 was wanted");
  accuracy.on_fit_begin(any_model(), {});
  CHECK(accuracy.reason().empty());
  TargetMetric loss("loss", 0.5);
  CHECK(stops_at(loss, {0.75, not_a_number, 0.25}) == 3);
  TargetMetric told("accuracy", 0.75, Better::Lower);
  CHECK(told.on_evaluation(evaluation(1.0, 0.7)) == Action::Stop);
}

TEST_CASE("Stopping says which metrics there are", "[train][error]") {
  EarlyStopping stopping({.metric = "acuracy"});
  CHECK(stopping.reads_metrics() == std::vector<std::string>{"acuracy"});
  CHECK(TargetMetric("bleu", 0.5).reads_metrics() == std::vector<std::string>{"bleu"});
  CHECK(TimeLimit(5).reads_metrics().empty());
  const auto error = test::error_of<ConfigError>([&] { stopping.on_evaluation(evaluation(1.0)); });
  CHECK(error.code() == "graft-C029");
  CHECK(error.message() == "[EarlyStopping] the metric \"acuracy\" is not measured; there are \"loss\", \"accuracy\", \"macro_f1\".");
  CHECK(error.remedy() == "Did you mean \"accuracy\"?");
  TargetMetric target("bleu", 0.5);
  const auto far = test::error_of<ConfigError>([&] { target.on_evaluation(evaluation(1.0)); });
  CHECK(far.message().starts_with("[TargetMetric] the metric \"bleu\" is not measured"));
  CHECK(far.remedy() == "Use one of these names.");
}

TEST_CASE("Stopping says which options make no sense", "[train][error]") {
  const auto message = [](auto make) {
    const auto error = test::error_of<ConfigError>(make);
    CHECK(error.code() == "graft-C018");
    return error.message();
  };
  CHECK(message([] { EarlyStopping({.patience = 0}); }) == "[EarlyStopping] a patience of at least 1 is wanted, got 0.");
  CHECK(message([] { EarlyStopping({.min_delta = -0.5}); }) == "[EarlyStopping] a min_delta of at least 0 is wanted, got -0.5.");
  CHECK(message([] { EarlyStopping({.min_delta = not_a_number}); }) == "[EarlyStopping] a min_delta of at least 0 is wanted, got nan.");
  CHECK(message([] { TimeLimit(0); }) == "[TimeLimit] more than 0 seconds are wanted, got 0.");
  CHECK(message([] { TimeLimit{not_a_number}; }) == "[TimeLimit] more than 0 seconds are wanted, got nan.");
  CHECK(message([] { TargetMetric("loss", not_a_number); }) == "[TargetMetric] a value to reach is wanted, got NaN.");
}
