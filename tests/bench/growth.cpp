// W11: how time and memory grow when samples, epochs, frozen depth and text length double three times. Points as "quantity value" with
// their exponent: 1 is linear, 0 is flat.
//   bench_growth BACKBONE.pt VOCAB.txt
#include <cmath>

#include "bench.h"
#include "core/stopwatch.h"
#include "graft/graft.h"

using namespace graft;

namespace {

class Messages final : public Dataset {
 public:
  Messages(std::size_t size, int words) : size_(size), words_(words) {}
  std::size_t size() const override { return size_; }
  Record get(std::size_t index) const override {
    std::string text = std::to_string(index);
    for (int i = 1; i < words_; ++i) text += i % 2 ? " parcel" : " where";
    return {{{"text", text}, {"label", std::string(index % 2 ? "a" : "b")}}, "message " + std::to_string(index)};
  }

 private:
  std::size_t size_;
  int words_;
};

struct Run {
  std::size_t samples = 256;
  int epochs = 2, depth = 4, words = 8;
  std::int64_t budget = std::int64_t{2} << 30;
};

class Epochs final : public Callback {
 public:
  Action on_epoch(const EpochRecord& epoch) override {
    seconds.push_back(epoch.seconds);
    return Action::Continue;
  }
  std::vector<double> seconds;
};

struct Outcome {
  double prefix = 0, epoch = 0, total = 0;
};

Outcome run(const Backbone& backbone, const char* vocabulary, const Run& task) {
  Model model(backbone, head::Classifier({.labels = {"a", "b"}, .from = "encoder.layer." + std::to_string(task.depth - 1)}),
              text::Tokenizer::load(vocabulary, {.text = "text"}),
              {.freeze = task.depth > 1 ? Freeze::up_to("encoder.layer." + std::to_string(task.depth - 2)) : Freeze::up_to("embeddings")});
  const auto epochs = std::make_shared<Epochs>();
  Trainer trainer({.epochs = task.epochs, .store = FeatureStore({.budget = task.budget})});
  trainer.add(epochs);
  const Stopwatch watch;
  const TrainReport report = trainer.fit(model, {Data(std::make_shared<Messages>(task.samples, task.words)), {}, {}});
  Outcome outcome{.total = watch.seconds()};
  for (const auto& [name, value] : report.phases) {
    if (name == "prefix") outcome.prefix = value;
  }
  outcome.epoch = *std::ranges::min_element(epochs->seconds);
  return outcome;
}

/// The slope of log(value) over log(quantity) by least squares.
double exponent(const std::vector<double>& quantity, const std::vector<double>& value) {
  double x = 0, y = 0, xx = 0, xy = 0;
  for (std::size_t i = 0; i < quantity.size(); ++i) {
    const double a = std::log(quantity[i]), b = std::log(value[i]);
    x += a, y += b, xx += a * a, xy += a * b;
  }
  const auto n = static_cast<double>(quantity.size());
  return (n * xy - x * y) / (n * xx - x * x);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: bench_growth BACKBONE.pt VOCAB.txt\n");
    return 2;
  }
  runtime({.keep_memory = true});
  const Backbone backbone = Backbone::load(argv[1]);
  run(backbone, argv[2], {});  // warm
  nlohmann::json result{{"workload", "W11"}};
  const auto series = [&](const std::string& name, const std::vector<double>& quantities, auto change, auto value) {
    std::vector<double> values;
    for (const double quantity : quantities) {
      Run task;
      change(task, quantity);
      values.push_back(value(run(backbone, argv[2], task)));
    }
    result[name] = {{"quantity", quantities}, {"value", values}, {"exponent", exponent(quantities, values)}};
  };
  const auto epoch = [](const Outcome& outcome) { return outcome.epoch; };
  const auto total = [](const Outcome& outcome) { return outcome.total; };
  const auto prefix = [](const Outcome& outcome) { return outcome.prefix; };
  series(
      "epoch_seconds_by_samples", {128, 256, 512, 1024}, [](Run& task, double q) { task.samples = static_cast<std::size_t>(q); }, epoch);
  series(
      "prefix_seconds_by_samples", {128, 256, 512, 1024}, [](Run& task, double q) { task.samples = static_cast<std::size_t>(q); }, prefix);
  series(
      "total_seconds_by_epochs", {1, 2, 4, 8}, [](Run& task, double q) { task.epochs = static_cast<int>(q); }, total);
  series(
      "prefix_seconds_by_epochs", {1, 2, 4, 8}, [](Run& task, double q) { task.epochs = static_cast<int>(q); }, prefix);
  series(
      "epoch_seconds_by_text_length", {8, 16, 32, 64}, [](Run& task, double q) { task.words = static_cast<int>(q); }, epoch);
  // After the first epoch what is frozen costs nothing: one layer trains on top of 0, 1, 3 or 5 frozen ones.
  series(
      "epoch_seconds_of_one_layer_by_depth", {1, 2, 4, 6}, [](Run& task, double q) { task.depth = static_cast<int>(q); }, epoch);
  bench::print(result);
}
