#include "graft/train/loggers.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>

#include "core/file.h"
#include "graft/data/csv.h"
#include "support.h"
#include "toys.h"
#include "train/event_file.h"

using namespace graft;

namespace {

namespace fs = std::filesystem;

const Model& any_model() {
  static const Model model = test::toy_model();
  return model;
}

/// Of a run of 3 steps an epoch.
FitPlan plan_from(std::int64_t first_step) { return {.epochs = 4, .steps_per_epoch = 3, .steps = 12, .first_step = first_step}; }

EpochRecord epoch_record(int epoch, double loss) {
  return {.epoch = epoch,
          .train_loss = loss,
          .valid_loss = loss + 0.25,
          .metrics = {{"accuracy", 0.75}, {"f1, macro", 0.5}},
          .lr = 1e-3,
          .seconds = 1.5,
          .samples = 48};
}

StepRecord step_record(std::int64_t step) {
  const auto number = static_cast<double>(step);
  return {.step = step, .loss = 1 / number, .lr = 0.5 * number, .grad_norm = number, .epoch = 1, .samples = 16};
}

/// Writes may not make a file longer than this, as on a full disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t most) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{most, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char byte : bytes) {
    text += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4];
    text += "0123456789abcdef"[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

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

TEST_CASE("JsonLinesLog: a line an epoch, each there when its epoch ends", "[train]") {
  const test::TempDir folder;
  const std::string path = folder.file("log.jsonl");
  test::write(path, "of an older run\n");
  JsonLinesLog log(path);
  CHECK(read_file(path) == "of an older run\n");
  log.on_fit_begin(any_model(), plan_from(0));
  CHECK(read_file(path).empty());
  CHECK(log.on_epoch(epoch_record(1, 0.5)) == Action::Continue);
  const std::string first = epoch_record(1, 0.5).json().dump() + "\n";
  CHECK(read_file(path) == first);
  log.on_epoch(epoch_record(2, std::numeric_limits<double>::quiet_NaN()));
  CHECK(read_file(path).starts_with(first + "{\"epoch\":2,"));
  CHECK(read_file(path).find("\"train_loss\":null") != std::string::npos);
  SECTION("a name that is no UTF-8 is replaced") {
    log.on_epoch({.epoch = 3, .metrics = {{"m\xff", 1.0}}});
    CHECK(read_file(path).find("m\xef\xbf\xbd") != std::string::npos);
  }
  SECTION("the next run starts anew, also where no plan was told") {
    JsonLinesLog next(path);
    next.on_epoch(epoch_record(1, 0.5));
    CHECK(read_file(path) == first);
  }
}

TEST_CASE("JsonLinesLog: a resumed run keeps the epochs before its first, and no part of a line", "[train]") {
  const test::TempDir folder;
  const std::string path = folder.file("log.jsonl");
  std::string kept, all;
  for (const int epoch : {1, 2, 3}) {
    all += epoch_record(epoch, 0.5).json().dump() + "\n";
    if (epoch == 2) kept = all;
  }
  test::write(path, all + "{\"epoch\":1,\"train_lo");
  JsonLinesLog log(path);
  log.on_fit_begin(any_model(), plan_from(6));
  CHECK(read_file(path).starts_with(all));  // nothing is lost if this run ends before its first epoch does
  log.on_epoch(epoch_record(3, 0.125));
  log.on_epoch(epoch_record(4, 0.0625));
  CHECK(read_file(path) == kept + epoch_record(3, 0.125).json().dump() + "\n" + epoch_record(4, 0.0625).json().dump() + "\n");
}

TEST_CASE("CsvLog: a row an epoch under a header", "[train]") {
  const test::TempDir folder;
  const std::string path = folder.file("log.csv");
  test::write(path, "of,an,older,run\n");
  CsvLog log(path);
  log.on_fit_begin(any_model(), plan_from(0));
  CHECK(read_file(path).empty());
  log.on_epoch(epoch_record(1, 0.1));
  const std::string header = "epoch,train_loss,valid_loss,accuracy,\"f1, macro\",lr,seconds,samples\n";
  CHECK(read_file(path) == header + "1,0.1,0.35,0.75,0.5,0.001,1.5,48\n");
  SECTION("what was not measured is empty; columns do not move") {
    log.on_epoch({.epoch = 2, .train_loss = 1.0 / 3, .samples = 5});
    log.on_epoch({.epoch = 3, .train_loss = std::numeric_limits<double>::quiet_NaN(), .metrics = {{"f1, macro", 1}, {"accuracy", 0}}});
    CHECK(read_file(path) == header + "1,0.1,0.35,0.75,0.5,0.001,1.5,48\n2,0.3333333333333333,,,,0,0,5\n3,nan,,0,1,0,0,0\n");
  }
  SECTION("a later metric gets a column, whatever its name") {
    log.on_epoch({.epoch = 2, .metrics = {{"lr", 7}, {"say \"x\"", 8}}});
    CHECK(read_file(path) ==
          "epoch,train_loss,valid_loss,accuracy,\"f1, macro\",lr,\"say \"\"x\"\"\",lr,seconds,samples\n"
          "1,0.1,0.35,0.75,0.5,,,0.001,1.5,48\n2,0,,,,7,8,0,0,0\n");
    log.on_epoch(epoch_record(3, 0.5));
    CHECK(read_file(path).ends_with("\n2,0,,,,7,8,0,0,0\n3,0.5,0.75,0.75,0.5,,,0.001,1.5,48\n"));
  }
  SECTION("graft reads it") { CHECK(data::csv(path).get(0).text("f1, macro") == "0.5"); }
  SECTION("the next run of the same log starts anew") {
    log.on_fit_begin(any_model(), plan_from(0));
    log.on_epoch({.epoch = 1});
    CHECK(read_file(path) == "epoch,train_loss,valid_loss,lr,seconds,samples\n1,0,,0,0,0\n");
  }
}

TEST_CASE("CsvLog: a resumed run keeps the epochs before its first and their columns", "[train]") {
  const test::TempDir folder;
  const std::string path = folder.file("log.csv");
  const std::string old = "epoch,train_loss,valid_loss,accuracy,lr,seconds,samples\n1,0.9,1,0.5,0.1,1,48\n2,0.8,1,0.6,0.1,1,48\n";
  SECTION("less those that it repeats, and what was not written to its end") {
    test::write(path, old + "2,0.7\n3,0.7,1,0.7,0.1,1,48\n2,0.8,1,0.6,0.1,1,4");
    CsvLog log(path);
    log.on_fit_begin(any_model(), plan_from(6));
    log.on_epoch({.epoch = 3, .train_loss = 0.25, .metrics = {{"accuracy", 1}}});
    log.on_epoch({.epoch = 4, .train_loss = 0.25, .metrics = {{"accuracy", 1}}});
    CHECK(read_file(path) == old + "3,0.25,,1,0,0,0\n4,0.25,,1,0,0,0\n");
  }
  SECTION("another file is no log") {
    test::write(path, "name,price\n1,2\n");
    CsvLog log(path);
    log.on_fit_begin(any_model(), plan_from(6));
    log.on_epoch({.epoch = 3});
    CHECK(read_file(path) == "epoch,train_loss,valid_loss,lr,seconds,samples\n3,0,,0,0,0\n");
  }
  SECTION("broken quoting is told before the first step") {
    test::write(path, "epoch,\"train_loss\n1,2\n");
    CsvLog log(path);
    CHECK(test::error_of<DataError>([&] { log.on_fit_begin(any_model(), plan_from(6)); }).code() == "graft-D006");
  }
}

TEST_CASE("Logs keep links and pipes what they are", "[train]") {
  const test::TempDir folder;
  test::write(folder.file("real"), "old\n");
  fs::create_symlink("real", folder.file("link"));
  JsonLinesLog log(folder.file("link"));
  log.on_epoch({.epoch = 1});
  CHECK(fs::is_symlink(folder.file("link")));
  CHECK(read_file(folder.file("real")).starts_with("{\"epoch\":1"));
  // A pipe stands for what is no regular file: a broken test must not be able to replace /dev/null.
  const std::string pipe = folder.file("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const int reader = ::open(pipe.c_str(), O_RDWR | O_NONBLOCK);
  CsvLog csv(pipe);
  csv.on_fit_begin(any_model(), plan_from(0));
  csv.on_epoch({.epoch = 1});
  csv.on_epoch({.epoch = 2, .metrics = {{"new", 1}}});
  CHECK(fs::is_fifo(pipe));
  std::string bytes(1024, ' ');
  bytes.resize(static_cast<std::size_t>(std::max(::read(reader, bytes.data(), bytes.size()), ssize_t{0})));
  ::close(reader);
  CHECK(bytes.starts_with("epoch,train_loss,valid_loss,lr,seconds,samples\n1,0,,0,0,0\n"));
}

TEST_CASE("Logs say when their file cannot be written", "[train][error]") {
  const test::TempDir folder;
  SECTION("before the run") {
    const auto error = test::error_of<SystemError>([&] { JsonLinesLog log(folder.file("missing/log.jsonl")); });
    CHECK(error.code() == "graft-S003");
    CHECK(error.message() == "[File] cannot create: No such file or directory.");
    CHECK(error.place() == folder.file("missing/log.jsonl"));
    CHECK(test::error_of<SystemError>([&] { CsvLog log(folder.path()); }).message() == "[File] cannot create: Is a directory.");
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
  SECTION("a full disk leaves whole lines") {
    const std::string path = folder.file("log.jsonl");
    JsonLinesLog log(path);
    log.on_epoch({.epoch = 1});
    const std::string first = read_file(path);
    std::string message;
    {
      const FullDisk full(first.size() + 10);
      message = test::error_of<SystemError>([&] { log.on_epoch({.epoch = 2}); }).message();
    }
    CHECK(message == "[File] cannot write: File too large.");
    CHECK(read_file(path) == first);
    log.on_epoch({.epoch = 3});
    CHECK(read_file(path).starts_with(first + "{\"epoch\":3"));
  }
  SECTION("a negative number of steps") {
    const auto error = test::error_of<ConfigError>([&] { TensorBoardLog log(folder.path(), {.every_steps = -1}); });
    CHECK(error.code() == "graft-C018");
    CHECK(error.message() == "[TensorBoardLog] every_steps of at least 0 is wanted, got -1.");
  }
}

TEST_CASE("Event files: bytes as TensorFlow's own code gives them", "[train]") {
  CHECK(train::crc32c("123456789") == 0xe3069283U);
  CHECK(train::crc32c(std::string(32, '\0')) == 0x8a9136aaU);  // RFC 3720
  CHECK(train::crc32c(std::string(32, '\xff')) == 0x62a8ab43U);
  CHECK(train::crc32c("") == 0);
  CHECK(hex(train::event_record("123456789")) == "090000000000000037f97139313233343536373839e5b08ac7");
  CHECK(hex(train::scalars_event(1.5, 300, {{"train/loss", 0.5}, {"lr", 0.001}})) ==
        "09000000000000f83f10ac022a1e0a110a0a747261696e2f6c6f7373150000003f0a090a026c72156f12833a");
}

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
    const FullDisk full(10);
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
