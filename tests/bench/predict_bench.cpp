// Latency and memory of a saved text model inside an application: load, single answers, batches, and eight threads that share a predictor.
//   predict_bench MODEL [THREADS]
#include <graft/core/runtime.h>
#include <graft/predict/predictor.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) { return std::chrono::duration<double, std::milli>(Clock::now() - start).count(); }

double peak_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

std::string text(int words) {
  constexpr const char* some[] = {"where", "is", "my", "parcel", "i", "was", "charged", "twice", "please", "help"};
  std::string joined;
  for (int i = 0; i < words; ++i) joined += std::string(i ? " " : "") + some[(i * 7) % 10];
  return joined;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: predict_bench MODEL [THREADS]\n");
    return 2;
  }
  graft::runtime({.threads = argc > 2 ? std::atoi(argv[2]) : 0});
  std::printf("%s\nbefore loading: %.0f MB\n", graft::system_text().c_str(), peak_mb());
  auto start = Clock::now();
  const auto predictor = graft::Predictor::load(argv[1]);
  std::printf("load: %.0f ms, then %.0f MB at most\n", milliseconds_since(start), peak_mb());
  start = Clock::now();
  (void)predictor(text(10));
  std::printf("first answer: %.1f ms\n", milliseconds_since(start));

  for (const int words : {5, 20, 100}) {
    std::vector<double> times;
    for (int i = 0; i < 100; ++i) {
      start = Clock::now();
      (void)predictor(text(words));
      times.push_back(milliseconds_since(start));
    }
    std::ranges::sort(times);
    std::printf("one text of %3d words: median %.2f ms, 95 %% %.2f ms\n", words, times[50], times[95]);
  }
  const std::vector<std::string> many(512, text(20));
  start = Clock::now();
  (void)predictor.batch(many);
  std::printf("batch of 512 texts of 20 words: %.0f texts/s\n", 512e3 / milliseconds_since(start));
  start = Clock::now();
  {
    std::vector<std::jthread> askers;
    for (int t = 0; t < 8; ++t) {
      askers.emplace_back([&] {
        for (int i = 0; i < 32; ++i) (void)predictor(text(20));
      });
    }
  }
  std::printf("8 threads, 32 texts of 20 words each: %.0f texts/s\nat the end: %.0f MB at most\n", 256e3 / milliseconds_since(start),
              peak_mb());
}
