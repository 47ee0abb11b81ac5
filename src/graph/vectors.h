#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>

#define GRAFT_INLINE [[gnu::always_inline]] static inline

namespace graft::graph {

/// Vectors of the compiler, which may lie anywhere in an array of floats. They must be as wide as the target's of the function that holds
/// them: compilers split wider ones badly.
template <int lanes>
struct Vectors;
#define GRAFT_VECTORS(lanes)                                                                      \
  template <>                                                                                     \
  struct Vectors<lanes> {                                                                         \
    typedef float Floats __attribute__((vector_size(lanes * 4), aligned(4), may_alias));          \
    typedef std::int32_t Integers __attribute__((vector_size(lanes * 4), aligned(4), may_alias)); \
    typedef std::uint16_t Halves __attribute__((vector_size(lanes * 2), aligned(2), may_alias));  \
  };
GRAFT_VECTORS(1)
GRAFT_VECTORS(4)
GRAFT_VECTORS(8)
GRAFT_VECTORS(16)
#undef GRAFT_VECTORS

/// Loads and stores of one vector, of float or bfloat16 numbers.
template <int lanes>
struct Access {
  using Floats = typename Vectors<lanes>::Floats;
  using Integers = typename Vectors<lanes>::Integers;
  using Halves = typename Vectors<lanes>::Halves;

  GRAFT_INLINE Floats& at(float* data) { return *reinterpret_cast<Floats*>(data); }
  GRAFT_INLINE const Floats& at(const float* data) { return *reinterpret_cast<const Floats*>(data); }

  // By reference: vectors as results of functions are no part of the binary interface.
  GRAFT_INLINE void load(const float* data, float* to) { at(to) = at(data); }
  GRAFT_INLINE void load(const c10::BFloat16* data, float* to) {
    const Integers bits = __builtin_convertvector(*reinterpret_cast<const Halves*>(data), Integers) << 16;
    at(to) = reinterpret_cast<const Floats&>(bits);
  }
  GRAFT_INLINE void store(float* data, const Floats& values) { at(data) = values; }
  /// To the nearest, ties to even.
  GRAFT_INLINE void store(c10::BFloat16* data, const Floats& values) {
    Integers bits = reinterpret_cast<const Integers&>(values);
    bits += 0x7fff + ((bits >> 16) & 1);
    *reinterpret_cast<Halves*>(data) = __builtin_convertvector((bits >> 16) & 0xffff, Halves);
  }

  GRAFT_INLINE float sum(const Floats& values) {
    float total = 0;
    for (int lane = 0; lane < lanes; ++lane) total += values[lane];
    return total;
  }
};

#if defined(__x86_64__)
/// Of a kernel's forms the widest that this processor runs: with AVX-512 (f, bw, vl, dq), with AVX2 and FMA, or with neither.
template <class Form>
Form widest(Form avx512, Form avx2, Form plain) {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq"))
    return avx512;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? avx2 : plain;
}
#endif

}  // namespace graft::graph
