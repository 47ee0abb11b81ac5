#include "graft/train/trainer.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <limits>

#include "core/stopwatch.h"
#include "core/table.h"
#include "eval/evaluate_cut.h"
#include "graft/core/error.h"
#include "graft/eval/evaluator.h"
#include "graft/optim/optimizer.h"
#include "model/store_state.h"
#include "train/preflight.h"
#include "train/stream.h"

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

Optimizer make_optimizer(const Model& model, const TrainerOptions& options) {
  ParameterGroup backbone{{}, options.lr * options.backbone_lr_ratio, options.weight_decay}, head{{}, options.lr, options.weight_decay};
  for (const auto& [name, tensor] : model.trainable()) (name.starts_with("backbone.") ? backbone : head).parameters.push_back(tensor);
  std::vector<ParameterGroup> groups{head};
  if (!backbone.parameters.empty()) groups.push_back(backbone);
  if (options.optimizer == OptimizerKind::Sgd) return Optimizer::sgd(groups, {.momentum = options.momentum, .nesterov = options.nesterov});
  return Optimizer::adamw(groups);
}

/// Sum over terms of (sum of the term) / (what it is a sum over).
at::Tensor step_loss(const Head& head, const train::StepInput& input) {
  at::Tensor loss;
  for (const LossTerm& term : loss_terms(head, head.forward(input.features), input.targets, input.rows)) {
    const at::Tensor mean = term.sum / term.weight;
    loss = loss.defined() ? loss + mean : mean;
  }
  return loss;
}

/// Copies of what training moves, to go back to.
class Snapshot {
 public:
  void take(const Model& model) {
    const c10::NoGradGuard no_grad;
    tensors_.clear();
    for (const at::Tensor& tensor : model.moving()) tensors_.push_back(tensor.detach().clone());
  }
  void restore(const Model& model) const {
    const c10::NoGradGuard no_grad;
    const std::vector<at::Tensor> live = model.moving();
    for (std::size_t i = 0; i < tensors_.size(); ++i) at::Tensor(live[i]).copy_(tensors_[i]);
  }
  bool empty() const { return tensors_.empty(); }

 private:
  std::vector<at::Tensor> tensors_;
};

/// One call of fit().
class Run {
 public:
  Run(Model& model, const Splits& data, const TrainerOptions& options, const std::vector<std::shared_ptr<Callback>>& callbacks,
      std::stop_token stop)
      : model_(model), data_(data), options_(options), callbacks_(callbacks), stop_(std::move(stop)) {}

  TrainReport operator()() {
    train::preflight(model_, data_);
    at::Generator generator = at::globalContext().defaultGenerator(model_.device());
    generator.set_current_seed(options_.seed);
    store();
    const auto stream = train::make_stream(model_, data_.train, stores_, options_);
    const int epochs = options_.epochs.value_or(model_.backbone_trains() ? 3 : 30);
    total_steps_ = epochs * stream->steps_per_epoch();
    Optimizer optimizer = make_optimizer(model_, options_);
    for (const ParameterGroup& group : optimizer.groups()) {
      parameters_.insert(parameters_.end(), group.parameters.begin(), group.parameters.end());
    }
    report_.ended = "all epochs";
    for (int epoch = 1; epoch <= epochs && !ended_; ++epoch) run_epoch(epoch, *stream, optimizer);
    if (!best_.empty()) best_.restore(model_);
    model_.set_training(false);
    optimizer.zero_grad();
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
    FeatureSetOptions options{
        .mode = Mode::Train,
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

  void run_epoch(int epoch, train::Stream& stream, Optimizer& optimizer) {
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
      const auto input = stream.next();
      if (!input) break;
      const StepRecord step = take_step(*input, optimizer);
      record.samples += input->rows;
      record.lr = step.lr;
      loss_sum += step.loss * static_cast<double>(input->rows);
      for (const auto& callback : callbacks_) {
        if (callback->on_step(step) == Action::Stop) end("stopped by a callback");
      }
      progress({"train", step_, total_steps_, "epoch " + std::to_string(epoch) + ", loss " + fixed(step.loss, 4)});
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

  StepRecord take_step(const train::StepInput& input, Optimizer& optimizer) {
    optimizer.zero_grad();
    const at::Tensor loss = step_loss(model_.head(), input);
    const double factor = options_.schedule.factor(step_, total_steps_);
    StepRecord step{.step = step_, .loss = loss.item<double>(), .lr = options_.lr * factor};
    if (!std::isfinite(step.loss)) {
      throw NumericsError(
          {.code = "graft-N001",
           .message = "[Trainer] the loss is not finite at step " + std::to_string(step_) + " (lr " + std::to_string(step.lr) + ").",
           .remedy = "Lower the learning rate, set max_grad_norm, and check the inputs for values that are not finite.",
           .place = ""});
    }
    loss.backward();
    step.grad_norm = clip_grad_norm(parameters_, options_.max_grad_norm).item<double>();
    optimizer.step(factor);
    ++step_;
    return step;
  }

  void validate(EpochRecord& record) {
    const Evaluator evaluator({.threads = options_.threads, .mistakes = 0});
    const EvalReport found = !valid_.features.empty() ? evaluator.run(model_, data_.valid, valid_.features.front())
                             : !valid_.cuts.empty()   ? evaluate_cut(model_, data_.valid, valid_.cuts.front(), stop_)
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
  std::vector<at::Tensor> parameters_;  // all that the optimizer steps
  Snapshot best_;
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
