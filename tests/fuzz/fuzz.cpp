// Loads and runs damaged files, each in a process of its own, and fails if one of them does harm.
//
//   fuzz [COUNT] [FILES...]     2000 mutations; of the files in tests/golden and below $GRAFT_TEST_DATA, if that is set
//
// Harm is a process that dies by a signal, one that takes longer than `seconds`, one that takes more memory to load the file than
// `allowance`, or more to run it than `running_allowance`. Refusals and errors are what is wanted. The same COUNT and files give the same
// mutations; a file that did harm is kept and named.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "graft/backbone/backbone.h"
#include "graft/backbone/safetensors.h"
#include "graft/backbone/state_dict.h"
#include "graft/core/error.h"
#include "graft/core/runtime.h"
#include "mutate.h"

namespace fs = std::filesystem;
using namespace graft;

namespace {

constexpr unsigned seconds = 20;

/// What loading a file of this size may take beyond a process that does nothing. Unchanged files take 21 MB, which is code of LibTorch
/// that is used for the first time, and up to 23 times their size where they are mostly code.
long allowance(std::size_t file_size) { return static_cast<long>(32 * file_size) + (64L << 20); }
/// What the run takes depends on the network's numbers: a wider padding makes a larger image, whatever the size of the file.
constexpr long running_allowance = 1L << 30;

long peak_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

/// Of this process, once it has loaded its file; to be told to the parent.
long loading_peak = 0;

std::string try_state_dict(const std::string& path) {
  try {
    for (const auto& [name, tensor] : backbone::read_state_dict(path)) tensor.to(at::kFloat).sum();
    return "read";
  } catch (const Error& error) {
    return error.code();
  } catch (const std::exception& error) {
    return std::string("foreign exception: ") + error.what();
  }
}

/// Loads the file and calls it on something small. "ran", "loaded", or the code of the refusal.
std::string try_file(const std::string& path) {
  try {
    if (path.ends_with(".safetensors")) {
      for (const auto& [name, tensor] : backbone::read_safetensors(path)) tensor.to(at::kFloat).sum();
      return "ran";
    }
    const Backbone backbone = Backbone::load(path);
    loading_peak = peak_memory();
    const std::vector<at::Tensor> examples = {at::ones({2, 3, 16, 16}), at::ones({2, 5}), at::ones({2, 4}, at::kLong)};
    for (const at::Tensor& example : examples) {
      Fields inputs;
      for (const Backbone::Argument& argument : backbone.arguments()) {
        if (argument.type == "Tensor") inputs.set(argument.name, example);
      }
      try {
        backbone(inputs);
        return "ran";
      } catch (const std::exception&) {
        // Another input may fit, and if none does, the file was loaded all the same.
      }
    }
    return "loaded";
  } catch (const Error& error) {
    // A state dict, which has a reader of its own.
    return error.code() == "graft-K001" ? try_state_dict(path) : error.code();
  } catch (const std::exception& error) {
    return std::string("foreign exception: ") + error.what();
  }
}

struct Outcome {
  std::string text;
  bool harm = false;
  /// Bytes, to load and in all.
  long loading = 0, peak = 0;
};

/// `idle` is what a process takes that does nothing.
Outcome in_process(const std::string& path, std::size_t size, long idle) {
  int ends[2];
  if (::pipe(ends) != 0) return {"no pipe", true};
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit core{0, 0}, memory{24UL << 30, 24UL << 30}, time{seconds, seconds + 1};
    ::setrlimit(RLIMIT_CORE, &core);
    ::setrlimit(RLIMIT_AS, &memory);
    ::setrlimit(RLIMIT_CPU, &time);
    ::alarm(2 * seconds);
    std::fclose(stderr);
    std::string text = path.empty() ? "" : try_file(path);
    text.insert(0, std::to_string(loading_peak > 0 ? loading_peak : peak_memory()) + " ");
    const auto written = ::write(ends[1], text.data(), text.size());
    ::_exit(written < 0 ? 1 : 0);
  }
  ::close(ends[1]);
  if (child < 0) throw std::runtime_error("no process can be made");
  Outcome outcome;
  char buffer[256];
  for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) outcome.text.append(buffer, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  rusage usage{};
  ::wait4(child, &status, 0, &usage);
  outcome.peak = usage.ru_maxrss * 1024;
  if (WIFSIGNALED(status)) {
    outcome.text = std::string("signal: ") + ::strsignal(WTERMSIG(status));
    outcome.harm = true;
    return outcome;
  }
  const std::size_t space = outcome.text.find(' ');
  if (space == std::string::npos) {
    outcome.harm = true;
    outcome.text = "ended with status " + std::to_string(status) + " and without a word";
    return outcome;
  }
  outcome.loading = std::stol(outcome.text.substr(0, space));
  outcome.text.erase(0, space + 1);
  if (outcome.text.starts_with("foreign")) outcome.harm = true;
  if (idle > 0 && (outcome.loading > idle + allowance(size) || outcome.peak > idle + running_allowance)) {
    outcome.harm = true;
    outcome.text = "took " + std::to_string((outcome.loading - idle) >> 20) + " MB to load, " +
                   std::to_string((outcome.peak - idle) >> 20) + " MB in all";
  }
  return outcome;
}

std::vector<std::string> default_files() {
  std::vector<std::string> folders = {std::string(GRAFT_TEST_DIR) + "/golden", std::string(GRAFT_TEST_DIR) + "/golden/tiny_bert",
                                      std::string(GRAFT_TEST_DIR) + "/golden/exported"},
                           files;
  if (const char* data = std::getenv("GRAFT_TEST_DATA")) {
    for (const char* folder : {"/torchscript", "/weights/silero_vad", "/weights/burn_mnist"}) folders.push_back(data + std::string(folder));
  }
  for (const std::string& folder : folders) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string kind = entry.path().extension();
      if (kind == ".pt" || kind == ".pt2" || kind == ".pth" || kind == ".jit" || kind == ".dat" || kind == ".safetensors")
        files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  // The pool's threads do not live on in a child, which would wait for them.
  at::set_num_threads(1);
  runtime();
  at::conv2d(at::ones({1, 3, 4, 4}), at::ones({2, 3, 3, 3}));

  int next = 1;
  std::size_t count = 2000;
  if (next < argc && std::string_view(argv[next]).find_first_not_of("0123456789") == std::string_view::npos)
    count = std::stoul(argv[next++]);
  std::vector<std::string> files(argv + next, argv + argc);
  if (files.empty()) files = default_files();
  std::vector<fuzz::Original> originals;
  for (const std::string& file : files) originals.push_back(fuzz::read_original(file));

  const fs::path folder = fs::temp_directory_path() / ("graft-fuzz-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  const long idle = in_process("", 0, 0).peak;
  std::map<std::string, std::map<std::string, int>> table;
  std::size_t done = 0, harmful = 0;
  double most = 0;
  for (std::uint64_t seed = 0; done < count && seed < 100 * count; ++seed) {
    fuzz::Random random(seed);
    const fuzz::Original& original = originals[seed % originals.size()];
    const bool archive = !original.records.empty();
    const std::string kind(archive ? fuzz::archive_kinds[random() % fuzz::archive_kinds.size()]
                                   : fuzz::safetensors_kinds[random() % fuzz::safetensors_kinds.size()]);
    const std::string bytes = fuzz::mutate(original, kind, random);
    if (bytes.empty()) continue;
    const fs::path path = folder / (std::to_string(seed) + (archive ? ".pt" : ".safetensors"));
    std::ofstream(path, std::ios::binary) << bytes;
    const Outcome outcome = in_process(path, bytes.size(), idle);
    ++table[(archive ? "archive " : "safetensors ") + kind][outcome.harm ? "HARM" : outcome.text];
    most = std::max(most, static_cast<double>(outcome.loading - idle) / static_cast<double>(allowance(bytes.size())));
    if (outcome.harm) {
      ++harmful;
      std::printf("harm: %s of %s, %s: %s\n", kind.c_str(), original.name.c_str(), path.c_str(), outcome.text.c_str());
    } else {
      fs::remove(path);
    }
    ++done;
  }
  if (harmful == 0) fs::remove_all(folder);
  for (const auto& [kind, outcomes] : table) {
    std::printf("%-24s", kind.c_str());
    for (const auto& [outcome, times] : outcomes) std::printf("  %s %d", outcome.c_str(), times);
    std::printf("\n");
  }
  std::printf("%zu mutations of %zu files, %zu did harm; loading took at most %.0f %% of the memory that it may\n", done, originals.size(),
              harmful, 100 * most);
  return harmful == 0 && done == count ? 0 : 1;
}
