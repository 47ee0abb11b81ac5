#pragma once

#include <algorithm>
#include <cmath>

#include "graft/image/picture.h"
#include "support.h"

/// tests/golden/pictures.json and the files that belong to it; make_pictures.py wrote both.
namespace graft::test {

inline std::string picture_path(const std::string& name) { return golden_path("pictures/" + name); }

inline const Json& pictures() {
  static const Json all = golden("pictures.json");
  return all;
}

/// {"height", "width", "pixels"} as a picture.
inline at::Tensor picture_of(const Json& entry) {
  const auto height = entry.at("height").get<std::int64_t>(), width = entry.at("width").get<std::int64_t>();
  const std::string digits = entry.at("pixels");
  at::Tensor picture = at::empty({height, width, 3}, at::kByte);
  REQUIRE(static_cast<std::int64_t>(digits.size()) == 2 * picture.numel());
  for (std::int64_t i = 0; i < picture.numel(); ++i) {
    picture.mutable_data_ptr<unsigned char>()[i] =
        static_cast<unsigned char>(std::stoi(digits.substr(static_cast<std::size_t>(2 * i), 2), nullptr, 16));
  }
  return picture;
}

/// Smooth colours with an edge.
inline at::Tensor drawn(std::int64_t height, std::int64_t width) {
  at::Tensor picture = at::empty({height, width, 3}, at::kByte);
  auto* to = picture.mutable_data_ptr<unsigned char>();
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x, to += 3) {
      to[0] = static_cast<unsigned char>(127 + 120 * std::sin(static_cast<double>(x) / 3));
      to[1] = static_cast<unsigned char>(127 + 120 * std::cos(static_cast<double>(y) / 4));
      to[2] = x > width / 2 ? 240 : static_cast<unsigned char>((x * 7 + y * 5) % 200);
    }
  }
  return picture;
}

}  // namespace graft::test
