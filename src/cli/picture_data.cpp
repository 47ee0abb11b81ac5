#include "cli/picture_data.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <vector>

#include "core/json.h"
#include "core/warning.h"
#include "data/pictures.h"
#include "graft/data/box_checks.h"
#include "graft/data/repeated_pictures.h"
#include "graft/data/vision_splits.h"
#include "graft/image/picture.h"

namespace graft::cli {
namespace {

constexpr std::array<std::string_view, 4> columns{"image", "path", "file", "filename"};

/// As far as a person would look to tell what a file is.
std::string beginning(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(std::size_t{1} << 16, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::pair<std::int64_t, std::int64_t> size_of(const std::string& file) {
  const image::PictureSize size = image::read_size(file);
  return {size.height, size.width};
}

std::vector<std::string> cells(const std::string& line, char delimiter) {
  std::vector<std::string> found(1);
  for (const char c : line) {
    if (c == delimiter) {
      found.emplace_back();
    } else if (c != '"' && c != '\r') {
      found.back() += c;
    }
  }
  return found;
}

}  // namespace

bool is_picture_set(const std::string& path) {
  if (std::filesystem::is_directory(path) || path.ends_with(".yaml") || path.ends_with(".yml")) return true;
  if (!path.ends_with(".json")) return false;
  const std::string text = beginning(path);
  const auto has = [&](const char* key) { return text.find(key) != std::string::npos; };
  return !has("\"paragraphs\"") && (has("\"images\"") || has("\"annotations\"") || has("\"categories\""));
}

Splits open_picture_set(const std::string& path) { return data::vision_splits(path, {.size_of = size_of}); }

Splits checked_pictures(Splits splits) {
  const auto parts = {&splits.train, &splits.valid, &splits.test};
  const auto some = std::ranges::find_if(parts, [](const Data* part) { return !part->empty(); });
  if (some == parts.end()) return splits;
  const Record record = (*some)->get(0);
  const auto image = record.values.find("image");
  const auto* path = image == record.values.end() ? nullptr : std::get_if<std::string>(&image->second);
  if (path == nullptr || !data::is_picture(*path)) return splits;
  if (record.has("boxes")) return data::check_boxes(splits, {.size_of = size_of}).splits;
  std::ranges::for_each(data::repeated_pictures(splits), warn);
  return splits;
}

bool lists_pictures(const std::string& path) {
  const bool is_lines = path.ends_with(".jsonl"), is_table = path.ends_with(".csv") || path.ends_with(".tsv");
  if (!is_lines && !is_table) return false;
  std::ifstream file(path);
  std::string header, row;
  std::getline(file, header);
  if (is_lines) {
    const Json record = Json::parse(header, nullptr, /*allow_exceptions=*/false);
    return record.is_object() && std::ranges::any_of(columns, [&](std::string_view column) {
             const Json value = record.value(std::string(column), Json());
             return value.is_string() && data::is_picture(value.get<std::string>());
           });
  }
  std::getline(file, row);
  const char delimiter = path.ends_with(".tsv") ? '\t' : ',';
  const std::vector<std::string> names = cells(header, delimiter), values = cells(row, delimiter);
  for (std::size_t i = 0; i < std::min(names.size(), values.size()); ++i) {
    if (std::ranges::find(columns, names[i]) != columns.end() && data::is_picture(values[i])) return true;
  }
  return false;
}

}  // namespace graft::cli
