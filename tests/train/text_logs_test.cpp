// Logs of lines: JsonLinesLog, CsvLog.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <limits>

#include "core/file.h"
#include "file_size_limit.h"
#include "graft/data/csv.h"
#include "log_samples.h"
#include "support.h"

using namespace graft;
using test::any_model;
using test::epoch_record;
using test::plan_from;

namespace fs = std::filesystem;

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
  }
  SECTION("a full disk leaves whole lines") {
    const std::string path = folder.file("log.jsonl");
    JsonLinesLog log(path);
    log.on_epoch({.epoch = 1});
    const std::string first = read_file(path);
    std::string message;
    {
      const test::FileSizeLimit full(first.size() + 10);
      message = test::error_of<SystemError>([&] { log.on_epoch({.epoch = 2}); }).message();
    }
    CHECK(message == "[File] cannot write: File too large.");
    CHECK(read_file(path) == first);
    log.on_epoch({.epoch = 3});
    CHECK(read_file(path).starts_with(first + "{\"epoch\":3"));
  }
}
