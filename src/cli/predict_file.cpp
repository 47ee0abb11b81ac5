#include "cli/predict_file.h"

#include "cli/answers.h"
#include "cli/data.h"
#include "core/file.h"
#include "data/csv_scan.h"
#include "graft/core/error.h"
#include "graft/data/csv.h"

namespace graft::cli {
namespace {

/// The columns of a file must not be there already: an answer would stand beside the one of another run.
void require_new(const std::vector<std::string>& there, const std::vector<std::string>& added, const std::string& place) {
  for (const std::string& name : added) {
    if (std::ranges::find(there, name) == there.end()) continue;
    throw DataError({.code = "graft-D102",
                     .message = "[graft predict] the file has a column \"" + name + "\" already.",
                     .remedy = "Rename or remove it.",
                     .place = place});
  }
}

/// Rows are copied as they are written, so that nothing of them changes; only the new cells are made.
std::string with_columns_csv(const std::string& path, const std::vector<Decoded>& answers) {
  const char delimiter = path.ends_with(".tsv") ? '\t' : ',';
  const auto file = Mapping::open(path);
  const std::string_view text = file->bytes();
  data::CsvScanner scanner(text, delimiter, path);
  std::string out;
  const auto add_row = [&](const std::vector<std::string>& cells) {
    const std::size_t start = scanner.position();
    const std::vector<std::string> row = scanner.row();
    std::string_view line = text.substr(start, scanner.position() - start);
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    out += line;
    for (const std::string& cell : cells) out += delimiter + data::csv_field(cell, delimiter);
    out += '\n';
    return row;
  };
  scanner.skip_to_row();
  require_new(add_row(answer_columns(answers)), answer_columns(answers), path);
  for (const Decoded& answer : answers) {
    scanner.skip_to_row();
    add_row(answer_cells(answer));
  }
  return out;
}

std::string with_columns_jsonl(const std::string& path, const std::vector<Decoded>& answers) {
  const auto file = Mapping::open(path);
  const std::vector<std::string> columns = answer_columns(answers);
  std::string out;
  std::size_t next = 0;
  for (std::string_view rest = file->bytes(); !rest.empty() && next < answers.size();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto record = OrderedJson::parse(line);
    for (const std::string& column : columns) {
      if (record.contains(column)) require_new({column}, columns, path);
    }
    const Decoded& answer = answers[next++];
    const std::vector<std::string> cells = answer_cells(answer);
    if (columns.size() > 1 && columns[1] == "score") {
      record["prediction"] = answer.label;
      record["score"] = answer.score;
      if (answer.rejection_score) {
        record["rejected"] = answer.rejected;
        record["rejection_score"] = *answer.rejection_score;
      }
    } else {
      for (std::size_t i = 0; i < columns.size(); ++i) record[columns[i]] = OrderedJson::parse(cells[i]);
    }
    out += record.dump() + "\n";
  }
  return out;
}

}  // namespace

std::size_t predict_file(const Predictor& predictor, const std::string& in, const std::string& out, const PredictOptions& options) {
  require_writable(out);
  const Data data = open_data(in, predictor.fields());
  const std::vector<Decoded> answers = predictor.batch(data, options);
  if (options.stop.stop_requested()) return 0;
  write_file_atomically(out, in.ends_with(".jsonl") ? with_columns_jsonl(in, answers) : with_columns_csv(in, answers));
  return answers.size();
}

}  // namespace graft::cli
