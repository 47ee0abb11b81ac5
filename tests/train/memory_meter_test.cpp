#include "train/memory_meter.h"

#include "support.h"

using namespace graft;

namespace {

constexpr std::int64_t floats = 4096, bytes = floats * 4;

}  // namespace

TEST_CASE("MemoryMeter: the most that is held at once, beside what was there", "[train]") {
  at::Tensor before = at::ones({10 * floats});
  const train::MemoryMeter meter(c10::kCPU);
  CHECK(meter.peak() == 0);
  {
    const at::Tensor one = at::empty({floats});
    CHECK(meter.peak() == bytes);
    const at::Tensor two = at::empty({2 * floats});
    CHECK(meter.peak() == 3 * bytes);
  }
  before.reset();  // was never counted
  const at::Tensor again = at::empty({2 * floats});
  CHECK(meter.peak() == 3 * bytes);
  const at::Tensor more = at::empty({2 * floats});
  CHECK(meter.peak() == 4 * bytes);
}

TEST_CASE("MemoryMeter: what the backward pass takes counts, other devices and other times do not", "[train]") {
  const at::Tensor x = at::ones({floats}).requires_grad_();
  std::int64_t peak = 0;
  {
    const train::MemoryMeter meter(c10::kCPU);
    const at::Tensor y = x.exp().sum();
    const std::int64_t forward = meter.peak();
    CHECK(forward >= bytes);
    y.backward();
    peak = meter.peak();
    CHECK(peak >= 2 * bytes);  // exp's value and the gradient
  }
  const train::MemoryMeter gpu(c10::kCUDA);
  const at::Tensor other = at::ones({floats});
  CHECK(gpu.peak() == 0);
}
