// What TensorBoard will read, read here by the definition of its files.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>

#include "core/file.h"
#include "file_size_limit.h"
#include "log_samples.h"
#include "support.h"

using namespace graft;
using test::any_model;
using test::epoch_record;
using test::plan_from;
using test::step_record;

namespace {

namespace fs = std::filesystem;

/// Bit by bit, from the definition.
std::uint32_t slow_masked_crc(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0x82f63b78U & (0U - (crc & 1U)));
  }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

template <class Number>
Number take(std::string_view& bytes) {
  Number number{};
  REQUIRE(bytes.size() >= sizeof number);
  std::memcpy(&number, bytes.data(), sizeof number);
  bytes.remove_prefix(sizeof number);
  return number;
}

std::string_view take(std::string_view& bytes, std::size_t size) {
  REQUIRE(bytes.size() >= size);
  const std::string_view taken = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return taken;
}

std::uint64_t take_varint(std::string_view& bytes) {
  std::uint64_t number = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = take<unsigned char>(bytes);
    number |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return number;
  }
}

/// Of a protobuf message: its fields by number; numbers as their bytes.
std::multimap<std::uint64_t, std::string> fields_of(std::string_view message) {
  std::multimap<std::uint64_t, std::string> fields;
  while (!message.empty()) {
    const std::uint64_t key = take_varint(message);
    const std::uint64_t kind = key & 7;
    if (kind == 0) {
      fields.emplace(key >> 3, std::to_string(take_varint(message)));
    } else {
      const std::uint64_t size = kind == 1 ? 8 : kind == 5 ? 4 : take_varint(message);
      fields.emplace(key >> 3, take(message, size));
    }
  }
  return fields;
}

struct Event {
  std::int64_t step = 0;
  std::string version, session;
  std::map<std::string, float> scalars;
};

/// The events of a file; checks its checksums on the way.
std::vector<Event> events_of(const std::string& path) {
  const std::string content = read_file(path);
  std::string_view bytes = content;
  std::vector<Event> events;
  while (!bytes.empty()) {
    const std::string_view length = bytes.substr(0, 8);
    const auto size = take<std::uint64_t>(bytes);
    REQUIRE(take<std::uint32_t>(bytes) == slow_masked_crc(length));
    const std::string_view message = take(bytes, size);
    REQUIRE(take<std::uint32_t>(bytes) == slow_masked_crc(message));
    Event event;
    for (const auto& [number, value] : fields_of(message)) {
      if (number == 2) event.step = std::stoll(value);
      if (number == 3) event.version = value;
      if (number == 7) event.session = value;
      if (number != 5) continue;
      for (const auto& [ignored, item] : fields_of(value)) {
        const auto fields = fields_of(item);
        std::string_view scalar = fields.find(2)->second;
        event.scalars[fields.find(1)->second] = take<float>(scalar);
      }
    }
    events.push_back(event);
  }
  return events;
}

/// In the order of their names.
std::vector<std::string> files_of(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path().string());
  std::ranges::sort(files);
  return files;
}

}  // namespace

TEST_CASE("TensorBoardLog: scalars of steps and epochs", "[train]") {
  const test::TempDir folder;
  const auto every = GENERATE(as<std::int64_t>(), 0, 1, 2);
  TensorBoardLog log(folder.file("a/runs"), {.every_steps = every});
  log.on_fit_begin(any_model(), plan_from(0));
  for (const std::int64_t step : {1, 2, 3}) CHECK(log.on_step(step_record(step)) == Action::Continue);
  CHECK(log.on_epoch(epoch_record(1, 0.5)) == Action::Continue);
  const auto files = files_of(folder.file("a/runs"));
  REQUIRE(files.size() == 1);
  CHECK(fs::path(files[0]).filename().string().starts_with("events.out.tfevents.1"));
  const auto events = events_of(files[0]);
  const std::vector<std::int64_t> steps = every == 0   ? std::vector<std::int64_t>{3}
                                          : every == 1 ? std::vector<std::int64_t>{1, 2, 3}
                                                       : std::vector<std::int64_t>{2, 3};
  REQUIRE(events.size() == steps.size() + 3);
  CHECK(events[0].version == "brain.Event:2");
  CHECK(events[1].session == "\x08\x01");
  CHECK(events[1].step == 1);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto step = static_cast<float>(steps[i]);
    CHECK(events[i + 2].step == steps[i]);
    CHECK(events[i + 2].scalars ==
          std::map<std::string, float>{{"train/loss", 1 / step}, {"train/lr", 0.5F * step}, {"train/grad_norm", step}});
  }
  CHECK(events.back().step == 3);
  CHECK(events.back().scalars ==
        std::map<std::string, float>{
            {"epoch/train_loss", 0.5F}, {"valid/loss", 0.75F}, {"valid/accuracy", 0.75F}, {"valid/f1, macro", 0.5F}});
}

TEST_CASE("TensorBoardLog: runs without validation, steps or a plan, and runs that end early", "[train]") {
  const test::TempDir folder;
  TensorBoardLog log(folder.path());
  SECTION("a solve") {
    log.on_epoch({.epoch = 1, .train_loss = 1});
    log.on_epoch({.epoch = 2, .train_loss = 2});
    const auto events = events_of(files_of(folder.path()).at(0));
    CHECK(events.back().step == 2);
    CHECK(events.back().scalars == std::map<std::string, float>{{"epoch/train_loss", 2.0F}});
  }
  SECTION("the last step is written when the run ends, and also by an error") {
    log.on_fit_begin(any_model(), plan_from(0));
    log.on_step(step_record(4));
    if (GENERATE(true, false)) {
      log.on_fit_end({});
    } else {
      log.on_exception(std::runtime_error("x"));
    }
    CHECK(events_of(files_of(folder.path()).at(0)).back().step == 4);
  }
  SECTION("an error that is told stays the one") {
    log.on_fit_begin(any_model(), plan_from(0));
    log.on_step(step_record(4));
    const test::FileSizeLimit full(10);
    CHECK_NOTHROW(log.on_exception(std::runtime_error("x")));
  }
  SECTION("the next run of the same log has a file of its own, and nothing of the last") {
    log.on_fit_begin(any_model(), plan_from(0));
    log.on_step(step_record(4));
    log.on_fit_begin(any_model(), plan_from(0));
    log.on_fit_end({});
    REQUIRE(files_of(folder.path()).size() == 2);
    CHECK(events_of(files_of(folder.path())[1]).size() == 2);
  }
  SECTION("no run leaves no file") {
    log.on_exception(std::runtime_error("x"));
    log.on_fit_end({});
    CHECK(files_of(folder.path()).empty());
  }
}

TEST_CASE("TensorBoardLog: a resumed run has a file of its own that takes over from its first step", "[train]") {
  const test::TempDir folder;
  for (const std::int64_t first : {0, 3}) {
    TensorBoardLog log(folder.path(), {.every_steps = 1});
    log.on_fit_begin(any_model(), plan_from(first));
    log.on_step(step_record(first + 1));
    log.on_fit_end({});
  }
  const auto files = files_of(folder.path());
  REQUIRE(files.size() == 2);
  const auto events = events_of(files[1]);
  CHECK(events.at(0).version == "brain.Event:2");
  CHECK(events.at(1).session == "\x08\x01");
  CHECK(events.at(1).step == 4);
  CHECK(events.at(2).step == 4);
}

// Writes what tests/golden/check_events.py reads with TensorBoard's own code. Hidden: tests/run.sh runs it where a Python with tensorboard
// is.
TEST_CASE("TensorBoardLog says when its folder cannot be written", "[train][error]") {
  const test::TempDir folder;
  SECTION("a file in its way") {
    test::write(folder.file("file"), "");
    const auto under_a_file = test::error_of<SystemError>([&] { TensorBoardLog log(folder.file("file/runs")); });
    CHECK(under_a_file.code() == "graft-S003");
    CHECK(under_a_file.message() == "[TensorBoardLog] the folder cannot be made: Not a directory.");
  }
  SECTION("a folder that has gone since") {
    TensorBoardLog log(folder.file("runs"));
    fs::remove(folder.file("runs"));
    CHECK(test::error_of<SystemError>([&] { log.on_fit_begin(any_model(), plan_from(0)); }).code() == "graft-S003");
  }
  SECTION("a negative number of steps") {
    const auto error = test::error_of<ConfigError>([&] { TensorBoardLog log(folder.path(), {.every_steps = -1}); });
    CHECK(error.code() == "graft-C018");
    CHECK(error.message() == "[TensorBoardLog] every_steps of at least 0 is wanted, got -1.");
  }
}

TEST_CASE("TensorBoardLog: a run, and its resumption from step 6, for Python", "[.][tensorboard]") {
  const char* folder = std::getenv("GRAFT_CHECK_DIR");
  REQUIRE(folder != nullptr);
  const std::string base = folder;
  Json expected = Json::object();
  for (const std::int64_t first : {0, 6}) {
    TensorBoardLog log(base + "/events", {.every_steps = 2});
    log.on_fit_begin(any_model(), plan_from(first));
    // The first run is cut off after step 8, in its third epoch.
    for (std::int64_t step = first + 1; step <= (first == 0 ? 8 : 12); ++step) {
      StepRecord record = step_record(step);
      record.loss += static_cast<double>(first);
      log.on_step(record);
      if ((step % 2 == 0 || step % 3 == 0) && (first > 0 || step <= 6)) {
        expected["train/loss"].push_back({step, record.loss});
        expected["train/lr"].push_back({step, record.lr});
        expected["train/grad_norm"].push_back({step, record.grad_norm});
      }
      if (step % 3 != 0) continue;
      const EpochRecord epoch = epoch_record(static_cast<int>(step / 3), record.loss);
      log.on_epoch(epoch);
      expected["epoch/train_loss"].push_back({step, epoch.train_loss});
      expected["valid/loss"].push_back({step, *epoch.valid_loss});
      for (const auto& [name, value] : epoch.metrics) expected["valid/" + name].push_back({step, value});
    }
    log.on_exception(std::runtime_error("cut off"));
  }
  test::write(base + "/scalars.json", expected.dump());
}
