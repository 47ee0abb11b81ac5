#include "graft/core/error.h"

#include <stdexcept>

#include "support.h"

using namespace graft;

TEST_CASE("Error: what() is the message with its place, and the remedy on the next line", "[core]") {
  const DataError error({.code = "graft-D004", .message = "[Csv] a row is wanted.", .remedy = "Add one.", .place = "t.csv:3"});
  CHECK(std::string(error.what()) == "[Csv] a row is wanted. (t.csv:3)\n    Add one.");
  CHECK(error.code() == "graft-D004");
  CHECK(error.message() == "[Csv] a row is wanted.");
  CHECK(error.remedy() == "Add one.");
  CHECK(error.place() == "t.csv:3");
}

TEST_CASE("Error: what() leaves out what a problem does not have", "[core]") {
  CHECK(std::string(ConfigError(Problem{.code = "graft-C001", .message = "[A] b."}).what()) == "[A] b.");
  CHECK(std::string(ConfigError(Problem{.code = "graft-C001", .message = "[A] b.", .remedy = "Do c."}).what()) == "[A] b.\n    Do c.");
  CHECK(std::string(ConfigError(Problem{.code = "graft-C001", .message = "[A] b.", .remedy = "", .place = "d"}).what()) == "[A] b. (d)");
}

TEST_CASE("Error: several problems are told in their order, and the first gives the code", "[core]") {
  const std::vector<Problem> problems{
      {"graft-M002", "[A] first.", "Do one.", "x"}, {"graft-M003", "[B] second.", "", ""}, {"graft-M004", "[C] third.", "Do three.", ""}};
  const ModelError error(problems);
  CHECK(std::string(error.what()) == "[A] first. (x)\n    Do one.\n[B] second.\n[C] third.\n    Do three.");
  REQUIRE(error.problems().size() == 3);
  CHECK(error.problems()[2].code == "graft-M004");
  CHECK(error.code() == "graft-M002");
  CHECK(error.message() == "[A] first.");
}

TEST_CASE("Error: no problem at all is a mistake of the caller", "[core]") {
  CHECK_THROWS_AS(Error(std::vector<Problem>{}), std::invalid_argument);
  CHECK_THROWS_WITH(DataError(std::vector<Problem>{}), "graft::Error needs a problem");
}

TEST_CASE("Error: details are kept apart from what()", "[core]") {
  const CheckpointError error({.code = "graft-K001", .message = "[Load] no file of weights.", .remedy = "Name another."},
                              "PytorchStreamReader failed\n#0 frame");
  CHECK(error.details() == "PytorchStreamReader failed\n#0 frame");
  CHECK(std::string(error.what()).find("PytorchStreamReader") == std::string::npos);
  CHECK(SystemError(Problem{.code = "graft-S001", .message = "[A] b."}).details().empty());
}

TEST_CASE("Error: every kind is caught as graft::Error and as std::exception, and not as another kind", "[core]") {
  const auto kind_of = [](auto thrower) -> std::string {
    try {
      thrower();
    } catch (const ConfigError&) {
      return "config";
    } catch (const DataError&) {
      return "data";
    } catch (const ModelError&) {
      return "model";
    } catch (const CheckpointError&) {
      return "checkpoint";
    } catch (const NumericsError&) {
      return "numerics";
    } catch (const SystemError&) {
      return "system";
    }
    return "none";
  };
  const Problem problem{.code = "graft-X001", .message = "[X] x."};
  CHECK(kind_of([&] { throw ConfigError(problem); }) == "config");
  CHECK(kind_of([&] { throw DataError(problem); }) == "data");
  CHECK(kind_of([&] { throw ModelError(problem); }) == "model");
  CHECK(kind_of([&] { throw CheckpointError(problem); }) == "checkpoint");
  CHECK(kind_of([&] { throw NumericsError(problem); }) == "numerics");
  CHECK(kind_of([&] { throw SystemError(problem); }) == "system");
  CHECK_THROWS_AS([&] { throw NumericsError(problem); }(), Error);
  CHECK_THROWS_WITH([&] { throw NumericsError(problem); }(), "[X] x.");
}

TEST_CASE("Error: a copy says the same", "[core]") {
  const DataError error({.code = "graft-D001", .message = "[A] b.", .remedy = "Do c.", .place = "d"}, "e");
  const DataError copy = error;
  CHECK(std::string(copy.what()) == error.what());
  CHECK(copy.details() == "e");
  CHECK(copy.place() == "d");
}
