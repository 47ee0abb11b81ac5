#pragma once

#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/file.h"
#include "graft/data/csv.h"
#include "support.h"
#include "toys.h"

namespace graft::test {

struct Result {
  int code = -1;
  std::string out, err;
};

/// The program, run in a folder of its own with the small BERT of tests/golden.
class Program {
 public:
  Result operator()(const std::string& arguments, const std::string& input = "") const {
    write(folder.file("in"), input);
    const std::string command =
        std::string(GRAFT_PROGRAM) + " " + arguments + " < " + folder.file("in") + " > " + folder.file("out") + " 2> " + folder.file("err");
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(folder.file("out")), read_file(folder.file("err"))};
  }

  std::string imported() const {
    if (!std::filesystem::exists(folder.file("tiny.pt")))
      REQUIRE((*this)("import " + golden_path("tiny_bert") + " -o " + folder.file("tiny.pt")).code == 0);
    return folder.file("tiny.pt");
  }

  std::string messages(const std::string& name, std::size_t size, std::uint64_t seed) const {
    std::string csv = "message,queue\n";
    const Data data = toy_messages(size, seed);
    for (std::size_t i = 0; i < size; ++i) csv += data::csv_field(data.get(i).text("message")) + "," + data.get(i).text("queue") + "\n";
    write(folder.file(name), csv);
    return folder.file(name);
  }

  std::string trained() const {
    const std::string run = folder.file("run");
    const Result result = (*this)("train --backbone " + imported() + " --train " + messages("train.csv", 120, 0) + " --test " +
                                  messages("test.csv", 40, 1) + " --out " + run + " --json");
    INFO(result.err);
    REQUIRE(result.code == 0);
    return run;
  }

  TempDir folder;
};

inline std::size_t lines(const std::string& text) { return static_cast<std::size_t>(std::ranges::count(text, '\n')); }

}  // namespace graft::test
