#include "head/norm_relu_kernel.h"

#include <cmath>
#include <vector>

#include "graph/vectors.h"

namespace graft::head {
namespace {

template <int lanes>
struct Kernel : graph::Access<lanes> {
  using Vector = typename graph::Vectors<lanes>::Floats;
  using Integers = typename graph::Vectors<lanes>::Integers;
  using graph::Access<lanes>::at;
  using graph::Access<lanes>::load;
  using graph::Access<lanes>::store;

  /// 0 where `sign` is not above 0.
  GRAFT_INLINE void pass(Vector& values, const Vector& sign) {
    const Integers kept = (sign > 0) & reinterpret_cast<const Integers&>(values);
    values = reinterpret_cast<const Vector&>(kept);
  }

  template <class Number>
  GRAFT_INLINE void run(const NormReluTask<Number>& task) {
    const std::int64_t channels = task.size.channels, group = channels / task.size.groups;
    std::vector<float> room(static_cast<std::size_t>(4 * channels), 0.0F);
    float *sums = room.data(), *squares = sums + channels, *factor = squares + channels, *offset = factor + channels;
    // Around the first place's numbers, so that squares do not drown in a large mean.
    for (std::int64_t c = 0; c < channels; ++c) offset[c] = static_cast<float>(task.x[c]);
    for (std::int64_t place = 0; place < task.size.places; ++place) {
      const Number* row = task.x + place * channels;
      for (std::int64_t c = 0; c < channels; c += lanes) {
        Vector value;
        load(row + c, reinterpret_cast<float*>(&value));
        value -= at(offset + c);
        at(sums + c) += value;
        at(squares + c) += value * value;
      }
    }
    const auto places = static_cast<double>(task.size.places), count = places * static_cast<double>(group);
    for (std::int64_t g = 0; g < task.size.groups; ++g) {
      double sum = 0, square = 0;
      for (std::int64_t c = g * group; c < (g + 1) * group; ++c)
        sum += static_cast<double>(sums[c]) + places * static_cast<double>(offset[c]);
      const double mean = sum / count;
      for (std::int64_t c = g * group; c < (g + 1) * group; ++c) {
        const double apart = static_cast<double>(offset[c]) - mean;
        square += static_cast<double>(squares[c]) + 2 * apart * static_cast<double>(sums[c]) + places * apart * apart;
      }
      task.mean[g] = static_cast<float>(mean);
      task.inverse[g] = static_cast<float>(1 / std::sqrt(square / count + static_cast<double>(task.epsilon)));
      for (std::int64_t c = g * group; c < (g + 1) * group; ++c) {
        factor[c] = task.inverse[g] * task.weight[c];
        offset[c] = task.bias[c] - task.mean[g] * factor[c];
      }
    }
    for (std::int64_t place = 0; place < task.size.places; ++place) {
      const std::int64_t start = place * channels;
      for (std::int64_t c = 0; c < channels; c += lanes) {
        Vector value;
        load(task.x + start + c, reinterpret_cast<float*>(&value));
        value = value * at(factor + c) + at(offset + c);
        pass(value, value);
        store(task.y + start + c, value);
      }
    }
  }

  template <class Number>
  GRAFT_INLINE void run(const NormReluGradientTask<Number>& task) {
    const std::int64_t channels = task.size.channels, group = channels / task.size.groups;
    std::vector<float> room(static_cast<std::size_t>(6 * channels), 0.0F);
    float *factor = room.data(), *offset = factor + channels, *sums = offset + channels, *products = sums + channels,
          *slope = products + channels, *level = slope + channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      factor[c] = task.inverse[c / group] * task.weight[c];
      offset[c] = task.bias[c] - task.mean[c / group] * factor[c];
    }
    for (std::int64_t place = 0; place < task.size.places; ++place) {
      const std::int64_t start = place * channels;
      for (std::int64_t c = 0; c < channels; c += lanes) {
        Vector x, given;
        load(task.x + start + c, reinterpret_cast<float*>(&x));
        load(task.gradient + start + c, reinterpret_cast<float*>(&given));
        pass(given, x * at(factor + c) + at(offset + c));
        at(sums + c) += given;
        at(products + c) += given * x;
      }
    }
    const auto count = static_cast<float>(task.size.places * group);
    for (std::int64_t g = 0; g < task.size.groups; ++g) {
      const float mean = task.mean[g], inverse = task.inverse[g];
      float sum = 0, product = 0;
      for (std::int64_t c = g * group; c < (g + 1) * group; ++c) {
        task.bias_gradient[c] = sums[c];
        task.weight_gradient[c] = (products[c] - mean * sums[c]) * inverse;
        sum += task.weight[c] * task.bias_gradient[c];
        product += task.weight[c] * task.weight_gradient[c];
      }
      for (std::int64_t c = g * group; c < (g + 1) * group; ++c) {
        slope[c] = -inverse * inverse * product / count;
        level[c] = -inverse * sum / count - mean * slope[c];
      }
    }
    for (std::int64_t place = 0; place < task.size.places; ++place) {
      const std::int64_t start = place * channels;
      for (std::int64_t c = 0; c < channels; c += lanes) {
        Vector x, given;
        load(task.x + start + c, reinterpret_cast<float*>(&x));
        load(task.gradient + start + c, reinterpret_cast<float*>(&given));
        pass(given, x * at(factor + c) + at(offset + c));
        store(task.x_gradient + start + c, given * at(factor + c) + x * at(slope + c) + at(level + c));
      }
    }
  }
};

template <class Task>
void run_plain(const Task& task) {
  Kernel<4>::run(task);
}

#if defined(__x86_64__)
template <class Task>
[[gnu::target("avx2,fma")]] void run_avx2(const Task& task) {
  Kernel<8>::run(task);
}
template <class Task>
[[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,fma")]] void run_avx512(const Task& task) {
  Kernel<16>::run(task);
}
#endif

template <class Task>
void run(const Task& task) {
  static const auto kernel = [] {
#if defined(__x86_64__)
    return graph::widest(run_avx512<Task>, run_avx2<Task>, run_plain<Task>);
#else
    return run_plain<Task>;
#endif
  }();
  kernel(task);
}

}  // namespace

void norm_relu(const NormReluTask<float>& task) { run(task); }
void norm_relu(const NormReluTask<c10::BFloat16>& task) { run(task); }
void norm_relu_gradient(const NormReluGradientTask<float>& task) { run(task); }
void norm_relu_gradient(const NormReluGradientTask<c10::BFloat16>& task) { run(task); }

}  // namespace graft::head
