#include <ATen/ATen.h>
#include <libexif/exif-data.h>

#include <limits>
#include <memory>

#include "image/formats.h"

namespace graft::image {

int orientation_of(std::string_view exif) {
  constexpr std::string_view mark("Exif\0\0", 6);  // libexif wants it, PNG leaves it out
  std::string whole(mark);
  whole += exif.substr(exif.starts_with(mark) ? mark.size() : 0);
  if (whole.size() > std::numeric_limits<unsigned>::max()) return 1;
  const std::unique_ptr<ExifData, decltype(&exif_data_unref)> data(exif_data_new(), exif_data_unref);
  if (!data) return 1;
  // Without it libexif adds what it misses, and mends what it finds odd.
  exif_data_unset_option(data.get(), EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
  exif_data_load_data(data.get(), reinterpret_cast<const unsigned char*>(whole.data()), static_cast<unsigned>(whole.size()));
  const ExifEntry* entry = exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
  if (entry == nullptr || entry->format != EXIF_FORMAT_SHORT || entry->components < 1 || entry->size < 2) return 1;
  const int orientation = exif_get_short(entry->data, exif_data_get_byte_order(data.get()));
  return orientation >= 1 && orientation <= 8 ? orientation : 1;
}

at::Tensor turned(const at::Tensor& picture, int orientation) {
  if (orientation == 1) return picture;
  at::Tensor seen = orientation >= 5 ? picture.transpose(0, 1) : picture;
  const bool upside_down = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  const bool mirrored = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  if (upside_down) seen = seen.flip(0);
  if (mirrored) seen = seen.flip(1);
  return seen.contiguous();
}

}  // namespace graft::image
