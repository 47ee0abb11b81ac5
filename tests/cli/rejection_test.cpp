// Answers that are rejected, from training to the table of a file.
#include "program.h"

using namespace graft;
using test::lines;
using test::Program;
using test::Result;

namespace {

/// Toy messages, and half as many of words that tell no queue.
std::string mixed(const Program& graft, const std::string& name, std::size_t size, std::uint64_t seed) {
  std::string csv = read_file(graft.messages(name, size, seed));
  const char* words[] = {"x", "y", "z", "w"};
  for (std::size_t i = 0; i < size / 2; ++i)
    csv += std::string(words[i % 4]) + " w " + words[i / 4 % 4] + " x " + words[(i + seed) % 3] + ",oos\n";
  test::write(graft.folder.file(name), csv);
  return graft.folder.file(name);
}

}  // namespace

TEST_CASE("graft train --reject-label: chosen, reported, and said by graft predict", "[cli]") {
  const Program graft;
  const std::string run = graft.folder.file("run"), test = mixed(graft, "test.csv", 60, 1);
  const Result trained = graft("train --backbone " + graft.imported() + " --train " + mixed(graft, "train.csv", 200, 0) + " --test " +
                               test + " --reject-label oos --out " + run + " --json");
  INFO(trained.err);
  REQUIRE(trained.code == 0);
  CHECK(trained.err.find("W017") != std::string::npos);
  const Json report = Json::parse(trained.out);
  CHECK(report.at("samples") == 90);
  CHECK(report.at("classes").size() == 3);
  CHECK(report.at("metrics").at("accuracy") > 0.85);
  CHECK(report.at("metrics").at("rejection_auroc") > 0.9);
  CHECK(report.at("metrics").at("rejected_out_of_scope") > 0.5);
  CHECK(report.at("warnings").at(0).at("code") == "graft-W017");

  const std::string model = run + "/model.pt";
  const Json evaluated = Json::parse(graft("evaluate " + model + " --data " + test + " --json").out);
  CHECK(evaluated.at("metrics").at("accepted_in_scope") == report.at("metrics").at("accepted_in_scope"));
  const Result asked = graft("predict " + model + " 'x w y z w' 'a b a b c'");
  INFO(asked.out);
  CHECK(asked.out.starts_with("none of these, score "));
  CHECK(asked.out.find("(nearest: ") != std::string::npos);
  CHECK(lines(asked.out) == 2);
  const Json answers = Json::parse(graft("predict " + model + " 'x w y z w' 'a b a b c' --json").out).at("predictions");
  CHECK(answers.at(0).at("rejected") == true);
  CHECK(answers.at(0).at("label") == "oos");
  CHECK(answers.at(1).at("rejected") == false);
  CHECK(answers.at(1).at("label") == "A");
  CHECK(answers.at(0).at("rejection_score") < answers.at(1).at("rejection_score"));

  const std::string csv = graft.folder.file("answers.csv");
  REQUIRE(graft("predict " + model + " --csv " + test + " --out " + csv).code == 0);
  const std::string table = read_file(csv);
  CHECK(table.starts_with("message,queue,prediction,score,rejected,rejection_score\n"));
  CHECK(table.find(",oos,oos,0.") != std::string::npos);
  CHECK(table.find(",true,") != std::string::npos);
  test::write(graft.folder.file("in.jsonl"), "{\"message\": \"x w y z w\"}\n");
  REQUIRE(graft("predict " + model + " --csv " + graft.folder.file("in.jsonl") + " --out " + graft.folder.file("out.jsonl")).code == 0);
  CHECK(Json::parse(read_file(graft.folder.file("out.jsonl"))).at("rejected") == true);

  SECTION("a model that goes on rejects as it did") {
    const Result again = graft("train --backbone " + model + " --train " + graft.folder.file("train.csv") + " --out " +
                               graft.folder.file("again") + " --json");
    INFO(again.err);
    REQUIRE(again.code == 0);
    CHECK(Json::parse(again.out).at("classes").size() == 3);
    CHECK(Json::parse(graft("predict " + graft.folder.file("again/model.pt") + " 'x w y z w' --json").out)
              .at("predictions")
              .at(0)
              .at("rejected") == true);
  }
  SECTION("folds measure it too") {
    const Result folds = graft("train --backbone " + graft.imported() + " --train " + graft.folder.file("train.csv") +
                               " --reject-label oos --folds 2 --out " + graft.folder.file("folds") + " --json");
    INFO(folds.err);
    REQUIRE(folds.code == 0);
    CHECK(Json::parse(folds.out).at("metrics").at("rejection_auroc") > 0.8);
  }
}

TEST_CASE("graft train: flags of rejection that cannot hold are told before the work", "[cli][error]") {
  const Program graft;
  const std::string train =
      "train --backbone " + graft.imported() + " --train " + mixed(graft, "train.csv", 60, 0) + " --out " + graft.folder.file("run") + " ";
  const auto told = [&](const std::string& flags) {
    const Result result = graft(train + flags);
    CHECK(result.code == 2);
    CHECK_FALSE(std::filesystem::exists(graft.folder.file("run")));
    return result.err;
  };
  CHECK(told("--reject-label oos --split 0").find("graft-C056") != std::string::npos);
  CHECK(told("--reject-label other --reject-precision 0.9").find("graft-C056") != std::string::npos);
  CHECK(told("--reject-label oos --reject-score energi").find("energy") != std::string::npos);
  CHECK(told("--reject-label oos --reject-recall 2").find("recall in (0, 1]") != std::string::npos);
  CHECK(told("--reject-label oos --task multilabel").find("graft-C104") != std::string::npos);
}
