#include "train/run.h"

#include <ATen/ATen.h>

#include "core/json.h"
#include "core/table.h"
#include "graft/core/log.h"
#include "graft/train/stopping.h"
#include "train/deterministic.h"
#include "train/fit_memory.h"
#include "train/identity.h"
#include "train/in_parts.h"
#include "train/mixtures.h"
#include "train/readable.h"
#include "train/stores.h"
#include "train/usual_batch.h"
#include "train/with_precision.h"

namespace graft::train {

Run::Run(Model& model, const Splits& data, const TrainerOptions& options, std::vector<std::shared_ptr<Callback>> callbacks,
         std::stop_token stop, Records records)
    : model_(model),
      data_(data),
      records_(records),
      options_(options),
      schedule_(options.schedule),
      audience_(std::move(callbacks), std::move(stop)),
      keeper_(options.checkpoints),
      validation_(model, data_.valid, options),
      averages_(model, options),
      best_(model, options, keeper_, state_) {
  if (options.patience > 0) {
    audience_.add(std::make_shared<EarlyStopping>(EarlyStoppingOptions{.metric = options.best_metric, .patience = options.patience}));
  }
}

TrainReport Run::operator()() {
  try {
    train();
  } catch (const std::exception& error) {
    model_.set_training(false);
    audience_.tell([&](Callback& callback) { callback.on_exception(error); });
    throw;
  }
  audience_.tell([&](Callback& callback) { callback.on_fit_end(report_); });
  return std::move(report_);
}

void Run::train() {
  std::optional<Keeper::Found> found = keeper_.newest();
  Precision precision = options_.precision;
  if (found && precision == Precision::Auto) precision = frozen_precision_of(found->checkpoint.manifest);
  const WithPrecision with_precision(model_, precision);
  if (records_ == Records::Unknown) {
    Readable train = readable(model_, data_.train, options_);
    data_.train = std::move(train.data);
    report_.skipped = std::move(train.skipped);
  }
  preflight(model_, data_, {.run = &options_, .records = records_});
  const Deterministic deterministic(options_.deterministic);
  report_.precision = model_.precision();
  if (found) state_ = found->run;
  at::Generator(at::globalContext().defaultGenerator(model_.device())).set_current_seed(options_.seed);
  epochs_ = epochs_of(options_, model_);
  frozen_at_start_ = model_.frozen_samples();
  adopt(state_.policy_epoch);
  if (keeper_.is_on()) identity_ = identity(model_, data_, options_, stepper_->optimizer(), epochs_);
  if (found) resume(*found);
  enter(std::min(state_.epoch, epochs_));
  if (state_.total_steps == 0) state_.total_steps = epochs_ * stream_->steps_per_epoch();
  if (records_ == Records::Unknown) validation_.rehearse(audience_.callbacks());
  if (found) restore_random(found->checkpoint);
  found.reset();  // it holds a mapping of the file
  const FitPlan plan{epochs_, stream_->steps_per_epoch(), state_.total_steps, state_.step, state_.memory};
  audience_.tell([&](Callback& callback) { callback.on_fit_begin(model_, plan); });
  if (state_.epoch <= epochs_) audience_.progress({"train", state_.step, state_.total_steps, "first step"});
  while (state_.epoch <= epochs_ && !audience_.has_ended()) run_epoch();

  if (!best_.weights().empty()) {
    restore(model_, best_.weights());
  } else if (averages_.is_on()) {
    averages_.put_in(*stream_);
  }
  model_.set_training(false);
  stepper_->finish();
  audit_->check(model_);
  report_.ended = audience_.why();
  report_.history = state_.history;
  report_.best_epoch = state_.best_epoch;
  report_.steps = state_.step;
  report_.memory = state_.memory;
  add(report_.skipped, stream_->skipped());
  const Stepper::Times& times = stepper_->times();
  report_.step_phases = {{"wait", stream_->waited()},
                         {"forward", times.forward},
                         {"backward", times.backward},
                         {"clip", times.clip},
                         {"update", times.update}};
}

bool Run::adopt(int epoch) {
  const Freeze* policy = nullptr;
  for (const Unfreeze& each : options_.unfreeze) {
    if (each.epoch <= epoch) policy = &each.freeze;
  }
  const bool changes = policy != nullptr && *policy != model_.policy();
  state_.policy_epoch = epoch;
  if (!changes && stepper_) return false;
  if (changes && audit_) audit_->check(model_);
  if (changes) model_.freeze(*policy);
  model_.set_gradient_checkpointing(options_.gradient_checkpointing);
  audit_.emplace(model_);
  if (stepper_) {
    stepper_->rebind();
  } else {
    stepper_.emplace(model_, options_, audience_.callbacks());
  }
  averages_.follow();
  return true;
}

void Run::enter(int epoch) {
  if (!adopt(epoch) && stream_) return;
  stream_.reset();
  stores_ = fill(data_.train, Mode::Train);
  const bool nothing_to_keep = stores_.empty() && !mixes(options_);
  validation_.use(nothing_to_keep || !validation_.is_on() ? Stores() : fill(data_.valid, Mode::Eval));
  fit();
  const bool is_fitted = state_.memory && model_.backbone_trains();
  stream_ = in_parts(make_stream(model_, data_.train, stores_, options_), is_fitted ? state_.memory->records : 0);
}

void Run::fit() {
  const bool some_trains = model_.backbone_trains() || !options_.unfreeze.empty();
  if (options_.step_budget == 0 || state_.memory || !some_trains || audience_.is_stopped()) return;
  audience_.progress({"memory", 0, 1, "steps are measured"});
  const MemoryFit found =
      fit_memory(model_, data_.train, options_, !stores_.cuts.empty() && options_.unfreeze.empty(), validation_.is_on());
  if (!options_.unfreeze.empty()) {  // the policy was another one meanwhile
    stepper_->rebind();
    averages_.follow();
  }
  if (found.records == 0) return;  // no record has a part in the loss
  state_.memory = found;
  log(LogLevel::Info, found.text());
}

Stores Run::fill(const Data& data, Mode mode) {
  return fill_stores(model_, data,
                     {.mode = mode,
                      .seed = options_.seed,
                      .threads = options_.threads,
                      .progress = [this](const Progress& p) { audience_.progress(p); },
                      .stop = audience_.stop()},
                     mode == Mode::Train ? training_store(options_) : options_.store, report_.phases);
}

void Run::run_epoch() {
  const std::int64_t frozen_before = report_.frozen_samples.empty() ? frozen_at_start_ : model_.frozen_samples();
  enter(state_.epoch);
  audience_.ask([&](Callback& callback) { return callback.on_epoch_begin(state_.epoch); });
  epoch_watch_ = Stopwatch();
  run_steps();
  add_phase(report_.phases, "train", epoch_watch_.seconds());
  // Where the run ends in this epoch, one that goes on from its last step measures the epoch again, and ends again if that has ended it.
  const Json stepped = keeper_.is_on() ? stand() : Json();
  const bool ended_in_steps = audience_.is_stopped() || audience_.has_ended();
  if (ended_in_steps) save_checkpoint(stepped);
  if (ended_in_steps && state_.samples == 0) return;
  EpochRecord record{.epoch = state_.epoch,
                     .train_loss = state_.loss_sum / static_cast<double>(std::max<std::int64_t>(1, state_.samples)),
                     .lr = options_.lr * schedule_.factor(std::max<std::int64_t>(0, state_.step - 1), state_.total_steps),
                     .samples = state_.samples};
  const bool all_steps = !ended_in_steps || state_.step_of_epoch >= stream_->steps_per_epoch();
  if (validation_.is_on() && !audience_.is_stopped()) validate(record);
  record.finished = all_steps && (!validation_.is_on() || record.valid_loss);
  report_.frozen_samples.push_back(model_.frozen_samples() - frozen_before);
  record.seconds = state_.seconds + epoch_watch_.seconds();
  state_.history.push_back(record);
  audience_.ask([&](Callback& callback) { return callback.on_epoch(record); });
  if (audience_.is_stopped() || audience_.has_ended()) {
    if (!ended_in_steps) save_checkpoint(stepped);
    return;
  }
  ++state_.epoch;
  state_.step_of_epoch = state_.samples = 0;
  state_.loss_sum = state_.seconds = 0;
  epoch_watch_ = Stopwatch();
  if (keeper_.is_due(state_.step)) save_checkpoint(stand());
}

void Run::run_steps() {
  model_.set_training(true);
  stream_->begin(state_.epoch, state_.step_of_epoch);
  const std::int64_t steps = stream_->steps_per_epoch();
  while (!audience_.has_ended() && !audience_.is_stopped() && state_.step_of_epoch < steps) {
    const Window* window = stream_->next();
    if (window == nullptr) break;
    audience_.ask([&](Callback& callback) { return callback.on_batch({state_.epoch, state_.step + 1, window->records, window->rows()}); });
    StepRecord step = (*stepper_)(*stream_, *window, state_.step, schedule_.factor(state_.step, state_.total_steps));
    averages_.update();
    step.epoch = state_.epoch;
    step.step = ++state_.step;
    state_.step_of_epoch = window->number;
    state_.samples += step.samples;
    state_.loss_sum += step.loss * static_cast<double>(step.samples);
    audience_.ask([&](Callback& callback) { return callback.on_step(step); });
    // Told at the pace of eyes: steps on stored features take less time than the telling.
    if (said_.seconds() >= 0.05 || state_.step == state_.total_steps) {
      audience_.progress(
          {"train", state_.step, state_.total_steps, "epoch " + std::to_string(state_.epoch) + ", loss " + fixed(step.loss, 4)});
      said_ = Stopwatch();
    }
    if (state_.step_of_epoch < steps && keeper_.is_due(state_.step)) save_checkpoint(stand());
  }
}

void Run::validate(EpochRecord& record) {
  averages_.put_in(*stream_);
  const EvalReport found = validation_.run(audience_.stop());
  if (!audience_.stop().stop_requested()) {  // else it is measured on a part only
    record.valid_loss = found.metric("loss");
    for (const auto& value : found.metrics) {
      if (value.first != "loss") record.metrics.push_back(value);
    }
    schedule_.observe(*record.valid_loss);
    best_.offer(record);
  }
  averages_.take_out();
  add_phase(report_.phases, "evaluate", found.seconds);
  if (record.valid_loss) audience_.ask([&](Callback& callback) { return callback.on_evaluation(record); });
}

}  // namespace graft::train
