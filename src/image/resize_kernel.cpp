#include "image/resize_kernel.h"

#include <algorithm>
#include <cstring>

#define GRAFT_INLINE [[gnu::always_inline]] static inline

namespace graft::image {
namespace {

constexpr std::int32_t half = 1 << (weight_bits - 1);

// GCC ignores vector sizes that depend on a template's parameters.
template <int lanes>
struct Vectors;
#define GRAFT_VECTORS(lanes)                                               \
  template <>                                                              \
  struct Vectors<lanes> {                                                  \
    typedef std::int32_t Integers __attribute__((vector_size(lanes * 4))); \
    typedef std::uint8_t Bytes __attribute__((vector_size(lanes)));        \
  };
GRAFT_VECTORS(4)
GRAFT_VECTORS(8)
GRAFT_VECTORS(16)
#undef GRAFT_VECTORS

template <int lanes>
struct Kernel {
  using Integers = typename Vectors<lanes>::Integers;
  using Bytes = typename Vectors<lanes>::Bytes;

  GRAFT_INLINE void widen(const unsigned char* from, Integers& to) {
    Bytes bytes;
    std::memcpy(&bytes, from, lanes);
    to = __builtin_convertvector(bytes, Integers);
  }
  GRAFT_INLINE void narrow(Integers sum, unsigned char* to, std::size_t count) {
    sum >>= weight_bits;
    sum = sum < 0 ? Integers{} : sum;
    sum = sum > 255 ? Integers{} + 255 : sum;
    const Bytes bytes = __builtin_convertvector(sum, Bytes);
    std::memcpy(to, &bytes, count);
  }

  /// A pixel is loaded with a byte of the next: four lanes of 32 bits.
  GRAFT_INLINE void row(const unsigned char* from, const Taps& taps, std::int64_t width, unsigned char* to) {
    static_assert(lanes == 4);
    for (std::int64_t x = 0; x < width; ++x) {
      const unsigned char* pixel = from + 3 * taps.first[x];
      const std::int32_t* weights = taps.weights + x * taps.most;
      Integers sum = Integers{} + half, values;
      for (std::int32_t i = 0; i < taps.count[x]; ++i) {
        widen(pixel + 3 * i, values);
        sum += values * weights[i];
      }
      narrow(sum, to + 3 * x, 3);
    }
  }

  GRAFT_INLINE void rows(const unsigned char* from, std::int64_t stride, const std::int32_t* weights, std::int64_t count, std::int64_t size,
                         unsigned char* to) {
    std::int64_t i = 0;
    for (; i + lanes <= size; i += lanes) {
      Integers sum = Integers{} + half, values;
      for (std::int64_t k = 0; k < count; ++k) {
        widen(from + k * stride + i, values);
        sum += values * weights[k];
      }
      narrow(sum, to + i, lanes);
    }
    for (; i < size; ++i) {
      std::int32_t sum = half;
      for (std::int64_t k = 0; k < count; ++k) sum += from[k * stride + i] * weights[k];
      to[i] = static_cast<unsigned char>(std::clamp(sum >> weight_bits, 0, 255));
    }
  }
};

void row_plain(const unsigned char* from, const Taps& taps, std::int64_t width, unsigned char* to) {
  Kernel<4>::row(from, taps, width, to);
}
void rows_plain(const unsigned char* from, std::int64_t stride, const std::int32_t* weights, std::int64_t count, std::int64_t size,
                unsigned char* to) {
  Kernel<4>::rows(from, stride, weights, count, size, to);
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void row_avx2(const unsigned char* from, const Taps& taps, std::int64_t width, unsigned char* to) {
  Kernel<4>::row(from, taps, width, to);
}
[[gnu::target("avx2")]] void rows_avx2(const unsigned char* from, std::int64_t stride, const std::int32_t* weights, std::int64_t count,
                                       std::int64_t size, unsigned char* to) {
  Kernel<8>::rows(from, stride, weights, count, size, to);
}
#endif

bool has_avx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2");
#else
  return false;
#endif
}

}  // namespace

void resize_row(const unsigned char* from, const Taps& taps, std::int64_t width, unsigned char* to) {
  static const auto kernel = has_avx2() ? row_avx2 : row_plain;
  kernel(from, taps, width, to);
}

void sum_rows(const unsigned char* from, std::int64_t stride, const std::int32_t* weights, std::int64_t count, std::int64_t size,
              unsigned char* to) {
  static const auto kernel = has_avx2() ? rows_avx2 : rows_plain;
  kernel(from, stride, weights, count, size, to);
}

}  // namespace graft::image
