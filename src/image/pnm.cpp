#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "image/formats.h"

namespace graft::image {
namespace {

// The formats of Netpbm: P1 to P3 are text, P4 to P6 binary; bits (1 is black), grey, RGB.
class Reader {
 public:
  Reader(std::string_view bytes, std::string place) : place_(std::move(place)), rest_(bytes.substr(2)) {
    const int kind = bytes[1] - '0';
    is_text_ = kind <= 3;
    is_bits_ = kind == 1 || kind == 4;
    channels_ = kind == 3 || kind == 6 ? 3 : 1;
    const std::int64_t width = number(), height = number();
    size_ = checked_size(height, width, place_);
    if (!is_bits_) most_ = number();
    if (most_ < 1 || most_ > 65535) refuse_damaged("its largest value must lie in 1 to 65535", place_);
    if (!is_text_ && (rest_.empty() || !is_space(rest_.front()))) refuse_damaged("its head does not end", place_);
    if (!is_text_) rest_.remove_prefix(1);
    // Text has at least a digit and a space a value, bits but the digit.
    const std::int64_t values = size_.width * channels_;
    const std::int64_t row = is_text_ ? (is_bits_ ? values : 2 * values) : is_bits_ ? (values + 7) / 8 : values * (most_ > 255 ? 2 : 1);
    if (row * size_.height - (is_text_ ? 1 : 0) > static_cast<std::int64_t>(rest_.size())) refuse_damaged("it is cut off", place_);
  }

  PictureSize size() const { return size_; }

  at::Tensor decode() {
    // PIL's rounding: half to even.
    for (std::int64_t value = 0; value <= most_; ++value)
      scaled_.push_back(static_cast<unsigned char>(std::nearbyint(static_cast<double>(value) / static_cast<double>(most_) * 255)));
    at::Tensor picture = empty_picture(size_);
    auto* to = picture.mutable_data_ptr<unsigned char>();
    for (std::int64_t y = 0; y < size_.height; ++y) {
      for (std::int64_t x = 0; x < size_.width; ++x, to += 3) {
        for (int c = 0; c < channels_; ++c) to[c] = value(x);
        if (channels_ == 1) to[1] = to[2] = to[0];
      }
      if (is_bits_ && !is_text_) rest_.remove_prefix(static_cast<std::size_t>((size_.width + 7) / 8));
    }
    return picture;
  }

 private:
  static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

  void skip_space() {
    while (!rest_.empty() && (is_space(rest_.front()) || rest_.front() == '#')) {
      rest_.remove_prefix(rest_.front() == '#' ? std::min(rest_.find_first_of("\r\n"), rest_.size()) : 1);
    }
  }

  std::int64_t number() {
    skip_space();
    std::int32_t found = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), found);
    if (error != std::errc() || found < 0) refuse_damaged("a number is wanted where there is none", place_);
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return found;
  }

  unsigned char value(std::int64_t x) {
    if (is_bits_) {
      if (!is_text_) return (static_cast<unsigned char>(rest_[static_cast<std::size_t>(x / 8)]) >> (7 - x % 8) & 1) != 0 ? 0 : 255;
      skip_space();
      if (rest_.empty() || (rest_.front() != '0' && rest_.front() != '1')) refuse_damaged("a 0 or a 1 is wanted", place_);
      const bool is_black = rest_.front() == '1';
      rest_.remove_prefix(1);
      return is_black ? 0 : 255;
    }
    std::int64_t found = 0;
    if (is_text_) {
      found = number();
    } else {
      const std::size_t bytes = most_ > 255 ? 2 : 1;
      for (std::size_t i = 0; i < bytes; ++i) found = found * 256 + static_cast<unsigned char>(rest_[i]);
      rest_.remove_prefix(bytes);
    }
    if (found > most_) refuse_damaged("a value lies above its largest", place_);
    return scaled_[static_cast<std::size_t>(found)];
  }

  std::string place_;
  std::string_view rest_;
  bool is_text_ = false, is_bits_ = false;
  int channels_ = 1;
  std::int64_t most_ = 1;
  PictureSize size_;
  std::vector<unsigned char> scaled_;
};

}  // namespace

Head pnm_head(std::string_view bytes, const std::string& place) { return {Reader(bytes, place).size(), 1}; }

Decoded decode_pnm(std::string_view bytes, const std::string& place) { return {Reader(bytes, place).decode(), 1}; }

}  // namespace graft::image
