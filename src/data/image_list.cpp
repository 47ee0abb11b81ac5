#include "graft/data/image_list.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "core/hash.h"
#include "core/names.h"
#include "data/pictures.h"
#include "graft/core/error.h"
#include "graft/data/csv.h"
#include "graft/data/jsonl.h"

namespace graft::data {
namespace {

namespace fs = std::filesystem;

std::string column_of(const Record& record, const std::string& wanted, const std::string& place) {
  static constexpr std::array<const char*, 4> usual{"image", "path", "file", "filename"};
  if (!wanted.empty() && record.has(wanted)) return wanted;
  const auto found = std::ranges::find_if(usual, [&](const char* name) { return record.has(name); });
  if (wanted.empty() && found != usual.end()) return *found;
  std::vector<std::string> columns;
  for (const auto& [name, value] : record.values) columns.push_back(name);
  throw DataError({.code = "graft-D068",
                   .message = "[ImageList] a column of paths " +
                              (wanted.empty() ? "\"image\", \"path\" or \"file\"" : "\"" + wanted + "\"") +
                              " is wanted; the file has: " + quoted_list(columns) + ".",
                   .remedy = did_you_mean(wanted.empty() ? "image" : wanted, columns, "Name the column: .column = \"...\"."),
                   .place = place});
}

class ImageList final : public Dataset {
 public:
  ImageList(Data table, std::string column, fs::path folder)
      : table_(std::move(table)), column_(std::move(column)), folder_(std::move(folder)) {}

  std::size_t size() const override { return table_.size(); }

  Record get(std::size_t index) const override {
    Record record = table_.get(index);
    record.values["image"] = (folder_ / record.text(column_)).string();
    return record;
  }

  std::string key(std::size_t index) const override {
    return Hash().add(Dataset::key(index)).add(file_key(get(index).text("image"))).hex();
  }

 private:
  Data table_;
  std::string column_;
  fs::path folder_;
};

}  // namespace

Data image_list(const std::string& path, const ImageListOptions& options) {
  return listed_pictures(path.ends_with(".jsonl") ? jsonl(path) : csv(path), path, options);
}

Data listed_pictures(const Data& table, const std::string& path, const ImageListOptions& options) {
  const std::string column = column_of(table.get(0), options.column, path);
  const Data list(
      std::make_shared<ImageList>(table, column, options.folder.empty() ? fs::path(path).parent_path() : fs::path(options.folder)));
  std::vector<std::string> paths, places;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Record record = list.get(i);
    paths.push_back(record.text("image"));
    places.push_back(record.place);
  }
  if (const auto missing = missing_files(paths, places, "ImageList")) throw DataError(*missing);
  return list;
}

}  // namespace graft::data
