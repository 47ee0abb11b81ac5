#include "graft/image/picture.h"

#include <ATen/ATen.h>

#include <array>

#include "core/file.h"
#include "core/names.h"
#include "graft/core/error.h"
#include "graft/core/fields.h"
#include "image/formats.h"

namespace graft::image {
namespace {

// PIL's: a quarter of a gigabyte of 3 bytes each, doubled.
constexpr std::int64_t most_pixels = 178'956'970;

struct Format {
  Head (*head)(std::string_view bytes, const std::string& place);
  Decoded (*decode)(std::string_view bytes, const std::string& place);
};

Format format_of(std::string_view bytes, const std::string& place) {
  if (bytes.starts_with("\xff\xd8\xff")) return {jpeg_head, decode_jpeg};
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return {png_head, decode_png};
  if (bytes.starts_with("BM")) return {bmp_head, decode_bmp};
  if (bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6') return {pnm_head, decode_pnm};
  throw DataError({.code = "graft-D049",
                   .message = "[Picture] JPEG, PNG, BMP or PNM is wanted, got " +
                              (bytes.empty() ? std::string("an empty file.") : std::string("a file that begins like none of them.")),
                   .remedy = "Convert it: magick FILE FILE.png, or Image.open(FILE).save(\"FILE.png\").",
                   .place = place});
}

}  // namespace

void refuse_damaged(const std::string& reason, const std::string& place) {
  throw DataError({.code = "graft-D048",
                   .message = "[Picture] cannot be decoded: " + reason + ".",
                   .remedy = "Fetch or save the file again, or leave the record out.",
                   .place = place});
}

PictureSize checked_size(std::int64_t height, std::int64_t width, const std::string& place) {
  if (height < 1 || width < 1) refuse_damaged("it has no pixels", place);
  if (width > most_pixels / height)
    refuse_damaged(
        "at most " + with_commas(most_pixels) + " pixels are read, it claims " + with_commas(width) + " x " + with_commas(height), place);
  return {height, width};
}

at::Tensor empty_picture(PictureSize size) { return at::empty({size.height, size.width, 3}, at::kByte); }

at::Tensor checked_picture(const at::Tensor& picture, const std::string& who) {
  const bool fits = picture.defined() && picture.is_cpu() && picture.scalar_type() == at::kByte && picture.dim() == 3 &&
                    picture.size(2) == 3 && picture.numel() > 0;
  if (fits) return picture.contiguous();
  throw DataError(
      {.code = "graft-D050",
       .message = "[" + who + "] a picture, uint8 [H, W, 3] in the machine's memory, is wanted, got " +
                  (picture.defined() ? std::string(picture.dtype().name()) + " " + shape_text(picture.sizes()) : std::string("nothing")) +
                  ".",
       .remedy = "Colours stand last: permute({1, 2, 0}) turns [3, H, W]; values lie in 0 to 255.",
       .place = ""});
}

at::Tensor decode_picture(std::string_view bytes, const std::string& place) {
  const Decoded decoded = format_of(bytes, place).decode(bytes, place);
  return turned(decoded.picture, decoded.orientation);
}

at::Tensor read_picture(const std::string& path) { return decode_picture(Mapping::open(path)->bytes(), path); }

PictureSize read_size(const std::string& path) {
  const auto file = Mapping::open(path);
  const Head head = format_of(file->bytes(), path).head(file->bytes(), path);
  return head.orientation < 5 ? head.size : PictureSize{head.size.width, head.size.height};
}

void write_png(const std::string& path, const at::Tensor& picture) { write_file_atomically(path, encode_png(picture)); }

void write_jpeg(const std::string& path, const at::Tensor& picture, int quality) {
  write_file_atomically(path, encode_jpeg(picture, quality));
}

}  // namespace graft::image
