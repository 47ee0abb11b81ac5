// The files of a run: what is in them, what is refused, what is kept, and what a bad disk or a kill leaves.
#include "graft/train/checkpoint.h"

#include <filesystem>
#include <fstream>
#include <limits>

#include "core/file.h"
#include "file_size_limit.h"
#include "graft/core/log.h"
#include "graft/core/rng.h"
#include "graft/train/trainer.h"
#include "heard.h"
#include "small_checkpoint.h"
#include "small_run.h"
#include "support.h"
#include "toys.h"
#include "train/keeper.h"
#include "train/run_state.h"

using namespace graft;

namespace {

namespace fs = std::filesystem;
using test::Heard;
using test::messages;
using test::names_in;
using test::options;
using test::rewrite;
using test::small;
using test::trained;
using train::Keeper;
using train::RunState;

/// Saving fails from a step on, as on a disk that is full.
class FullDisk final : public Callback {
 public:
  explicit FullDisk(std::int64_t step) : step_(step) {}
  Action on_step(const StepRecord& step) override {
    if (step.step == step_) limit_.emplace(2000);
    return Action::Continue;
  }
  void on_exception(const std::exception&) override { limit_.reset(); }

 private:
  std::int64_t step_;
  std::optional<test::FileSizeLimit> limit_;
};

void damage(const std::string& path) { fs::resize_file(path, fs::file_size(path) / 2); }

}  // namespace

TEST_CASE("Checkpoint: what was saved is loaded", "[train]") {
  const test::TempDir folder;
  Checkpoint saved = small("best-2.safetensors");
  saved.manifest.emplace_back("latin \xE9", "1");
  saved.save(folder.file("c"));
  const Checkpoint loaded = Checkpoint::load(folder.file("c"));
  CHECK(loaded.state == saved.state);
  CHECK(loaded.manifest.front() == saved.manifest.front());
  CHECK(loaded.tensors.size() == 2);
  CHECK(at::equal(loaded.tensors["weights/w"], saved.tensors["weights/w"]));
  CHECK(names_in(folder.path()) == std::vector<std::string>{"c"});
  saved.tensors = {{"odd", at::ones({3}, at::kByte)}, {"wide", at::ones({2}, at::kLong)}, {"w", at::ones({1})}};
  saved.save(folder.file("c"));  // every number where its type wants it: loading copies nothing
  CHECK(Checkpoint::load(folder.file("c")).tensors.names() == std::vector<std::string>{"wide", "w", "odd"});
}

TEST_CASE("Checkpoint: other files and damaged ones are refused, whatever is wrong with them", "[train][error]") {
  const test::TempDir folder;
  const std::string path = folder.file("step-3.safetensors");
  small().save(path);
  const std::string whole = read_file(path);
  const auto refused = [&](const std::string& bytes) {
    test::write(path, bytes);
    return test::error_of<CheckpointError>([&] { Checkpoint::load(path); }).place() == path;
  };
  SECTION("cut at every byte") {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      if (!refused(whole.substr(0, size))) FAIL("cut to " << size);
    }
  }
  SECTION("mutated") {
    const auto seed = static_cast<std::uint64_t>(Catch::rngSeed());
    INFO("seed " << seed);
    Rng rng(seed);
    std::size_t taken = 0, refusals = 0;
    for (int i = 0; i < 600; ++i) {
      std::string bytes = whole;
      for (std::uint64_t n = 1 + rng.below(4); n > 0; --n) {
        const std::size_t at = rng.below(bytes.size()), length = rng.below(9);
        switch (rng.below(4)) {
          case 0:
            bytes[at] = static_cast<char>(rng.below(256));
            break;
          case 1:
            bytes.erase(at, length);
            break;
          case 2:
            bytes.insert(at, bytes.substr(rng.below(bytes.size()), length));
            break;
          default:
            bytes[at] = "0123456789{}[]\",:"[rng.below(17)];
        }
        if (bytes.empty()) bytes = "x";
      }
      test::write(path, bytes);
      try {
        const Keeper keeper({.folder = folder.path(), .resume = true});
        const auto found = keeper.newest();
        REQUIRE(found.has_value());
        const Checkpoint wanted = small();
        CHECK(found->checkpoint.state == wanted.state);  // a space more or less in the header
        for (const auto& [name, tensor] : found->checkpoint.tensors) CHECK(at::equal(tensor, wanted.tensors[name]));
        ++taken;
      } catch (const CheckpointError&) {
        ++refusals;
      }
    }
    CHECK(taken + refusals == 600);  // and nothing else was thrown
    CHECK(refusals > 500);
  }
  SECTION("a safetensors file of something else, and one without a run") {
    Checkpoint other = small();
    other.state = "[1]";
    other.save(path);
    CHECK(test::error_of<CheckpointError>([&] { Checkpoint::load(path); }).code() == "graft-K024");
    other.state = R"({"run": {"step": -1}})";
    other.save(path);
    const Keeper keeper({.folder = folder.path(), .resume = true});
    CHECK(test::error_of<CheckpointError>([&] { keeper.newest(); }).code() == "graft-K024");
    small("../other").save(path);
    CHECK(test::error_of<CheckpointError>([&] { keeper.newest(); }).message().find("../other") != std::string::npos);
  }
}

TEST_CASE("RunState: numbers that JSON does not have survive it", "[train]") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  RunState state;
  state.step = 4, state.total_steps = 8;
  state.history = {{.epoch = 1, .train_loss = 0.1, .valid_loss = nan, .metrics = {{"r2", nan}, {"mse", inf}, {"a", -inf}, {"b", 0.1}}}};
  const RunState back = RunState::from(Json::parse(state.json().dump()), "");
  REQUIRE(back.history.size() == 1);
  const EpochRecord& record = back.history.front();
  CHECK(std::isnan(record.valid_loss.value()));
  CHECK(record.metrics.size() == 4);
  CHECK(record.metrics[0].first == "r2");
  CHECK(std::isnan(record.metrics[0].second));
  CHECK(record.metrics[1].second == inf);
  CHECK(record.metrics[2].second == -inf);
  CHECK(record.metrics[3].second == 0.1);
  CHECK(record.train_loss == 0.1);
}

TEST_CASE("resume: a damaged newest checkpoint is told, and the one before it taken", "[train][resume]") {
  const test::TempDir folder;
  const at::Tensor unbroken = trained(options(folder.path(), false));
  const auto files = checkpoints_in(folder.path());
  REQUIRE(files.size() == 3);
  Heard heard;
  SECTION("cut short") {
    damage(files[2].second);
    CHECK(at::equal(trained(options(folder.path(), true)), unbroken));
  }
  SECTION("without its best weights") {
    rewrite(files[2].second, [](Checkpoint& checkpoint) {
      Json state = Json::parse(checkpoint.state);
      state["run"]["best_file"] = "best-99.safetensors";
      checkpoint.state = state.dump();
    });
    CHECK(at::equal(trained(options(folder.path(), true)), unbroken));
    CHECK(heard.with("").find("best-99.safetensors") != std::string::npos);
  }
  SECTION("none can be read: nothing is begun over what was learned") {
    for (const auto& [step, path] : files) damage(path);
    CHECK(test::error_of<CheckpointError>([&] { trained(options(folder.path(), true)); }).place() == files[0].second);
    CHECK(checkpoints_in(folder.path()).size() == 3);
  }
  CHECK(heard.with("").find(files[2].second) != std::string::npos);
  const std::string warned = heard.with("graft-W029");
  CHECK(warned.find("the newest checkpoint cannot be gone on from, the one before it is taken") != std::string::npos);
  CHECK(warned.find("Remove it") == std::string::npos);
}

TEST_CASE("resume: a full disk ends the run, and the checkpoint before stays", "[train][resume][error]") {
  const test::TempDir folder;
  const at::Tensor unbroken = trained(options("", false));
  const auto error =
      test::error_of<SystemError>([&] { trained(options(folder.path(), false), messages(), 8, std::make_shared<FullDisk>(6)); });
  CHECK(error.code() == "graft-S003");
  CHECK(error.remedy().find("disk") != std::string::npos);
  for (const std::string& name : names_in(folder.path())) CHECK(name.find(".part") == std::string::npos);
  REQUIRE_FALSE(checkpoints_in(folder.path()).empty());
  CHECK(checkpoints_in(folder.path()).back().first == 4);
  CHECK(at::equal(trained(options(folder.path(), true)), unbroken));
}

TEST_CASE("resume: a checkpoint whose parts do not belong together is refused", "[train][resume][error]") {
  const test::TempDir folder;
  trained(options(folder.path(), false));
  const std::string path = checkpoints_in(folder.path()).back().second;
  const auto change =
      GENERATE(as<std::string>(), "no random numbers", "bad random numbers", "no weights", "surplus weights", "no schedule");
  INFO(change);
  rewrite(path, [&](Checkpoint& checkpoint) {
    Fields tensors;
    for (const auto& [name, tensor] : checkpoint.tensors) {
      if (change == "no random numbers" && name == "random") continue;
      if (change == "no weights" && name.starts_with("weights/")) continue;
      tensors.set(name, change == "bad random numbers" && name == "random" ? at::full_like(tensor, 255) : tensor);
    }
    if (change == "surplus weights") tensors.set("weights/head.more", at::zeros({1}));
    if (change == "no schedule") checkpoint.state = Json{{"run", Json::parse(checkpoint.state)["run"]}}.dump();
    checkpoint.tensors = tensors;
  });
  const auto error = test::error_of<CheckpointError>([&] { trained(options(folder.path(), true)); });
  CHECK((error.code() == "graft-K024" || error.code() == "graft-K026"));
}
