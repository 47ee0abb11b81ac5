#include "graft/core/runtime.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "core/parallel.h"
#include "graft/core/device.h"
#include "support.h"

using namespace graft;

namespace {

/// Waits for another thread, and a moment longer, so that it is past what it does next.
void wait_for(const std::atomic<bool>& flag) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!flag && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  if (!flag) throw std::logic_error("no other thread came");
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

}  // namespace

TEST_CASE("Runtime: a late call that differs is refused, one that agrees is not", "[core][error]") {
  runtime();
  CHECK_NOTHROW(runtime(RuntimeOptions{}));
  CHECK_NOTHROW(runtime());
  const auto executor = test::error_of<ConfigError>([] { runtime({.executor = Executor::Host}); });
  CHECK(executor.code() == "graft-C002");
  CHECK(executor.message() == "[Runtime] the executor and memory settings were made earlier in this process and differ from these.");
  CHECK(executor.remedy() == "Call graft::runtime() before anything else of graft.");
  CHECK(test::error_of<ConfigError>([] { runtime({.keep_memory = true}); }).code() == "graft-C002");
}

TEST_CASE("Runtime: threads may change at any time, and 0 keeps them", "[core]") {
  runtime();
  const int before = at::get_num_threads();
  runtime({.threads = before + 1});
  CHECK(at::get_num_threads() == before + 1);
  CHECK(system_text().ends_with(std::to_string(before + 1) + " threads"));
  runtime({.threads = 0});
  CHECK(at::get_num_threads() == before + 1);
  runtime({.threads = before});
  CHECK(at::get_num_threads() == before);
}

TEST_CASE("Runtime: negative threads are refused", "[core][error]") {
  const auto error = test::error_of<ConfigError>([] { runtime({.threads = -2}); });
  CHECK(error.code() == "graft-C001");
  CHECK(error.message() == "[Runtime] threads must be 0 (LibTorch's choice) or more, got -2.");
  CHECK(error.remedy() == "Give the number of cores to use.");
}

TEST_CASE("Runtime: the system line names LibTorch's version", "[core]") { CHECK(system_text().starts_with("LibTorch 2.")); }

TEST_CASE("Device: cpu is the CPU, auto a GPU where there is one", "[core]") {
  CHECK(choose_device("cpu").device == c10::Device(c10::kCPU));
  CHECK(choose_device("cpu").reason == "cpu, " + std::to_string(at::get_num_threads()) + " threads (as asked)");
  const DeviceChoice choice = choose_device();
  const bool gpu = at::hasCUDA() && at::detail::getCUDAHooks().deviceCount() > 0;
  CHECK(choice.device == (gpu ? c10::Device(c10::kCUDA, 0) : c10::Device(c10::kCPU)));
  CHECK(choice.reason.find(gpu ? "cuda:0 (the first of " : "(no usable CUDA device was found)") != std::string::npos);
}

TEST_CASE("Device: another word is told with the words there are", "[core][error]") {
  const std::string wish = GENERATE("gpu", "", "CPU", "cuda:", "cuda:x", "cuda:1x", "cuda0", "mps");
  const auto error = test::error_of<ConfigError>([&] { choose_device(wish); });
  CHECK(error.code() == "graft-C003");
  CHECK(error.message() == "[Device] auto, cpu, cuda or cuda:N is wanted, got \"" + wish + "\".");
  CHECK(error.remedy() == "Leave the device out: auto takes a GPU where there is one.");
}

TEST_CASE("Device: a GPU that is not there is told with how many there are", "[core][error]") {
  const std::string wish = GENERATE("cuda:99", "cuda:-1");
  const auto error = test::error_of<SystemError>([&] { choose_device(wish); });
  CHECK(error.code() == "graft-S001");
  CHECK(error.message().starts_with("[Device] " + wish + " is not there: "));
  CHECK(error.message().ends_with(" CUDA devices can be used."));
  const bool gpu = choose_device().device.is_cuda();
  CHECK(error.remedy().find(gpu ? "Name one of cuda:0 to cuda:" : "Use cpu or auto; for a GPU, run cmake/setup.sh --cuda") !=
        std::string::npos);
}

TEST_CASE("Parallel: every index is visited once, whatever the threads", "[core]") {
  const int threads = GENERATE(0, 1, 2, 5);
  const std::size_t n = GENERATE(as<std::size_t>{}, 0, 1, 15, 16, 17, 1000);
  std::vector<std::atomic<int>> visits(n);
  parallel_for(n, threads, [&](std::size_t i) { ++visits.at(i); });
  for (const auto& count : visits) REQUIRE(count == 1);
  CHECK(visits.size() == n);
}

TEST_CASE("Parallel: without threads the caller does it in order", "[core]") {
  const int threads = GENERATE(0, 1);
  std::vector<std::size_t> order;
  std::thread::id worker;
  parallel_for(40, threads, [&](std::size_t i) {
    order.push_back(i);
    worker = std::this_thread::get_id();
  });
  CHECK(std::ranges::is_sorted(order));
  CHECK(order.size() == 40);
  CHECK(worker == std::this_thread::get_id());
}

TEST_CASE("Parallel: more threads than one work at the same time", "[core]") {
  // Two calls that wait for each other end only if two threads run them.
  std::array<std::atomic<bool>, 2> arrived{};
  parallel_for(32, 2, [&](std::size_t i) {
    if (i % 16 != 0) return;
    arrived[i / 16] = true;
    wait_for(arrived[1 - i / 16]);
  });
  CHECK(arrived[0]);
  CHECK(arrived[1]);
}

TEST_CASE("Parallel: the exception of the smallest failing index is rethrown", "[core]") {
  const int threads = GENERATE(0, 1, 2, 4);
  for (int repeat = 0; repeat < 20; ++repeat) {
    const auto failing = [&](std::size_t i) {
      if (i == 37 || i == 38 || i == 90 || i == 150) throw std::runtime_error(std::to_string(i));
    };
    CHECK_THROWS_WITH(parallel_for(200, threads, failing), "37");
  }
}

TEST_CASE("Parallel: it does not matter which index fails first", "[core]") {
  // Blocks of indices go to threads in turn, so one thread is at 37 while the other gets to 90.
  const bool larger_first = GENERATE(true, false);
  std::atomic<bool> at_37 = false, at_90 = false;
  const auto failing = [&](std::size_t i) {
    if (i == 36 && larger_first) wait_for(at_90);
    if (i == 37 && !larger_first) wait_for(at_90);
    if (i == 37) at_37 = true;
    if (i == 90) at_90 = true;
    if (i == 90 && !larger_first) wait_for(at_37);
    if (i == 37 || i == 90) throw std::runtime_error(std::to_string(i));
  };
  CHECK_THROWS_WITH(parallel_for(200, 2, failing), "37");
  CHECK(at_90);
}

TEST_CASE("Parallel: calls below the failing index are made, later blocks are left out", "[core]") {
  const int threads = GENERATE(1, 3);
  std::vector<std::atomic<int>> visits(1000);
  const auto body = [&](std::size_t i) {
    ++visits[i];
    if (i == 100) throw std::runtime_error("late");
  };
  CHECK_THROWS_WITH(parallel_for(1000, threads, body), "late");
  for (std::size_t i = 0; i <= 100; ++i) CHECK(visits[i] == 1);
  if (threads == 1) CHECK(visits[112] == 0);
}
