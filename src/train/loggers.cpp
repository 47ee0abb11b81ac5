#include "graft/train/loggers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <span>

#include "core/file.h"
#include "core/json.h"
#include "data/csv_scan.h"
#include "graft/core/error.h"
#include "graft/data/csv.h"
#include "train/event_file.h"

namespace graft {
namespace {

namespace fs = std::filesystem;
using detail::LogFile;
using Row = std::vector<std::string>;

const Row before_metrics{"epoch", "train_loss", "valid_loss"}, after_metrics{"lr", "seconds", "samples"};

/// The file with this content and no other. Links stay, and so do devices.
void rewrite(const std::string& path, const std::string& content) {
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) {
    write_file_atomically(fs::canonical(path).string(), content);
  } else {
    append_to_file(path, content);
  }
}

/// Without a last line that was not written to its end.
std::string whole_lines(const std::string& path) {
  std::string text = fs::exists(path) ? read_file(path) : "";
  text.resize(text.rfind('\n') + 1);  // npos + 1 is 0
  return text;
}

bool is_before(const std::string& line, int epoch) {
  const Json json = Json::parse(line, nullptr, false);
  return json.is_object() && json.contains("epoch") && json["epoch"].is_number_integer() && json["epoch"] < epoch;
}

/// The shortest text that reads as the same number; "nan" and "inf".
std::string cell(double value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

bool is_before(const Row& row, int epoch) {
  int number = 0;
  const char* end = row[0].data() + row[0].size();
  return std::from_chars(row[0].data(), end, number).ptr == end && number < epoch;
}

bool is_header(const Row& row) {
  return row.size() >= before_metrics.size() + after_metrics.size() && std::ranges::equal(before_metrics, std::span(row).first(3)) &&
         std::ranges::equal(after_metrics, std::span(row).last(3));
}

std::vector<Row> read_rows(const std::string& path) {
  const std::string text = whole_lines(path);
  data::CsvScanner scanner(text, ',', path);
  std::vector<Row> rows;
  while (scanner.skip_to_row()) {
    Row row = scanner.row();
    if (rows.empty() && !is_header(row)) return {};
    if (rows.empty() || row.size() == rows[0].size()) rows.push_back(std::move(row));
  }
  return rows;
}

std::string line_of(const Row& row) {
  std::string line;
  for (const std::string& text : row) line += (line.empty() ? "" : ",") + data::csv_field(text);
  return line + "\n";
}

}  // namespace

JsonLinesLog::JsonLinesLog(std::string path) : path_(std::move(path)) { append_to_file(path_, ""); }

void JsonLinesLog::on_fit_begin(const Model&, const FitPlan& plan) {
  file_ = plan.first_step > 0 ? LogFile::Resumed : LogFile::Current;
  if (file_ == LogFile::Current) rewrite(path_, "");
}

Action JsonLinesLog::on_epoch(const EpochRecord& record) {
  if (file_ == LogFile::Old) rewrite(path_, "");
  if (file_ == LogFile::Resumed) {
    const std::string text = whole_lines(path_);
    std::string kept;
    for (std::size_t start = 0; start < text.size();) {
      const std::string line = text.substr(start, text.find('\n', start) + 1 - start);
      if (is_before(line, record.epoch)) kept += line;
      start += line.size();
    }
    rewrite(path_, kept);
  }
  file_ = LogFile::Current;
  append_to_file(path_, record.json().dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  return Action::Continue;
}

CsvLog::CsvLog(std::string path) : path_(std::move(path)) { append_to_file(path_, ""); }

void CsvLog::on_fit_begin(const Model&, const FitPlan& plan) {
  file_ = plan.first_step > 0 ? LogFile::Resumed : LogFile::Old;
  rows_.clear();
  if (file_ == LogFile::Resumed) {
    rows_ = read_rows(path_);
  } else {
    rewrite(path_, "");
  }
}

Action CsvLog::on_epoch(const EpochRecord& record) {
  bool same_table = file_ == LogFile::Current;
  if (file_ == LogFile::Resumed) {
    std::erase_if(rows_, [&](const Row& row) { return row[0] != before_metrics[0] && !is_before(row, record.epoch); });
  }
  file_ = LogFile::Current;
  if (rows_.empty()) {
    rows_ = {before_metrics};
    rows_[0].insert(rows_[0].end(), after_metrics.begin(), after_metrics.end());
  }
  // The columns of metrics are those between the others: a metric may be called "lr".
  const auto column_of = [&](const std::string& name) {
    return std::find(rows_[0].begin() + std::ssize(before_metrics), rows_[0].end() - std::ssize(after_metrics), name) - rows_[0].begin();
  };
  for (const auto& [name, value] : record.metrics) {
    const auto end = std::ssize(rows_[0]) - std::ssize(after_metrics);
    if (column_of(name) != end) continue;
    for (Row& row : rows_) row.insert(row.begin() + end, "");
    rows_[0][static_cast<std::size_t>(end)] = name;
    same_table = false;
  }
  Row row(rows_[0].size());
  row[0] = std::to_string(record.epoch);
  row[1] = cell(record.train_loss);
  if (record.valid_loss) row[2] = cell(*record.valid_loss);
  for (const auto& [name, value] : record.metrics) row[static_cast<std::size_t>(column_of(name))] = cell(value);
  std::ranges::copy(Row{cell(record.lr), cell(record.seconds), std::to_string(record.samples)}, row.end() - std::ssize(after_metrics));
  rows_.push_back(row);
  if (same_table) {
    append_to_file(path_, line_of(row));
  } else {
    std::string text;
    for (const Row& each : rows_) text += line_of(each);
    rewrite(path_, text);
  }
  return Action::Continue;
}

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
