#include "graft/core/runtime.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <dlfcn.h>
#include <malloc.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/version.h>

#include <climits>
#include <cstdlib>
#include <mutex>
#include <optional>

#include "graft/core/error.h"
#include "graft/core/log.h"

namespace graft {
namespace {

// Operators for CUDA register themselves when their library is loaded, and only before LibTorch's first use. Where there is no driver the
// library would cost a tenth of a second for nothing.
void load_cuda_operators() {
  if (dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL) == nullptr) return;
  if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    log(LogLevel::Warning, std::string("a CUDA driver is here, but LibTorch's CUDA library does not load: ") + dlerror());
  }
}

void keep_freed_memory() {
  // LibTorch asks for huge pages if this is set at its first allocation.
  setenv("THP_MEM_ALLOC_ENABLE", "1", /*overwrite=*/0);
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  mallopt(M_TOP_PAD, 64 << 20);
}

std::mutex mutex;
std::optional<RuntimeOptions> settled;

void settle(const RuntimeOptions& options) {
  if (options.keep_memory) keep_freed_memory();
  load_cuda_operators();
  if (options.executor == Executor::Plain) torch::jit::getProfilingMode() = false;
  settled = options;
}

}  // namespace

void runtime(const RuntimeOptions& options) {
  if (options.threads < 0) {
    throw ConfigError({.code = "graft-C001",
                       .message = "[Runtime] threads must be 0 (LibTorch's choice) or more, got " + std::to_string(options.threads) + ".",
                       .remedy = "Give the number of cores to use.",
                       .place = ""});
  }
  const std::lock_guard lock(mutex);
  if (!settled) {
    settle(options);
  } else if (settled->executor != options.executor || settled->keep_memory != options.keep_memory) {
    throw ConfigError({.code = "graft-C002",
                       .message = "[Runtime] the executor and memory settings were made earlier in this process and differ from these.",
                       .remedy = "Call graft::runtime() before anything else of graft.",
                       .place = ""});
  }
  if (options.threads > 0) at::set_num_threads(options.threads);
}

void runtime() {
  const std::lock_guard lock(mutex);
  if (!settled) settle({});
}

std::string system_text() {
  return "LibTorch " TORCH_VERSION ", " + at::get_cpu_capability() + " kernels, " + std::to_string(at::get_num_threads()) + " threads";
}

}  // namespace graft
