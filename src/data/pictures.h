#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graft/core/error.h"
#include "graft/data/boxes.h"
#include "graft/data/dataset.h"
#include "graft/data/image_list.h"

/// What the readers of pictures share.
namespace graft::data {

/// A picture as a data set names it.
struct Picture {
  std::string path, place;
  std::optional<std::string> label = {};
  /// 0 where nothing is said of them.
  std::int64_t width = 0, height = 0;
  std::optional<std::vector<GivenBox>> boxes = {};
};

/// A record for each: "image", and what is known of "label", "width", "height" and the boxes. Keys are those of the files.
Data pictures(std::vector<Picture> list);

/// image_list() of a table that was read from this file.
Data listed_pictures(const Data& table, const std::string& path, const ImageListOptions& options = {});

/// By the ending of its name: jpg, jpeg, png, bmp, ppm, pgm, in any case.
bool is_picture(const std::filesystem::path& path);

/// Digest of the path, size and time of a file.
std::string file_key(const std::string& path);

/// One problem that names the files which are not there; `places` says of each what asks for it.
std::optional<Problem> missing_files(std::span<const std::string> paths, std::span<const std::string> places, const std::string& who);

}  // namespace graft::data
