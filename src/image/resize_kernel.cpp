#include "image/resize_kernel.h"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace graft::image {
namespace {

constexpr std::int32_t half = 1 << (weight_bits - 1);

unsigned char narrowed(std::int32_t sum) { return static_cast<unsigned char>(std::clamp(sum >> weight_bits, 0, 255)); }

void row_plain(const unsigned char* from, const Taps& taps, std::int64_t width, unsigned char* to) {
  for (std::int64_t x = 0; x < width; ++x) {
    for (int c = 0; c < 3; ++c) {
      std::int32_t sum = half;
      for (std::int32_t i = 0; i < taps.count[x]; ++i) sum += from[3 * (taps.first[x] + i) + c] * taps.weights[x * taps.most + i];
      to[3 * x + c] = narrowed(sum);
    }
  }
}

void rows_plain(const unsigned char* from, std::int64_t stride, const std::int32_t* weights, std::int64_t count, std::int64_t size,
                unsigned char* to) {
  for (std::int64_t i = 0; i < size; ++i) {
    std::int32_t sum = half;
    for (std::int64_t k = 0; k < count; ++k) sum += from[k * stride + i] * weights[k];
    to[i] = narrowed(sum);
  }
}

#if defined(__x86_64__)
// Compilers widen and narrow bytes badly, so these are written in the processor's own instructions.

/// A pixel is loaded with a byte of the next: four lanes of 32 bits.
[[gnu::target("avx2")]] void row_avx2(const unsigned char* from, const Taps& taps, std::int64_t width, unsigned char* to) {
  for (std::int64_t x = 0; x < width; ++x) {
    const unsigned char* pixel = from + 3 * std::int64_t{taps.first[x]};
    const std::int32_t* weights = taps.weights + x * taps.most;
    __m128i sum = _mm_set1_epi32(half);
    for (std::int32_t i = 0, count = taps.count[x]; i < count; ++i, pixel += 3) {
      std::int32_t bytes;
      std::memcpy(&bytes, pixel, 4);
      sum = _mm_add_epi32(sum, _mm_mullo_epi32(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes)), _mm_set1_epi32(weights[i])));
    }
    sum = _mm_srai_epi32(sum, weight_bits);
    sum = _mm_packus_epi32(sum, sum);  // clamped to 16 bits, then to 8
    const std::int32_t bytes = _mm_cvtsi128_si32(_mm_packus_epi16(sum, sum));
    std::memcpy(to + 3 * x, &bytes, 3);
  }
}

[[gnu::target("avx2")]] void rows_avx2(const unsigned char* from, std::int64_t stride, const std::int32_t* weights, std::int64_t count,
                                       std::int64_t size, unsigned char* to) {
  std::int64_t i = 0;
  for (; i + 16 <= size; i += 16) {
    __m256i low = _mm256_set1_epi32(half), high = low;
    for (std::int64_t k = 0; k < count; ++k) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + k * stride + i));
      const __m256i weight = _mm256_set1_epi32(weights[k]);
      low = _mm256_add_epi32(low, _mm256_mullo_epi32(_mm256_cvtepu8_epi32(bytes), weight));
      high = _mm256_add_epi32(high, _mm256_mullo_epi32(_mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)), weight));
    }
    // Packing works in halves of 128 bits: their order is mended after the first.
    const __m256i words = _mm256_packus_epi32(_mm256_srai_epi32(low, weight_bits), _mm256_srai_epi32(high, weight_bits));
    const __m256i ordered = _mm256_permute4x64_epi64(words, 0b11'01'10'00);
    const __m128i packed = _mm_packus_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), packed);
  }
  rows_plain(from + i, stride, weights, count, size - i, to + i);
}
#endif

}  // namespace

void resize_row(const unsigned char* from, const Taps& taps, std::int64_t width, unsigned char* to) {
  static const auto kernel = [] {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) return row_avx2;
#endif
    return row_plain;
  }();
  kernel(from, taps, width, to);
}

void sum_rows(const unsigned char* from, std::int64_t stride, const std::int32_t* weights, std::int64_t count, std::int64_t size,
              unsigned char* to) {
  static const auto kernel = [] {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) return rows_avx2;
#endif
    return rows_plain;
  }();
  kernel(from, stride, weights, count, size, to);
}

}  // namespace graft::image
