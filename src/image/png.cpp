#include <ATen/ATen.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstring>
#include <utility>
#include <vector>

#include "image/formats.h"

namespace graft::image {
namespace {

/// libpng's errors, which must not return, leave by a jump back to attempt().
struct Failure {
  std::jmp_buf back;
  std::array<char, 128> reason{};
};

[[noreturn]] void fail(png_structp png, png_const_charp reason) {
  auto* failure = static_cast<Failure*>(png_get_error_ptr(png));
  std::strncpy(failure->reason.data(), reason, failure->reason.size() - 1);
  std::longjmp(failure->back, 1);
}

void pass_over(png_structp, png_const_charp) {}

void take(png_structp png, png_bytep to, std::size_t size) {
  auto* rest = static_cast<std::string_view*>(png_get_io_ptr(png));
  if (size > rest->size()) png_error(png, "it is cut off");
  std::memcpy(to, rest->data(), size);
  rest->remove_prefix(size);
}

void append(png_structp png, png_bytep from, std::size_t size) {
  static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<const char*>(from), size);
}

/// Runs `body`, which must hold no object with a destructor. False if libpng failed in it.
template <class Body>
bool attempt(Failure& failure, const Body& body) {
  if (setjmp(failure.back) != 0) return false;
  body();
  return true;
}

class Reader {
 public:
  Reader(std::string_view bytes, std::string place) : rest_(bytes), place_(std::move(place)) {
    handles_.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &failure_, fail, pass_over);
    if (handles_.png != nullptr) handles_.info = png_create_info_struct(handles_.png);
    if (handles_.info == nullptr) refuse_damaged("libpng cannot be set up", place_);
    png_set_read_fn(handles_.png, &rest_, take);
    attempt_or_refuse([&] { png_read_info(handles_.png, handles_.info); });
    size_ = checked_size(png_get_image_height(handles_.png, handles_.info), png_get_image_width(handles_.png, handles_.info), place_);
    // Deflate shrinks to a 1032nd at the most: what is too short for its size is refused before it gets memory.
    const auto row = static_cast<std::int64_t>(png_get_rowbytes(handles_.png, handles_.info));
    if (size_.height * row / 1032 > static_cast<std::int64_t>(bytes.size())) refuse_damaged("it is cut off", place_);
  }

  Head head() const { return {size_, orientation()}; }

  Decoded decode() {
    at::Tensor picture = empty_picture(size_);
    auto* to = picture.mutable_data_ptr<unsigned char>();
    std::vector<png_bytep> rows(static_cast<std::size_t>(size_.height));
    for (std::int64_t y = 0; y < size_.height; ++y) rows[static_cast<std::size_t>(y)] = to + y * size_.width * 3;
    attempt_or_refuse([&] {
      png_structp png = handles_.png;
      png_set_strip_16(png);
      png_set_packing(png);
      png_set_expand_gray_1_2_4_to_8(png);
      png_set_palette_to_rgb(png);
      png_set_gray_to_rgb(png);
      png_set_strip_alpha(png);
      png_set_interlace_handling(png);
      png_read_update_info(png, handles_.info);
      if (png_get_rowbytes(png, handles_.info) != static_cast<std::size_t>(size_.width) * 3) png_error(png, "its rows have another length");
      png_read_image(png, rows.data());
      png_read_end(png, handles_.info);
    });
    return {picture, orientation()};
  }

 private:
  struct Handles {
    png_structp png = nullptr;
    png_infop info = nullptr;
    Handles() = default;
    ~Handles() { png_destroy_read_struct(&png, &info, nullptr); }
    Handles(const Handles&) = delete;
    Handles& operator=(const Handles&) = delete;
  };

  template <class Body>
  void attempt_or_refuse(const Body& body) {
    if (!attempt(failure_, body)) refuse_damaged(failure_.reason.data(), place_);
  }

  int orientation() const {
    png_uint_32 size = 0;
    png_bytep exif = nullptr;
    if (png_get_eXIf_1(handles_.png, handles_.info, &size, &exif) == 0) return 1;
    return orientation_of({reinterpret_cast<const char*>(exif), size});
  }

  std::string_view rest_;
  std::string place_;
  Failure failure_{};
  Handles handles_;
  PictureSize size_;
};

}  // namespace

Head png_head(std::string_view bytes, const std::string& place) { return Reader(bytes, place).head(); }

Decoded decode_png(std::string_view bytes, const std::string& place) { return Reader(bytes, place).decode(); }

std::string encode_png(const at::Tensor& given) {
  const at::Tensor picture = checked_picture(given, "PNG");
  const auto* from = picture.const_data_ptr<unsigned char>();
  const auto height = static_cast<png_uint_32>(picture.size(0)), width = static_cast<png_uint_32>(picture.size(1));
  std::string bytes;
  Failure failure;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &failure, fail, pass_over);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  const bool done = info != nullptr && attempt(failure, [&] {
                      png_set_write_fn(png, &bytes, append, nullptr);
                      png_set_IHDR(png, info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                                   PNG_FILTER_TYPE_DEFAULT);
                      png_write_info(png, info);
                      for (png_uint_32 y = 0; y < height; ++y) png_write_row(png, from + std::size_t{y} * width * 3);
                      png_write_end(png, info);
                    });
  png_destroy_write_struct(&png, &info);
  if (!done) throw std::bad_alloc();  // all else was checked
  return bytes;
}

}  // namespace graft::image
