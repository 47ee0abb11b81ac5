// graft train --preview-schedule draws the run that the same flags make.
#include "program.h"

using namespace graft;
using test::Program;
using test::Result;

namespace {

/// The number that stands between two texts.
int between(const std::string& text, const std::string& before, const std::string& after) {
  const std::size_t end = text.find(after), start = text.rfind(before, end);
  INFO(text);
  REQUIRE(end != std::string::npos);
  REQUIRE(start != std::string::npos);
  return std::stoi(text.substr(start + before.size()));
}

}  // namespace

TEST_CASE("graft train --preview-schedule: as many steps as the run takes", "[cli]") {
  const Program graft;
  const auto [flags, steps] = GENERATE(table<std::string, int>({{"--preset full", 21},
                                                                {"--preset gradual", 28},
                                                                {"--preset gradual --epochs 2 --accumulate 2", 8},
                                                                {"--freeze all --hidden 8", 210},
                                                                {"--preset full --limit-steps 1", 3},
                                                                {"--preset finetune --batch 16", 12}}));
  const std::string command = "train --backbone " + graft.imported() + " --train " + graft.messages("t.csv", 60, 0) + " --out " +
                              graft.folder.file("run") + " --profile " + flags;
  const Result drawn = graft(command + " --preview-schedule");
  INFO(flags << drawn.err);
  CHECK(drawn.code == 0);
  CHECK(between(drawn.out, ", ", " steps\n") == steps);
  CHECK_FALSE(std::filesystem::exists(graft.folder.file("run")));
  CHECK(between(graft(command).out, "a step, ", " in all\n") == steps);
}

TEST_CASE("graft train --preview-schedule: a head that is solved takes no steps, which is said", "[cli]") {
  const Program graft;
  const Result drawn =
      graft("train --backbone " + graft.imported() + " --train " + graft.messages("t.csv", 60, 0) + " --preset probe --preview-schedule");
  CHECK(drawn.code == 0);
  CHECK(drawn.out.starts_with("no steps are taken, so there is no rate to draw: probe"));
}
