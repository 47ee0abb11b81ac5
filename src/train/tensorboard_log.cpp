#include <filesystem>

#include "graft/core/error.h"
#include "graft/train/loggers.h"
#include "train/event_file.h"

namespace graft {

namespace fs = std::filesystem;

TensorBoardLog::TensorBoardLog(std::string folder, const TensorBoardLogOptions& options) : folder_(std::move(folder)), options_(options) {
  if (options_.every_steps < 0) {
    throw ConfigError({.code = "graft-C018",
                       .message = "[TensorBoardLog] every_steps of at least 0 is wanted, got " + std::to_string(options_.every_steps) + ".",
                       .remedy = "Use 1 to write each step, 0 to write the last one of each epoch.",
                       .place = ""});
  }
  std::error_code error;
  fs::create_directories(folder_, error);
  if (!fs::is_directory(folder_)) {
    throw SystemError({.code = "graft-S003",
                       .message = "[TensorBoardLog] the folder cannot be made: " + error.message() + ".",
                       .remedy = "Name a folder that you may write to.",
                       .place = folder_});
  }
}

TensorBoardLog::~TensorBoardLog() = default;

train::EventFile& TensorBoardLog::file() {
  if (!file_) file_ = std::make_unique<train::EventFile>(folder_, step_ + 1);
  return *file_;
}

void TensorBoardLog::on_fit_begin(const Model&, const FitPlan& plan) {
  step_ = plan.first_step;
  passed_over_.reset();
  file_.reset();
  file();
}

Action TensorBoardLog::on_step(const StepRecord& record) {
  step_ = record.step;
  passed_over_ = record;
  if (options_.every_steps > 0 && step_ % options_.every_steps == 0) write_last_step();
  return Action::Continue;
}

void TensorBoardLog::write_last_step() {
  if (!passed_over_) return;
  file().add(step_, {{"train/loss", passed_over_->loss}, {"train/lr", passed_over_->lr}, {"train/grad_norm", passed_over_->grad_norm}});
  passed_over_.reset();
}

Action TensorBoardLog::on_epoch(const EpochRecord& record) {
  write_last_step();
  MetricValues scalars{{"epoch/train_loss", record.train_loss}};
  if (record.valid_loss) scalars.emplace_back("valid/loss", *record.valid_loss);
  for (const auto& [name, value] : record.metrics) scalars.emplace_back("valid/" + name, value);
  file().add(step_ > 0 ? step_ : record.epoch, scalars);
  file().flush();
  return Action::Continue;
}

void TensorBoardLog::on_exception(const std::exception&) {
  try {
    write_last_step();
    if (file_) file_->flush();
  } catch (const SystemError&) {
    // The exception that ends the run is the one to tell; it may come from the same full disk.
  }
}

void TensorBoardLog::on_fit_end(const TrainReport&) {
  write_last_step();
  if (file_) file_->flush();
}

}  // namespace graft
