#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/train/callback.h"

namespace graft {

namespace train {
class EventFile;
}

namespace detail {
/// What the next epoch finds in the file of a log: what is to go, what is partly to go, what stays.
enum class LogFile { Old, Resumed, Current };
}  // namespace detail

/// Writes an object an epoch to a JSON Lines file: EpochRecord::json(). Only whole lines, each there when its epoch ends. A new run starts
/// the file anew; a resumed one goes on with it, less the epochs that it repeats.
class GRAFT_API JsonLinesLog final : public Callback {
 public:
  /// Here and in each member: throws SystemError if the file cannot be written. Makes the file; one that is there stays as it is for now.
  explicit JsonLinesLog(std::string path);
  void on_fit_begin(const Model& model, const FitPlan& plan) override;
  Action on_epoch(const EpochRecord& record) override;

 private:
  std::string path_;
  detail::LogFile file_ = detail::LogFile::Old;
};

/// Writes a row an epoch to a CSV file with a header: epoch, train_loss, valid_loss, the metrics in their order, lr, seconds, samples. What
/// an epoch has not measured is empty; a metric that comes later gets a column, empty before. New and resumed runs as with JsonLinesLog.
class GRAFT_API CsvLog final : public Callback {
 public:
  /// Here and in each member: throws SystemError if the file cannot be written.
  explicit CsvLog(std::string path);
  /// Of a resumed run: throws DataError if the file is no CSV.
  void on_fit_begin(const Model& model, const FitPlan& plan) override;
  Action on_epoch(const EpochRecord& record) override;

 private:
  std::string path_;
  detail::LogFile file_ = detail::LogFile::Old;
  /// What the file holds, the header first.
  std::vector<std::vector<std::string>> rows_;
};

struct TensorBoardLogOptions {
  /// Steps between those that are written; the last one of an epoch always is. 0: only these.
  std::int64_t every_steps = 10;
};

/// Writes what `tensorboard --logdir FOLDER` shows: "train/loss", "train/lr" and "train/grad_norm" of steps, and at each epoch's last step
/// "epoch/train_loss", "valid/loss" and "valid/" with the name of each metric. Each run has a file of its own; TensorBoard joins those of a
/// folder, and shows of steps that were run again the later ones. A solve has no steps: its epochs are numbered.
class GRAFT_API TensorBoardLog final : public Callback {
 public:
  /// Makes the folder. Throws ConfigError if an option is out of range; here and in each member: SystemError if nothing can be written.
  explicit TensorBoardLog(std::string folder, const TensorBoardLogOptions& options = {});
  ~TensorBoardLog() override;
  void on_fit_begin(const Model& model, const FitPlan& plan) override;
  Action on_step(const StepRecord& record) override;
  Action on_epoch(const EpochRecord& record) override;
  void on_exception(const std::exception& exception) override;
  void on_fit_end(const TrainReport& report) override;

 private:
  train::EventFile& file();
  /// Of the last step, if it was passed over.
  void write_last_step();

  std::string folder_;
  TensorBoardLogOptions options_;
  std::unique_ptr<train::EventFile> file_;
  std::optional<StepRecord> passed_over_;
  std::int64_t step_ = 0;
};

}  // namespace graft
