#include "cli/predict_file.h"

#include "cli/answers.h"
#include "cli/data.h"
#include "cli/picture_data.h"
#include "core/file.h"
#include "data/pictures.h"
#include "data/written_csv.h"
#include "graft/core/error.h"

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
std::string with_columns_csv(const std::string& path, const data::WrittenCsv& table, const std::vector<Decoded>& answers,
                             const std::vector<std::string>& texts) {
  const char delimiter = path.ends_with(".tsv") ? '\t' : ',';
  std::string out;
  const auto add_row = [&](std::string_view row, const std::vector<std::string>& cells) {
    out += row;
    for (const std::string& cell : cells) out += delimiter + data::csv_field(cell, delimiter);
    out += '\n';
  };
  const std::vector<std::string> columns = answer_columns(answers);
  require_new(table.columns, columns, path);
  add_row(table.header(), columns);
  for (std::size_t i = 0; i < answers.size(); ++i) add_row(table.row(i), answer_cells(answers[i], columns, texts[i]));
  return out;
}

std::string with_columns_jsonl(const std::string& path, const std::vector<Decoded>& answers, const std::vector<std::string>& texts) {
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
    const Decoded& answer = answers[next];
    const std::vector<std::string> cells = answer_cells(answer, columns, texts[next++]);
    if (columns.size() > 1 && columns[1] == "score") {
      record["prediction"] = answer.label;
      record["score"] = answer.score;
      if (answer.rejection_score) {
        record["rejected"] = answer.rejected;
        record["rejection_score"] = *answer.rejection_score;
      }
      if (columns.back() == "spans") record["spans"] = OrderedJson::parse(cells.back());
    } else {
      for (std::size_t i = 0; i < columns.size(); ++i) record[columns[i]] = OrderedJson::parse(cells[i]);
    }
    out += record.dump() + "\n";
  }
  return out;
}

/// What answers are parts of, where they are labels of words; else empty texts.
std::vector<std::string> texts_of(const Predictor& predictor, const Data& data, const std::vector<Decoded>& answers) {
  std::vector<std::string> texts(answers.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].tags.empty()) texts[i] = data.get(i).text(predictor.fields().front());
  }
  return texts;
}

}  // namespace

std::size_t predict_file(const Predictor& predictor, const std::string& in, const std::string& out, const PredictOptions& options) {
  require_writable(out);
  const auto answer = [&](const Data& data, const auto& with_columns) -> std::size_t {
    const std::vector<Decoded> answers = predictor.batch(data, options);
    if (options.stop.stop_requested()) return 0;
    write_file_atomically(out, with_columns(answers, texts_of(predictor, data, answers)));
    return answers.size();
  };
  if (in.ends_with(".jsonl"))
    return answer(open_data(in, predictor.fields()),
                  [&](const auto& answers, const auto& texts) { return with_columns_jsonl(in, answers, texts); });
  if (!in.ends_with(".csv") && !in.ends_with(".tsv")) {
    throw DataError({.code = "graft-D077",
                     .message = "[graft predict] a .csv, .tsv or .jsonl file is wanted, to which columns can be added.",
                     .remedy = "Convert the file, or give its texts line by line: graft predict MODEL - < FILE.",
                     .place = in});
  }
  const bool pictures = lists_pictures(in);
  const data::WrittenCsv table = data::written_csv(in, {.require = pictures ? std::vector<std::string>() : predictor.fields()});
  return answer(pictures ? data::listed_pictures(table.data, in) : table.data,
                [&](const auto& answers, const auto& texts) { return with_columns_csv(in, table, answers, texts); });
}

}  // namespace graft::cli
