#include "graft/data/csv.h"

#include <algorithm>
#include <filesystem>

#include "core/file.h"
#include "data/csv_scan.h"
#include "data/file_checks.h"
#include "data/written_csv.h"
#include "graft/core/error.h"

namespace graft::data {
namespace {

constexpr std::size_t most_problems = 100;

struct Row {
  std::size_t offset;
  std::size_t line;
};

class Csv final : public Dataset {
 public:
  Csv(const std::string& path, const CsvOptions& options)
      : file_(Mapping::open(path)),
        name_(std::filesystem::path(path).filename().string()),
        delimiter_(options.delimiter.value_or(path.ends_with(".tsv") ? '\t' : ',')) {
    std::string_view text = file_->bytes();
    require_clean_utf8(text, path, "Csv");
    CsvScanner scanner(text, delimiter_, path);
    scanner.move_to(begin_of(text));
    if (!scanner.skip_to_row()) empty(path);
    columns_ = scanner.row();
    check_columns(path, options.require);
    std::vector<Problem> problems;
    while (scanner.skip_to_row() && problems.size() < most_problems) {
      const Row row{scanner.position(), scanner.line()};
      const std::size_t width = scanner.row().size();
      if (width != columns_.size()) {
        problems.push_back(
            {"graft-D009",
             "[Csv] " + std::to_string(columns_.size()) + " fields are wanted, as in the header, got " + std::to_string(width) + ".",
             "Quote fields that hold a delimiter, or give the row as many fields as the header.", path + ":" + std::to_string(row.line)});
      }
      rows_.push_back(row);
    }
    if (!problems.empty()) throw DataError(problems);
    if (rows_.empty()) empty(path);
  }

  const std::vector<std::string>& columns() const { return columns_; }
  const std::shared_ptr<const Mapping>& file() const { return file_; }
  std::vector<std::size_t> starts() const {
    std::vector<std::size_t> starts;
    for (const Row& row : rows_) starts.push_back(row.offset);
    return starts;
  }
  std::size_t size() const override { return rows_.size(); }

  Record get(std::size_t index) const override {
    const Row& row = rows_.at(index);
    Record record{{}, name_ + ":" + std::to_string(row.line)};
    CsvScanner scanner(file_->bytes(), delimiter_, name_);
    scanner.move_to(row.offset);
    std::vector<std::string> fields = scanner.row();
    for (std::size_t i = 0; i < columns_.size(); ++i) record.values.emplace(columns_[i], std::move(fields[i]));
    return record;
  }

 private:
  [[noreturn]] static void empty(const std::string& path) {
    refuse_empty("a header line and at least one row are wanted, there is no row", path, "Csv");
  }

  void check_columns(const std::string& path, const std::vector<std::string>& required) const {
    std::vector<Problem> problems;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (std::find(columns_.begin(), columns_.begin() + static_cast<std::ptrdiff_t>(i), columns_[i]) !=
          columns_.begin() + static_cast<std::ptrdiff_t>(i)) {
        problems.push_back(
            {"graft-D011", "[Csv] the header names the column \"" + columns_[i] + "\" twice.", "Rename one of them.", path + ":1"});
      }
    }
    const std::vector<Problem> missing = missing_columns(required, columns_, path, "Csv");
    problems.insert(problems.end(), missing.begin(), missing.end());
    if (!problems.empty()) throw DataError(problems);
  }

  std::shared_ptr<const Mapping> file_;
  std::string name_;
  char delimiter_;
  std::vector<std::string> columns_;
  std::vector<Row> rows_;
};

}  // namespace

WrittenCsv written_csv(const std::string& path, const CsvOptions& options) {
  const auto table = std::make_shared<const Csv>(path, options);
  return {.data = Data(table), .columns = table->columns(), .file = table->file(), .starts = table->starts()};
}

Data csv(const std::string& path, const CsvOptions& options) { return Data(std::make_shared<Csv>(path, options)); }

std::string csv_field(const std::string& text, char delimiter) {
  if (text.find_first_of(std::string("\"\r\n") + delimiter) == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

}  // namespace graft::data
