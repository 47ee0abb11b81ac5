#include "graph/gelu_kernel.h"

#include "graph/vector_math.h"
#include "graph/widest_kernel.h"

namespace graft::graph {
namespace {

template <int lanes>
struct Kernel : VectorMath<lanes> {
  using Vector = typename Vectors<lanes>::Floats;
  using Access<lanes>::at;

  /// Phi(z), and sqrt(2 pi) times the density at z.
  GRAFT_INLINE void normal(const Vector& z, Vector& sum, Vector& density) {
    density = z * z * -0.5f;
    VectorMath<lanes>::exponential(reinterpret_cast<float*>(&density));
    const Vector half = z * 0.70710678f, size = half < 0 ? -half : half;
    const Vector t = 1 / (1 + 0.3275911f * size);
    const Vector series = t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
    const Vector tail = 0.5f * series * density;  // of the side that z is on
    sum = z < 0 ? tail : 1 - tail;
  }

  template <class Number>
  GRAFT_INLINE void row(const GeluTask<Number>& task, std::int64_t index) {
    const std::int64_t start = index * task.width;
    for (std::int64_t j = 0; j < task.width; j += lanes) {
      Vector z, sum, density;
      Access<lanes>::load(task.x + start + j, reinterpret_cast<float*>(&z));
      z += at(task.bias + j);
      normal(z, sum, density);
      Access<lanes>::store(task.y + start + j, z * sum);
    }
  }

  template <class Number>
  GRAFT_INLINE void row(const GeluGradientTask<Number>& task, std::int64_t index) {
    const std::int64_t start = index * task.width;
    for (std::int64_t j = 0; j < task.width; j += lanes) {
      Vector z, given, sum, density;
      Access<lanes>::load(task.x + start + j, reinterpret_cast<float*>(&z));
      Access<lanes>::load(task.gradient + start + j, reinterpret_cast<float*>(&given));
      z += at(task.bias + j);
      normal(z, sum, density);
      given *= sum + z * density * 0.39894228f;
      Access<lanes>::store(task.x_gradient + start + j, given);
      at(task.bias_sum + j) += given;
    }
  }

  template <class Task>
  GRAFT_INLINE void run(const Task& task, std::int64_t begin, std::int64_t end) {
    for (std::int64_t index = begin; index < end; ++index) row(task, index);
  }
};

}  // namespace

void gelu_rows(const GeluTask<float>& task, std::int64_t begin, std::int64_t end) { run_widest<Kernel>(task, begin, end); }
void gelu_rows(const GeluTask<c10::BFloat16>& task, std::int64_t begin, std::int64_t end) { run_widest<Kernel>(task, begin, end); }
void gelu_gradient_rows(const GeluGradientTask<float>& task, std::int64_t begin, std::int64_t end) { run_widest<Kernel>(task, begin, end); }
void gelu_gradient_rows(const GeluGradientTask<c10::BFloat16>& task, std::int64_t begin, std::int64_t end) {
  run_widest<Kernel>(task, begin, end);
}

}  // namespace graft::graph
