#include <ATen/ATen.h>
#include <cstdio>  // jpeglib.h needs it

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdlib>
#include <utility>
#include <vector>

#include <jpeglib.h>

#include <jerror.h>

#include "graft/core/error.h"
#include "graft/core/fields.h"
#include "image/formats.h"

namespace graft::image {
namespace {

// Each scan of a progressive file costs a pass over the picture, whatever its length in bytes.
constexpr int most_scans = 500;

/// libjpeg's errors, which must not return, leave by a jump back to attempt().
struct Failure {
  jpeg_error_mgr manager;
  std::jmp_buf back;
  std::array<char, JMSG_LENGTH_MAX> reason;
};

[[noreturn]] void fail(j_common_ptr codec) {
  auto* failure = reinterpret_cast<Failure*>(codec->err);
  failure->manager.format_message(codec, failure->reason.data());
  std::longjmp(failure->back, 1);
}

/// Warnings of files that are whole and merely odd are passed over; what leaves pixels undefined is an error.
void warn_or_fail(j_common_ptr codec, int level) {
  if (level >= 0) return;
  switch (codec->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
      fail(codec);
    default:
      ++codec->err->num_warnings;
  }
}

void count_scans(j_common_ptr codec) {
  if (reinterpret_cast<j_decompress_ptr>(codec)->input_scan_number <= most_scans) return;
  codec->err->msg_code = JERR_BAD_PROGRESSION;
  fail(codec);
}

jpeg_error_mgr* handlers(Failure& failure) {
  jpeg_std_error(&failure.manager);
  failure.manager.error_exit = fail;
  failure.manager.emit_message = warn_or_fail;
  return &failure.manager;
}

/// Runs `body`, which must hold no object with a destructor. False if libjpeg failed in it.
template <class Body>
bool attempt(Failure& failure, const Body& body) {
  if (setjmp(failure.back) != 0) return false;
  body();
  return true;
}

/// What there is of it is freed, also if its making failed.
struct Decompressor {
  jpeg_decompress_struct info{};
  Decompressor() = default;
  ~Decompressor() { jpeg_destroy_decompress(&info); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
};

/// Adobe's files, the only ones in use, hold what is left of white: 255 - ink. PIL's conversion.
void rgb_of_cmyk(const unsigned char* from, std::int64_t pixels, unsigned char* to) {
  for (std::int64_t i = 0; i < pixels; ++i, from += 4, to += 3) {
    for (int c = 0; c < 3; ++c) {
      const int product = (255 - from[c]) * from[3] + 128;
      to[c] = static_cast<unsigned char>(std::max(0, from[3] - (((product >> 8) + product) >> 8)));
    }
  }
}

class Reader {
 public:
  Reader(std::string_view bytes, std::string place) : place_(std::move(place)) {
    info_.err = handlers(failure_);
    attempt_or_refuse([&] {
      jpeg_create_decompress(&info_);
      monitor_.progress_monitor = count_scans;
      info_.progress = &monitor_;
      jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<unsigned long>(bytes.size()));
      jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xffff);
      jpeg_read_header(&info_, TRUE);
    });
    head_.size = checked_size(info_.image_height, info_.image_width, place_);
    // A block of 8 x 8 pixels takes a bit at the least: what is too short for its size is refused before it gets memory.
    const auto held = static_cast<std::int64_t>(bytes.size());
    if (info_.arith_code == FALSE && head_.size.height * head_.size.width / (64 * 8) > held) refuse_damaged("it is cut off", place_);
    for (jpeg_saved_marker_ptr marker = info_.marker_list; marker != nullptr; marker = marker->next) {
      const std::string_view content(reinterpret_cast<const char*>(marker->data), marker->data_length);
      if (!content.starts_with("Exif")) continue;
      head_.orientation = orientation_of(content);
      break;
    }
  }
  const Head& head() const { return head_; }

  at::Tensor decode() {
    at::Tensor picture = empty_picture(head_.size);
    const bool is_cmyk = info_.num_components == 4;
    std::vector<unsigned char> line(is_cmyk ? static_cast<std::size_t>(head_.size.width) * 4 : 0);
    auto* to = picture.mutable_data_ptr<unsigned char>();
    const std::int64_t row = head_.size.width * 3;
    attempt_or_refuse([&] {
      info_.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
      jpeg_start_decompress(&info_);
      while (info_.output_scanline < info_.output_height) {
        unsigned char* at = to + static_cast<std::int64_t>(info_.output_scanline) * row;
        if (is_cmyk) {
          unsigned char* only = line.data();
          jpeg_read_scanlines(&info_, &only, 1);
          rgb_of_cmyk(line.data(), head_.size.width, at);
        } else {
          unsigned char* rows[8];
          const auto wanted = std::min<unsigned>(8, info_.output_height - info_.output_scanline);
          for (unsigned i = 0; i < wanted; ++i) rows[i] = at + i * row;
          jpeg_read_scanlines(&info_, rows, wanted);
        }
      }
      jpeg_finish_decompress(&info_);
    });
    return picture;
  }

 private:
  template <class Body>
  void attempt_or_refuse(const Body& body) {
    if (!attempt(failure_, body)) refuse_damaged(failure_.reason.data(), place_);
  }

  std::string place_;
  Failure failure_{};
  jpeg_progress_mgr monitor_{};
  Decompressor codec_;
  jpeg_decompress_struct& info_ = codec_.info;
  Head head_;
};

}  // namespace

Head jpeg_head(std::string_view bytes, const std::string& place) { return Reader(bytes, place).head(); }

Decoded decode_jpeg(std::string_view bytes, const std::string& place) {
  Reader reader(bytes, place);
  return {reader.decode(), reader.head().orientation};
}

std::string encode_jpeg(const at::Tensor& given, int quality) {
  const at::Tensor picture = checked_picture(given, "JPEG");
  auto* from =
      const_cast<unsigned char*>(picture.const_data_ptr<unsigned char>());  // libjpeg reads rows through pointers to what may change
  const std::int64_t row = picture.size(1) * 3;
  struct Buffer {
    unsigned char* data = nullptr;
    unsigned long size = 0;
    ~Buffer() { std::free(data); }
  } buffer;
  Failure failure{};
  jpeg_compress_struct info{};
  info.err = handlers(failure);
  const bool done = attempt(failure, [&] {
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &buffer.data, &buffer.size);
    info.image_height = static_cast<JDIMENSION>(picture.size(0));
    info.image_width = static_cast<JDIMENSION>(picture.size(1));
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, quality, TRUE);
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
      unsigned char* line = from + static_cast<std::int64_t>(info.next_scanline) * row;
      jpeg_write_scanlines(&info, &line, 1);
    }
    jpeg_finish_compress(&info);
  });
  jpeg_destroy_compress(&info);
  if (!done) {
    throw DataError({.code = "graft-D050",
                     .message = "[JPEG] cannot hold a picture " + shape_text(picture.sizes()) + ": " + failure.reason.data() + ".",
                     .remedy = "Write a PNG.",
                     .place = ""});
  }
  return std::string(reinterpret_cast<const char*>(buffer.data), buffer.size);
}

}  // namespace graft::image
