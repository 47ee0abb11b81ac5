// Records that cannot be prepared are left out where the run is to go on without them.
#include "train/readable.h"

#include "graft/train/fine_tune.h"
#include "heard.h"
#include "scenario.h"
#include "train/stream.h"

using namespace graft;
using namespace graft::test;

namespace {

/// Those without a text, and one whose label the head does not have.
Data broken(std::size_t size, std::vector<std::string> places, const std::string& wrong_label = "") {
  return toy_messages(size).map([=](Record record) {
    if (std::ranges::find(places, record.place) != places.end()) record.values.erase("message");
    if (record.place == wrong_label) record.values["queue"] = std::string("Z");
    return record;
  });
}

TrainerOptions skipping() { return {.epochs = 2, .batch_size = 8, .precision = Precision::Float32, .on_error = OnError::Skip}; }

}  // namespace

TEST_CASE("readable: a run leaves out what cannot be prepared, stored or not, and says so", "[train]") {
  const Freeze freeze = GENERATE(Freeze::all(), Freeze::up_to("encoder.layer.0"), Freeze::none());
  const FeatureStore store = GENERATE(true, false) ? FeatureStore() : FeatureStore::off();
  const Heard heard;
  TrainerOptions options = skipping();
  options.store = store;
  options.threads = 2;
  Model model = toy_model(freeze, 0.0, 8);
  const TrainReport report = Trainer(options).fit(model, {broken(40, {"toy:3", "toy:30"}, "toy:7"), toy_messages(8, 3), {}});
  CHECK(report.history.front().samples == 37);
  CHECK(report.steps == 10);
  REQUIRE(report.skipped.count == 3);
  CHECK(report.skipped.examples[0].place == "toy:3");
  CHECK(report.skipped.examples[1].code == "graft-D017");
  CHECK(heard.with("graft-W014").find("3 of 40 training records cannot be prepared and are left out; the first: ") != std::string::npos);
}

TEST_CASE("readable: presets leave them out too, solved heads among them", "[train]") {
  const Preset preset = GENERATE(Preset::Probe, Preset::Finetune);
  Model model = toy_model();
  TrainerOptions options = skipping();
  options.epochs = 1;
  const FineTuneReport report =
      fine_tune(model, {broken(40, {"toy:3"}, "toy:7"), toy_messages(8, 3), {}}, {.preset = preset, .trainer = options, .evaluate = false});
  CHECK(report.training.skipped.count == 2);
  CHECK(report.training.history.back().samples == 38);
}

TEST_CASE("readable: without it the first of them ends the run; none left is told", "[train][error]") {
  Model model = toy_model();
  TrainerOptions options = skipping();
  options.on_error = OnError::Fail;
  CHECK(error_of<DataError>([&] { Trainer(options).fit(model, {broken(20, {"toy:3"}), {}, {}}); }).place() == "toy:3");
  CHECK(error_of<DataError>([&] { Trainer(skipping()).fit(model, {broken(2, {"toy:0", "toy:1"}), {}, {}}); }).code() == "graft-D019");
}

TEST_CASE("resume: a whole batch that cannot be prepared, in the middle of an epoch", "[train][resume]") {
  std::vector<std::string> places;
  for (int i = 8; i < 24; ++i) places.push_back("toy:" + std::to_string(i));
  Scenario scenario{texts(), {broken(40, places), toy_messages(8, 3), {}}, skipping()};
  scenario.options.shuffle = false;
  // With a sampler they are left out batch by batch.
  if (GENERATE(true, false)) scenario.options.sampler = Sampler::weighted(std::vector<double>(40, 1.0));
  const Outcome unbroken = run(scenario);
  check_stops(scenario, unbroken, {{.step = 1}, {.step = 2}, {.step = 4}});
}

TEST_CASE("live_stream: windows without a record are passed over and counted", "[train]") {
  std::vector<std::string> places;
  for (int i = 4; i < 12; ++i) places.push_back("toy:" + std::to_string(i));
  const Data data = broken(24, places);
  const Model model = toy_model(Freeze::none());
  TrainerOptions options = skipping();
  options.batch_size = 4;
  options.shuffle = false;
  options.accumulate = GENERATE(1, 2);
  const auto stream = train::live_stream(model, data, options);
  const auto all_from = [&](std::int64_t first) {
    std::vector<std::pair<std::int64_t, std::vector<std::int64_t>>> windows;
    stream->begin(1, first);
    while (const train::Window* window = stream->next()) {
      std::vector<std::int64_t> records = window->records;
      std::ranges::sort(records);
      windows.emplace_back(window->number, records);
    }
    return windows;
  };
  using Windows = std::vector<std::pair<std::int64_t, std::vector<std::int64_t>>>;
  const Windows whole = options.accumulate == 1
                            ? Windows{{1, {0, 1, 2, 3}}, {4, {12, 13, 14, 15}}, {5, {16, 17, 18, 19}}, {6, {20, 21, 22, 23}}}
                            : Windows{{1, {0, 1, 2, 3}}, {2, {12, 13, 14, 15}}, {3, {16, 17, 18, 19, 20, 21, 22, 23}}};
  CHECK(all_from(0) == whole);
  CHECK(all_from(whole[1].first) == Windows(whole.begin() + 2, whole.end()));
  CHECK(all_from(whole[0].first) == Windows(whole.begin() + 1, whole.end()));
}
