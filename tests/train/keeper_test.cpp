#include "train/keeper.h"

#include <sys/resource.h>

#include <filesystem>

#include "core/file.h"
#include "heard.h"
#include "small_checkpoint.h"
#include "support.h"

using namespace graft;

namespace {

namespace fs = std::filesystem;
using test::names_in;
using test::small;
using train::Keeper;
using train::RunState;

void damage(const std::string& path) { fs::resize_file(path, fs::file_size(path) / 2); }

}  // namespace

TEST_CASE("Keeper: the newest stay, and the best weights that they tell of", "[train]") {
  const test::TempDir folder;
  Keeper keeper({.folder = folder.path(), .keep = 2});
  const Fields weights{{"w", at::ones({2})}};
  for (const std::int64_t step : {2, 4, 6, 8}) {
    const std::string best = step <= 4 ? keeper.save_best(step, weights) : "best-4.safetensors";
    keeper.save(step, small(best, step));
  }
  CHECK(names_in(folder.path()) ==
        std::vector<std::string>{"best-4.safetensors", "step-000000006.safetensors", "step-000000008.safetensors"});
  const std::string better = keeper.save_best(10, weights);
  CHECK(names_in(folder.path()).size() == 4);  // 6 and 8 are what a kill at this place would leave
  keeper.save(10, small(better, 10));
  CHECK(fs::exists(folder.file("best-4.safetensors")));  // 8 tells of it
  keeper.save(12, small(better, 12));
  CHECK(names_in(folder.path()) ==
        std::vector<std::string>{"best-10.safetensors", "step-000000010.safetensors", "step-000000012.safetensors"});
  SECTION("a damaged one takes no other's place") {
    damage(folder.file("step-000000012.safetensors"));
    keeper.save(13, small(better, 13));
    CHECK(names_in(folder.path()) ==
          std::vector<std::string>{"best-10.safetensors", "step-000000010.safetensors", "step-000000013.safetensors"});
  }
  SECTION("what else lies there is left alone, parts of files of a process that was killed are not") {
    for (const char* name : {"step-000000014.safetensors.part.77", "best-14.safetensors.part.77", "notes.part.77"})
      test::write(folder.file(name), "x");
    Keeper next({.folder = folder.path(), .resume = true});
    CHECK(names_in(folder.path()).size() == 4);
    CHECK(fs::exists(folder.file("notes.part.77")));
  }
}

TEST_CASE("Keeper: a bit that has changed is a damaged file, and the checkpoint before it is taken", "[train][error]") {
  const test::TempDir folder;
  Keeper keeper({.folder = folder.path(), .keep = 2});
  const std::string first_best = keeper.save_best(2, {{"w", at::ones({64})}});
  keeper.save(2, small(first_best, 2));
  const std::string best = keeper.save_best(4, {{"w", at::full({64}, 2.0)}});
  keeper.save(4, small(best, 4));
  // The last byte of a file is one of a tensor.
  const std::string damaged = GENERATE(as<std::string>(), "step-000000004.safetensors", "best-4.safetensors");
  std::string bytes = read_file(folder.file(damaged));
  bytes.back() = static_cast<char>(bytes.back() ^ 0x10);
  test::write(folder.file(damaged), bytes);
  const test::Heard heard;
  const auto found = Keeper({.folder = folder.path(), .resume = true}).newest();
  REQUIRE(found.has_value());
  CHECK(found->run.step == 2);
  CHECK(at::equal(found->best["w"], at::ones({64})));
  const std::string told = heard.with("");
  CHECK(told.find("what it holds is not what was written") != std::string::npos);
  CHECK(told.find(folder.file(damaged)) != std::string::npos);
  fs::remove(folder.file("step-000000002.safetensors"));
  CHECK(test::error_of<CheckpointError>([&] { Keeper({.folder = folder.path(), .resume = true}).newest(); }).code() == "graft-K024");
}

TEST_CASE("Keeper: what is kept is not read again with each checkpoint", "[train]") {
  const test::TempDir folder;
  Keeper keeper({.folder = folder.path(), .keep = 2});
  const std::string path = keeper.save(1, small());
  // Its last tensor becomes one of 600 MB whose bytes are not there: the file has a hole.
  std::string bytes = read_file(path);
  const std::uint64_t most = 600'000'000;
  const std::string was = R"([24,40],"dtype":"U8","shape":[16])";
  const std::string is = "[24," + std::to_string(24 + most) + R"(],"dtype":"U8","shape":[)" + std::to_string(most) + "]";
  const std::size_t at = bytes.find(was);
  REQUIRE(at != std::string::npos);
  bytes.replace(at, was.size(), is);
  const std::uint64_t start = bytes.find("}}", at) + 2, header = (start + 7) / 8 * 8 - 8;
  bytes.resize(start);
  bytes.resize(header + 8, ' ');
  bytes.replace(0, 8, std::string(reinterpret_cast<const char*>(&header), 8));
  test::write(path, bytes);
  fs::resize_file(path, bytes.size() + 24 + most);
  const auto most_memory = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;  // KiB
  };
  const long before = most_memory();
  keeper.save(2, small());
  CHECK(most_memory() - before < 100'000);
  CHECK(checkpoints_in(folder.path()).size() == 2);  // it could be read
}
