#include "data/csv_scan.h"

#include "graft/core/error.h"

namespace graft::data {

void CsvScanner::broken(const std::string& message, const std::string& remedy, std::size_t line) const {
  throw DataError({.code = "graft-D006", .message = "[Csv] " + message, .remedy = remedy, .place = place_ + ":" + std::to_string(line)});
}

void CsvScanner::pass_line_end() {
  if (position_ < text_.size() && text_[position_] == '\r') ++position_;
  if (position_ < text_.size() && text_[position_] == '\n') ++position_;
  ++line_;
}

bool CsvScanner::skip_to_row() {
  while (position_ < text_.size() && at_line_end()) pass_line_end();
  return position_ < text_.size();
}

std::string CsvScanner::quoted() {
  const std::size_t opened = line_;
  ++position_;
  std::string field;
  while (position_ < text_.size()) {
    const char c = text_[position_++];
    if (c == '\n') ++line_;
    if (c != '"') {
      field += c;
    } else if (position_ < text_.size() && text_[position_] == '"') {
      field += '"';
      ++position_;
    } else {
      if (position_ < text_.size() && text_[position_] != delimiter_ && !at_line_end()) {
        const bool here = opened == line_;
        broken("a quoted field must end before the delimiter, got more text after its closing quote" +
                   (here ? std::string() : " in line " + std::to_string(line_)) + "; the field was opened here.",
               "Close the field where it should end, or double the quotes that belong to the text.", opened);
      }
      return field;
    }
  }
  broken("the quote opened in this line is never closed.", "Close it, or double the quotes that belong to the text.", opened);
}

std::string CsvScanner::plain() {
  const std::size_t start = position_;
  while (position_ < text_.size() && text_[position_] != delimiter_ && !at_line_end()) {
    // A quote inside a bare field is text in TSV files and a mistake in CSV files, where it makes the file ambiguous.
    if (text_[position_] == '"' && delimiter_ == ',') {
      broken("a quote stands inside a field that does not start with one.", "Quote the whole field and double the quotes in it.", line_);
    }
    ++position_;
  }
  return std::string(text_.substr(start, position_ - start));
}

std::vector<std::string> CsvScanner::row() {
  std::vector<std::string> fields;
  for (;;) {
    fields.push_back(position_ < text_.size() && text_[position_] == '"' ? quoted() : plain());
    if (position_ >= text_.size() || at_line_end()) break;
    ++position_;  // the delimiter
  }
  if (position_ < text_.size()) pass_line_end();
  return fields;
}

}  // namespace graft::data
