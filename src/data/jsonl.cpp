#include "graft/data/jsonl.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>

#include "core/file.h"
#include "core/json.h"
#include "core/table.h"
#include "data/file_checks.h"
#include "graft/core/runtime.h"

namespace graft::data {
namespace {

constexpr std::size_t most_problems = 100;

[[noreturn]] void unfit(const std::string& wanted, const Json& got, const std::string& place, const std::string& remedy) {
  throw DataError({.code = "graft-D022",
                   .message = "[Jsonl] " + wanted + " wanted, got " + shortened(got.dump(), 40) + ".",
                   .remedy = remedy,
                   .place = place});
}

Value array_value(const Json& array, const std::string& column, const std::string& place) {
  const auto all = [&](auto holds) { return std::ranges::all_of(array, holds); };
  if (all([](const Json& item) { return item.is_string(); })) return array.get<std::vector<std::string>>();
  if (all([](const Json& item) { return item.is_number_integer(); })) return at::tensor(array.get<std::vector<std::int64_t>>());
  if (all([](const Json& item) { return item.is_number(); })) return at::tensor(array.get<std::vector<double>>(), at::kFloat);
  unfit("texts alone or numbers alone in the array \"" + column + "\" are", array, place,
        "Bring its entries to one kind, or leave it out.");
}

Value value_of(const Json& value, const std::string& column, const std::string& place) {
  switch (value.type()) {
    case Json::value_t::null:
      return {};
    case Json::value_t::string:
      return value.get<std::string>();
    case Json::value_t::boolean:
      return std::int64_t{value.get<bool>()};
    case Json::value_t::number_integer:
      return value.get<std::int64_t>();
    case Json::value_t::number_unsigned:
      if (value.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max()) return value.get<std::int64_t>();
      return value.get<double>();
    case Json::value_t::number_float:
      return value.get<double>();
    case Json::value_t::array:
      return array_value(value, column, place);
    default:
      unfit("a text, a number, true, false, null or an array of these in \"" + column + "\" is", value, place,
            "Bring the fields of the inner object up into the outer one, or leave it out.");
  }
}

Json parse_line(std::string_view line, const std::string& place) {
  Json object = parse_json(line, place);
  if (object.is_object()) return object;
  unfit("one object a line is", object, place, "Write lines such as {\"text\": \"...\", \"label\": \"...\"}.");
}

struct Line {
  std::size_t offset;
  std::size_t number;
};

class Jsonl final : public Dataset {
 public:
  Jsonl(const std::string& path, const JsonlOptions& options)
      : file_(Mapping::open(path)), name_(std::filesystem::path(path).filename().string()) {
    runtime();
    require_clean_utf8(file_->bytes(), path, "Jsonl");
    check_lines(path);
    if (lines_.empty()) refuse_empty("at least one line with an object is wanted, there is none", path, "Jsonl");
    const std::vector<Problem> missing = missing_columns(options.require, columns_, path, "Jsonl");
    if (!missing.empty()) throw DataError(missing);
  }

  std::size_t size() const override { return lines_.size(); }

  Record get(std::size_t index) const override {
    const Line& line = lines_.at(index);
    Record record{{}, name_ + ":" + std::to_string(line.number)};
    for (const std::string& column : columns_) record.values.emplace(column, Value());
    const Json object = parse_line(line_at(line.offset), record.place);
    for (const auto& [column, value] : object.items()) record.values[column] = value_of(value, column, record.place);
    return record;
  }

 private:
  std::string_view line_at(std::size_t offset) const {
    const std::string_view rest = file_->bytes().substr(offset);
    return rest.substr(0, rest.find('\n'));
  }

  void check_lines(const std::string& path) {
    const std::string_view text = file_->bytes();
    std::set<std::string> columns;
    std::vector<Problem> problems;
    std::size_t offset = begin_of(text);
    for (std::size_t number = 1; offset < text.size() && problems.size() < most_problems; ++number) {
      const std::string_view line = line_at(offset);
      if (line.find_first_not_of(" \t\r") != std::string_view::npos) {
        try {
          const std::string place = path + ":" + std::to_string(number);
          const Json object = parse_line(line, place);
          for (const auto& [column, value] : object.items()) {
            value_of(value, column, place);
            columns.insert(column);
          }
          lines_.push_back({offset, number});
        } catch (const DataError& error) {
          problems.insert(problems.end(), error.problems().begin(), error.problems().end());
        }
      }
      offset += line.size() + 1;
    }
    if (!problems.empty()) throw DataError(problems);
    columns_.assign(columns.begin(), columns.end());
  }

  std::shared_ptr<const Mapping> file_;
  std::string name_;
  std::vector<std::string> columns_;
  std::vector<Line> lines_;
};

}  // namespace

Data jsonl(const std::string& path, const JsonlOptions& options) { return Data(std::make_shared<Jsonl>(path, options)); }

}  // namespace graft::data
