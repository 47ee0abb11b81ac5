// W12: from process start to the first step on MiniLM, nothing frozen and everything frozen.
//   bench_start BACKBONE.pt VOCAB.txt
#include <unistd.h>

#include <fstream>

#include "bench.h"
#include "core/stopwatch.h"
#include "graft/data/tensors.h"
#include "graft/graft.h"

using namespace graft;

namespace {

/// Since the system started the process.
double process_seconds() {
  std::ifstream stat("/proc/self/stat"), up("/proc/uptime");
  std::string word;
  for (int i = 0; i < 22; ++i) stat >> word;
  double uptime = 0;
  up >> uptime;
  return uptime - std::stod(word) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

class First final : public Callback {
 public:
  Action on_step(const StepRecord&) override {
    if (seconds == 0) seconds = process_seconds();
    return Action::Stop;
  }
  double seconds = 0;
};

class Messages final : public Dataset {
 public:
  std::size_t size() const override { return 64; }
  Record get(std::size_t index) const override {
    return {{{"text", "where is my parcel number " + std::to_string(index)}, {"label", std::string(index % 2 ? "a" : "b")}},
            "message " + std::to_string(index)};
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: bench_start BACKBONE.pt VOCAB.txt\n");
    return 2;
  }
  runtime({.keep_memory = true});
  const double started = process_seconds();
  Model model(Backbone::load(argv[1]), head::Classifier({.labels = {"a", "b"}}), text::Tokenizer::load(argv[2], {.text = "text"}),
              {.freeze = Freeze::none()});
  const double loaded = process_seconds();
  const auto first = std::make_shared<First>();
  Trainer trainer({.epochs = 1});
  trainer.add(first);
  trainer.fit(model, {Data(std::make_shared<Messages>()), {}, {}});
  bench::print({{"workload", "W12"},
                {"seconds_to_main", started},
                {"seconds_to_model", loaded},
                {"seconds_to_first_step", first->seconds},
                {"peak_memory_mb", bench::peak_memory_mb()}});
}
