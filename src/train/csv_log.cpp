#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "core/file.h"
#include "data/csv_scan.h"
#include "graft/data/csv.h"
#include "graft/train/loggers.h"
#include "train/log_file.h"

namespace graft {

using detail::LogFile;

namespace {

using Row = std::vector<std::string>;

const Row before_metrics{"epoch", "train_loss", "valid_loss"}, after_metrics{"lr", "seconds", "samples"};

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
  const std::string text = train::whole_lines(path);
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

CsvLog::CsvLog(std::string path) : path_(std::move(path)) { append_to_file(path_, ""); }

void CsvLog::on_fit_begin(const Model&, const FitPlan& plan) {
  file_ = plan.first_step > 0 ? LogFile::Resumed : LogFile::Old;
  rows_.clear();
  if (file_ == LogFile::Resumed) {
    rows_ = read_rows(path_);
  } else {
    train::rewrite(path_, "");
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
    train::rewrite(path_, text);
  }
  return Action::Continue;
}

}  // namespace graft
