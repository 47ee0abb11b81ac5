#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "zip.h"

namespace graft::fuzz {

using Random = std::mt19937_64;

/// A real file, whole and, if it is an archive, by its records.
struct Original {
  std::string name;
  std::string bytes;
  test::ZipRecords records;
};

Original read_original(const std::string& path);

/// Ways to change an archive. The first five damage the file as it lies there; the others change records and make directory and checksums
/// right again, so that the change reaches the inner layers.
constexpr std::array<std::string_view, 13> archive_kinds = {"flip",   "cut",  "noise", "shift",  "directory", "data.pkl", "constants.pkl",
                                                            "number", "code", "token", "weight", "delete",    "exchange"};
/// Ways to change a safetensors file.
constexpr std::array<std::string_view, 4> safetensors_kinds = {"flip", "cut", "header", "digit"};

/// The file changed in this way; empty where the file has nothing to change so.
std::string mutate(const Original& original, std::string_view kind, Random& random);

}  // namespace graft::fuzz
