#include "bench.h"

#include <ATen/ATen.h>
#include <c10/core/Allocator.h>
#include <c10/core/GradMode.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <iostream>
#include <vector>

#include "core/stopwatch.h"
#include "graft/data/loader.h"

namespace graft::bench {
namespace {

class AllocationCount final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, std::int64_t size, std::size_t, std::size_t, c10::Device) override { count += size > 0 ? 1 : 0; }
  bool memoryProfilingEnabled() const override { return true; }
  std::atomic<std::int64_t> count = 0;
};

std::int64_t page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

}  // namespace

double gemm_rate() {
  const c10::NoGradGuard no_grad;
  struct Product {
    at::Tensor x, weight, bias;
  };
  std::vector<Product> layer;
  double flops = 0;
  constexpr std::int64_t rows = 1024;
  for (const auto& [out, in, times] : {std::tuple(384, 384, 4), std::tuple(1536, 384, 1), std::tuple(384, 1536, 1)}) {
    for (int i = 0; i < times; ++i) layer.push_back({at::randn({rows, in}), at::randn({out, in}), at::randn({out})});
    flops += 2.0 * rows * out * in * times;
  }
  std::vector<double> rates;
  const Stopwatch whole;
  while (whole.seconds() < 0.5) {
    const Stopwatch watch;
    for (const Product& product : layer) at::linear(product.x, product.weight, product.bias);
    rates.push_back(flops / watch.seconds() / 1e9);
  }
  std::ranges::nth_element(rates, rates.begin() + static_cast<std::ptrdiff_t>(rates.size() / 2));
  return rates[rates.size() / 2];
}

Usage measure(const std::function<void()>& work) {
  const auto count = std::make_shared<AllocationCount>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, count);
  const std::int64_t before = page_faults();
  const Stopwatch watch;
  work();
  return {watch.seconds(), page_faults() - before, count->count};
}

double peak_memory_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

std::int64_t tokens_of(const Model& model, const Data& data) {
  Loader loader(data, model.preprocess(), {}, {.batch_size = 256, .order = Order::ByLength});
  std::int64_t tokens = 0;
  while (const auto batch = loader.next()) {
    const at::Tensor* mask = batch->inputs.find("attention_mask");
    tokens += mask != nullptr ? mask->sum().item<std::int64_t>() : batch->inputs["input_ids"].numel();
  }
  return tokens;
}

void print(const nlohmann::json& result) { std::cout << result.dump() << std::endl; }

double minilm_flops(std::int64_t tokens, int layers) {
  constexpr double weights = 4 * 384 * 384 + 2 * 384 * 1536;
  return 2 * weights * layers * static_cast<double>(tokens);
}

}  // namespace graft::bench
