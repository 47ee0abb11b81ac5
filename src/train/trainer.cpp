#include "graft/train/trainer.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <limits>

#include "core/stopwatch.h"
#include "core/table.h"
#include "eval/evaluate_cut.h"
#include "graft/core/error.h"
#include "graft/eval/evaluator.h"
#include "model/store_state.h"
#include "train/preflight.h"
#include "train/snapshot.h"
#include "train/stepper.h"
#include "train/stream.h"
#include "train/with_precision.h"

namespace graft {
namespace {

void check(const TrainerOptions& options) {
  std::vector<Problem> problems;
  const auto require = [&](bool holds, const std::string& message) {
    if (!holds) problems.push_back({"graft-C018", "[Trainer] " + message, "Correct the option; 0 switches off what can be.", ""});
  };
  require(!options.epochs || *options.epochs >= 1, "at least 1 epoch is wanted, got " + std::to_string(options.epochs.value_or(1)) + ".");
  require(options.batch_size >= 1, "a batch size of at least 1 is wanted, got " + std::to_string(options.batch_size) + ".");
  require(options.lr > 0, "a learning rate above 0 is wanted, got " + std::to_string(options.lr) + ".");
  require(options.backbone_lr_ratio >= 0 && options.backbone_lr_ratio <= 1, "a backbone_lr_ratio in [0, 1] is wanted.");
  require(options.weight_decay >= 0, "a weight decay of at least 0 is wanted.");
  require(options.max_grad_norm >= 0, "a max_grad_norm of at least 0 is wanted.");
  require(options.patience >= 0, "a patience of at least 0 is wanted.");
  require(options.threads >= 0, "at least 0 threads are wanted.");
  if (!problems.empty()) throw ConfigError(problems);
}

/// One call of fit().
class Run {
 public:
  Run(Model& model, const Splits& data, const TrainerOptions& options, const std::vector<std::shared_ptr<Callback>>& callbacks,
      std::stop_token stop)
      : model_(model), data_(data), options_(options), callbacks_(callbacks), stop_(std::move(stop)) {}

  TrainReport operator()() {
    train::preflight(model_, data_);
    const train::WithPrecision precision(model_, options_.precision);
    report_.precision = model_.precision();
    at::Generator generator = at::globalContext().defaultGenerator(model_.device());
    generator.set_current_seed(options_.seed);
    store();
    const auto stream = train::make_stream(model_, data_.train, stores_, options_);
    const int epochs = options_.epochs.value_or(model_.backbone_trains() ? 3 : 30);
    total_steps_ = epochs * stream->steps_per_epoch();
    train::Stepper stepper(model_, options_);
    report_.ended = "all epochs";
    for (int epoch = 1; epoch <= epochs && !ended_; ++epoch) run_epoch(epoch, *stream, stepper);
    if (!best_.empty()) best_.restore(model_);
    model_.set_training(false);
    stepper.finish();
    return std::move(report_);
  }

 private:
  void end(const std::string& why) {
    if (!ended_) report_.ended = why;
    ended_ = true;
  }

  void progress(const Progress& progress) const {
    for (const auto& callback : callbacks_) callback->on_progress(progress);
  }

  void store() {
    if (!options_.store.is_on()) return;
    FeatureSetOptions options{.mode = Mode::Train,
                              .seed = options_.seed,
                              .threads = options_.threads,
                              .progress = [this](const Progress& p) { progress(p); },
                              .stop = stop_};
    fill(stores_, data_.train, options);
    options.mode = Mode::Eval;
    if (!data_.valid.empty() && !(stores_.features.empty() && stores_.cuts.empty())) fill(valid_, data_.valid, options);
  }

  void fill(train::Stores& stores, const Data& data, FeatureSetOptions options) {
    const auto add = [&]<class Set>(std::vector<Set>& sets) {
      std::optional<Set> made = Set::make(model_, data, options, options_.store);
      if (!made) return false;
      add_phase(report_.phases, "tokenize", made->prepare_seconds());
      add_phase(report_.phases, "prefix", made->compute_seconds());
      sets.push_back(std::move(*made));
      return sets.back().is_random();
    };
    do {
      if (!(model_.backbone_trains() ? add(stores.cuts) : add(stores.features))) return;
    } while (++options.view < options_.store.state().options.views);
  }

  void run_epoch(int epoch, train::Stream& stream, train::Stepper& stepper) {
    const Stopwatch watch;
    EpochRecord record{.epoch = epoch};
    double loss_sum = 0;
    model_.set_training(true);
    stream.begin(epoch);
    while (!ended_) {
      if (stop_.stop_requested()) {
        end("stopped");
        break;
      }
      const train::StepInput* input = stream.next();
      if (input == nullptr) break;
      const StepRecord step = stepper(*input, step_, total_steps_);
      ++step_;
      record.samples += input->rows;
      record.lr = step.lr;
      loss_sum += step.loss * static_cast<double>(input->rows);
      for (const auto& callback : callbacks_) {
        if (callback->on_step(step) == Action::Stop) end("stopped by a callback");
      }
      // Told at the pace of eyes: steps on stored features take less time than the telling.
      if (said_.seconds() >= 0.05 || step_ == total_steps_) {
        progress({"train", step_, total_steps_, "epoch " + std::to_string(epoch) + ", loss " + fixed(step.loss, 4)});
        said_ = Stopwatch();
      }
    }
    if (record.samples == 0) return;
    record.train_loss = loss_sum / static_cast<double>(record.samples);
    add_phase(report_.phases, "train", watch.seconds());
    if (!data_.valid.empty() && !stop_.stop_requested()) validate(record);
    record.seconds = watch.seconds();
    report_.history.push_back(record);
    for (const auto& callback : callbacks_) {
      if (callback->on_epoch(record) == Action::Stop) end("stopped by a callback");
    }
  }

  void validate(EpochRecord& record) {
    const Evaluator evaluator({.threads = options_.threads, .mistakes = 0});
    const EvalReport found = !valid_.features.empty() ? evaluator.run(model_, data_.valid, valid_.features.front())
                             : !valid_.cuts.empty()   ? evaluate_cut(model_, data_.valid, valid_.cuts.front(), 0, stop_)
                                                      : evaluator.run(model_, data_.valid, stop_);
    if (stop_.stop_requested()) return;  // measured on a part only
    record.valid_loss = found.metric("loss");
    for (const auto& value : found.metrics) {
      if (value.first != "loss") record.metrics.push_back(value);
    }
    if (*record.valid_loss < lowest_) {
      lowest_ = *record.valid_loss;
      report_.best_epoch = record.epoch;
      best_.take(model_);
    } else if (options_.patience > 0 && record.epoch - report_.best_epoch >= options_.patience) {
      end("early stopping");
    }
    add_phase(report_.phases, "evaluate", found.seconds);
  }

  Model& model_;
  const Splits& data_;
  const TrainerOptions& options_;
  const std::vector<std::shared_ptr<Callback>>& callbacks_;
  std::stop_token stop_;
  TrainReport report_;
  train::Stores stores_, valid_;  // of the training data, of the validation data
  train::Snapshot best_;
  Stopwatch said_;
  double lowest_ = std::numeric_limits<double>::infinity();
  std::int64_t step_ = 0, total_steps_ = 0;
  bool ended_ = false;
};

}  // namespace

Trainer::Trainer(TrainerOptions options) : options_(std::move(options)) { check(options_); }

Trainer& Trainer::add(std::shared_ptr<Callback> callback) {
  callbacks_.push_back(std::move(callback));
  return *this;
}

TrainReport Trainer::fit(Model& model, const Splits& data, std::stop_token stop) const {
  return Run(model, data, options_, callbacks_, std::move(stop))();
}

}  // namespace graft
