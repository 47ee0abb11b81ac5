#include "graph/batch_norm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "graph/batch_norm_kernel.h"
#include "graph/batch_norm_tasks.h"

namespace graft::graph {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr auto channels_last = at::MemoryFormat::ChannelsLast;

// What odd numbers of channels may need; a task is as much again at the least.
constexpr std::int64_t longest_period = 8192;

struct Moments {
  std::vector<double> mean, squares;  // of a channel: the sum of squared distances to the mean
};

/// By the means and squares of parts (Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for computing sample variances,
/// 1979).
template <class Number>
Moments moments_of(const BatchNormTasks& tasks, const Number* x) {
  const std::int64_t channels = tasks.channels;
  const auto width = static_cast<std::size_t>(channels);
  std::vector<float> means(static_cast<std::size_t>(tasks.count) * width), squares(means.size());
  tasks.each([&](std::int64_t task) {
    float *mean = means.data() + task * channels, *square = squares.data() + task * channels;
    std::vector<float> sums(static_cast<std::size_t>(tasks.period));
    ColumnSums<Number> sum{.x = x, .sums = sums.data(), .period = tasks.period};
    run_batch_norm(sum, tasks.begin(task), tasks.end(task));
    tasks.fold(sums, mean);
    for (std::int64_t c = 0; c < channels; ++c) mean[c] /= static_cast<float>(tasks.rows(task));
    const std::vector<float> centre = tasks.repeated(mean);
    std::ranges::fill(sums, 0.0F);
    sum.centre = centre.data();
    run_batch_norm(sum, tasks.begin(task), tasks.end(task));
    tasks.fold(sums, square);
  });
  Moments all{std::vector<double>(width), std::vector<double>(width)};
  const auto count = static_cast<double>(tasks.rows());
  for (std::int64_t task = 0; task < tasks.count; ++task) {
    const double share = static_cast<double>(tasks.rows(task)) / count;
    const float* mean = means.data() + task * channels;
    for (std::size_t c = 0; c < width; ++c) all.mean[c] += share * mean[c];
  }
  for (std::int64_t task = 0; task < tasks.count; ++task) {
    const auto rows = static_cast<double>(tasks.rows(task));
    const float *mean = means.data() + task * channels, *square = squares.data() + task * channels;
    for (std::size_t c = 0; c < width; ++c) {
      const double distance = mean[c] - all.mean[c];
      all.squares[c] += square[c] + rows * distance * distance;
    }
  }
  return all;
}

void move_running(const std::optional<at::Tensor>& running, const std::vector<double>& values, double divisor, double momentum) {
  if (!running) return;
  auto* to = running->mutable_data_ptr<float>();
  for (const double value : values) {
    *to = static_cast<float>(momentum * (value / divisor) + (1 - momentum) * *to);
    ++to;
  }
}

bool cuts(const BatchNorm& norm) { return std::isfinite(norm.low) || std::isfinite(norm.high); }

template <class Number>
class TrainedNorm : public torch::autograd::Function<TrainedNorm<Number>> {
 public:
  /// Autograd counts tensors among the arguments, not those in `norm`.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const std::optional<at::Tensor>& residual,
                            const std::optional<at::Tensor>& weight, const std::optional<at::Tensor>& bias, const BatchNorm& norm) {
    const BatchNormTasks tasks(x);
    const Moments moments = moments_of(tasks, x.const_data_ptr<Number>());
    const auto rows = static_cast<double>(tasks.rows());
    move_running(norm.running_mean, moments.mean, 1, norm.momentum);
    move_running(norm.running_variance, moments.squares, rows - 1, norm.momentum);

    // Mean, 1 / standard deviation, and the line that they make of weight and bias.
    const at::Tensor line = at::empty({4, tasks.channels}, x.options().dtype(at::kFloat).memory_format(at::MemoryFormat::Contiguous));
    auto* const values = line.mutable_data_ptr<float>();
    for (std::int64_t c = 0; c < tasks.channels; ++c) {
      const auto i = static_cast<std::size_t>(c);
      const double inverse = 1 / std::sqrt(moments.squares[i] / rows + norm.epsilon);
      const double scale = weight ? inverse * weight->const_data_ptr<float>()[c] : inverse;
      const double shift = (bias ? bias->const_data_ptr<float>()[c] : 0.0) - moments.mean[i] * scale;
      std::int64_t row = 0;
      for (const double value : {moments.mean[i], inverse, scale, shift}) values[row++ * tasks.channels + c] = static_cast<float>(value);
    }

    const at::Tensor added = residual ? residual->contiguous(channels_last) : at::Tensor(), y = at::empty_like(x);
    const std::vector<float> scale = tasks.repeated(values + 2 * tasks.channels), shift = tasks.repeated(values + 3 * tasks.channels);
    const BatchNormTask<Number> task{.x = x.const_data_ptr<Number>(),
                                     .residual = added.defined() ? added.const_data_ptr<Number>() : nullptr,
                                     .y = y.mutable_data_ptr<Number>(),
                                     .scale = scale.data(),
                                     .shift = shift.data(),
                                     .period = tasks.period,
                                     .low = static_cast<float>(norm.low),
                                     .high = static_cast<float>(norm.high)};
    tasks.each_backwards([&](std::int64_t number) { run_batch_norm(task, tasks.begin(number), tasks.end(number)); });

    // Without a residual x tells what was cut off.
    const bool needs_output = added.defined() && cuts(norm);
    context->save_for_backward({x, line, needs_output ? y : at::Tensor()});
    context->saved_data["cuts"] = cuts(norm);
    // Beyond the next smaller and larger number lie the limits and what is between them.
    constexpr float all = std::numeric_limits<float>::infinity();
    const auto low = static_cast<float>(norm.low), high = static_cast<float>(norm.high);
    context->saved_data["low"] = static_cast<double>(norm.passes_at_limits ? std::nextafter(low, -all) : low);
    context->saved_data["high"] = static_cast<double>(norm.passes_at_limits ? std::nextafter(high, all) : high);
    context->saved_data["has_residual"] = added.defined();
    context->saved_data["has_weight"] = weight.has_value();
    context->saved_data["has_bias"] = bias.has_value();
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &y = saved[2], given = gradients[0].contiguous(channels_last);
    const bool has_residual = context->saved_data["has_residual"].toBool(), cuts = context->saved_data["cuts"].toBool();
    const BatchNormTasks tasks(x);
    const std::int64_t channels = tasks.channels;
    const auto* const line = saved[1].const_data_ptr<float>();
    const std::vector<float> mean = tasks.repeated(line), scale = tasks.repeated(line + 2 * channels),
                             shift = tasks.repeated(line + 3 * channels);
    PassedGradient<Number> of{.gradient = given.const_data_ptr<Number>(),
                              .x = x.const_data_ptr<Number>(),
                              .y = y.defined() ? y.const_data_ptr<Number>() : nullptr,
                              .scale = scale.data(),
                              .shift = shift.data(),
                              .period = tasks.period,
                              .cuts = cuts,
                              .low = static_cast<float>(context->saved_data["low"].toDouble()),
                              .high = static_cast<float>(context->saved_data["high"].toDouble())};
    // What passes is the residual's gradient.
    const at::Tensor passed = y.defined() ? at::empty_like(x) : given;
    std::vector<float> parts(static_cast<std::size_t>(2 * tasks.count * channels));
    tasks.each([&](std::int64_t number) {
      std::vector<float> sums(static_cast<std::size_t>(tasks.period)), products(sums.size());
      const GradientSums<Number> task{.of = of,
                                      .mean = mean.data(),
                                      .sums = sums.data(),
                                      .products = products.data(),
                                      .passed = y.defined() ? passed.mutable_data_ptr<Number>() : nullptr};
      run_batch_norm(task, tasks.begin(number), tasks.end(number));
      tasks.fold(sums, parts.data() + 2 * number * channels);
      tasks.fold(products, parts.data() + (2 * number + 1) * channels);
    });
    std::vector<double> totals(static_cast<std::size_t>(2 * channels));
    for (std::size_t i = 0; i < parts.size(); ++i) totals[i % totals.size()] += parts[i];

    at::Tensor weight = at::empty({channels}, saved[1].options()), bias = at::empty_like(weight),
               terms = at::empty({2, channels}, saved[1].options());
    auto *slope = terms.mutable_data_ptr<float>(), *offset = slope + channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      const double sum = totals[static_cast<std::size_t>(c)], product = totals[static_cast<std::size_t>(channels + c)];
      const double inverse = line[channels + c], factor = line[2 * channels + c], count = static_cast<double>(tasks.rows());
      bias.mutable_data_ptr<float>()[c] = static_cast<float>(sum);
      weight.mutable_data_ptr<float>()[c] = static_cast<float>(product * inverse);
      slope[c] = static_cast<float>(-factor * inverse * inverse * product / count);
      offset[c] = static_cast<float>(-factor * sum / count);
    }
    const std::vector<float> slopes = tasks.repeated(slope), offsets = tasks.repeated(offset);
    const at::Tensor result = at::empty_like(x);
    if (y.defined()) {
      of.gradient = passed.const_data_ptr<Number>();
      of.cuts = false;
    }
    const BatchNormGradient<Number> task{
        .of = of, .mean = mean.data(), .slope = slopes.data(), .offset = offsets.data(), .to = result.mutable_data_ptr<Number>()};
    tasks.each_backwards([&](std::int64_t number) { run_batch_norm(task, tasks.begin(number), tasks.end(number)); });
    const auto where = [&](const char* name, const at::Tensor& gradient) {
      return context->saved_data[name].toBool() ? gradient : at::Tensor();
    };
    return {result, has_residual ? passed : at::Tensor(), where("has_weight", weight), where("has_bias", bias), at::Tensor()};
  }
};

bool has_own_kernel(const at::Tensor& x, const BatchNorm& norm) {
  if (!norm.train || !x.is_cpu() || x.dim() != 4 || x.numel() == 0 || !x.is_contiguous(channels_last)) return false;
  if ((x.scalar_type() != at::kFloat && x.scalar_type() != at::kBFloat16) || batch_norm_period(x.size(1)) > longest_period) return false;
  const auto fits = [&](const std::optional<at::Tensor>& values) {
    return !values ||
           (values->is_cpu() && values->scalar_type() == at::kFloat && values->is_contiguous() && values->sizes() == x.sizes().slice(1, 1));
  };
  if (!fits(norm.weight) || !fits(norm.bias) || !fits(norm.running_mean) || !fits(norm.running_variance)) return false;
  return !norm.residual ||
         (norm.residual->is_cpu() && norm.residual->scalar_type() == x.scalar_type() && norm.residual->sizes() == x.sizes());
}

}  // namespace

at::Tensor batch_norm(const at::Tensor& x, const BatchNorm& norm) {
  if (has_own_kernel(x, norm)) {
    return x.scalar_type() == at::kFloat ? TrainedNorm<float>::apply(x, norm.residual, norm.weight, norm.bias, norm)
                                         : TrainedNorm<c10::BFloat16>::apply(x, norm.residual, norm.weight, norm.bias, norm);
  }
  at::Tensor y = at::batch_norm(x, norm.weight, norm.bias, norm.running_mean, norm.running_variance, norm.train, norm.momentum,
                                norm.epsilon, norm.cudnn);
  if (norm.residual) y = y + *norm.residual;
  if (!cuts(norm)) return y;
  if (norm.passes_at_limits) return at::clamp(y, norm.low, norm.high);
  return norm.low == 0 && std::isinf(norm.high) ? at::relu(y) : at::hardtanh(y, norm.low, norm.high);
}

}  // namespace graft::graph
