#include <cmath>

#include "program.h"

using namespace graft;
using test::Program;
using test::Result;

namespace {

struct Finder {
  Program graft;
  std::string picture = graft.folder.file("curve.svg");
  std::string data = graft.messages("t.csv", 90, 0);
  Result operator()(const std::string& flags) const {
    return graft("lr-find --backbone " + graft.imported() + " --train " + data + " --batch 8 --picture " + picture + " " + flags);
  }
};

}  // namespace

TEST_CASE("graft lr-find: one JSON object, a picture, and a next command that runs", "[cli]") {
  Finder find;
  const Program& graft = find.graft;
  std::filesystem::rename(find.data, graft.folder.file("it's mine.csv"));
  find.data = "\"" + graft.folder.file("it's mine.csv") + "\"";
  std::filesystem::create_directory(graft.folder.file("run"));  // a run that is there is not in the way
  test::write(graft.folder.file("run/model.pt"), "");
  const Result result = find("--hidden 16 --json --lr 0.5 --out " + graft.folder.file("run") + " --epochs 1 --steps 90");
  INFO(result.err);
  REQUIRE(result.code == 0);
  const Json found = Json::parse(result.out);
  CHECK(found.at("suggestion") > 1e-3);
  CHECK(found.at("suggestion") < 1);
  CHECK(found.at("steepest") > 1e-3);
  CHECK(found.at("rates").at(0) == Approx(1e-7));
  CHECK(found.at("rates").size() <= 90);
  CHECK(found.at("losses").size() == found.at("rates").size());
  CHECK(found.at("picture") == find.picture);
  CHECK(read_file(find.picture).starts_with("<svg "));
  CHECK(read_file(graft.folder.file("run/model.pt")).empty());

  const std::string next = found.at("next");
  INFO(next);
  REQUIRE(next.starts_with("graft train --backbone "));
  CHECK(next.find("--picture") == std::string::npos);
  CHECK(next.find("--steps") == std::string::npos);
  CHECK(next.find("--lr 0.5") == std::string::npos);
  const Result trained = graft(next.substr(6) + " --force");
  INFO(trained.err);
  REQUIRE(trained.code == 0);
  const double lr = Json::parse(read_file(graft.folder.file("run/config.json"))).at("lr");
  CHECK(lr == Approx(found.at("suggestion").get<double>()).epsilon(0.05));
}

TEST_CASE("graft lr-find: says what it found to people", "[cli]") {
  const Finder find;
  const Result result = find("--preset full");
  INFO(result.out << result.err);
  REQUIRE(result.code == 0);
  CHECK(result.out.starts_with("full: "));
  CHECK(result.out.find("\nsuggested learning rate: ") != std::string::npos);
  CHECK(result.out.find("picture: " + find.picture) != std::string::npos);
  CHECK(result.out.find("\nnext: graft train ") != std::string::npos);
}

TEST_CASE("graft lr-find: rates are those of --lr, whatever share of it a preset takes", "[cli]") {
  const Finder find;
  const Result result = find("--preset finetune --json --lowest 1e-6 --highest 1e-3 --steps 31");
  INFO(result.err);
  const Json found = Json::parse(result.out);
  // Batches of 8 differ so much that a loss may end it early.
  const std::size_t last = found.at("rates").size() - 1;
  REQUIRE(last >= 10);
  CHECK(found.at("rates").at(0) == Approx(1e-6));
  CHECK(found.at("rates").at(last) == Approx(1e-6 * std::pow(1e3, static_cast<double>(last) / 30)));
  CHECK(found.at("losses").at(0) < 0.8);  // its head is solved before the steps: chance is 1.1
}

TEST_CASE("graft lr-find: all layers decide for the preset gradual", "[cli]") {
  const Finder find;
  const Result gradual = find("--preset gradual --json"), full = find("--preset full --json");
  INFO(gradual.err);
  CHECK(Json::parse(gradual.out).at("losses") == Json::parse(full.out).at("losses"));
}

TEST_CASE("graft lr-find: says why there is no rate, and what is wrong with its flags", "[cli][error]") {
  const Finder find;
  SECTION("a head that is solved") {
    const Result result = find("");
    CHECK(result.code == 2);
    CHECK(result.err.find("graft-C104: [graft lr-find] there is no rate to find: probe (81 training records are few") != std::string::npos);
    CHECK(result.err.find("--preset full") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(find.picture));
  }
  SECTION("rates that do not rise") { CHECK(find("--preset full --lowest 1 --highest 0.1").err.find("graft-C041") != std::string::npos); }
  SECTION("a loss that does not fall") {
    const Result result = find("--preset full --json --highest 1e-6");
    CHECK(result.code == 1);
    CHECK(Json::parse(result.out).at("suggestion").is_null());
    CHECK(Json::parse(result.out).at("next") == "");
    CHECK(std::filesystem::exists(find.picture));
  }
  SECTION("a picture that cannot be written is told before the work") {
    CHECK(find("--preset full --picture /no/such/folder/a.svg").code == 2);
  }
}
