#include "graft/adapt/freeze.h"

#include "support.h"

using namespace graft;

namespace {

const Backbone& vision() {
  static const Backbone backbone = Backbone::load(test::golden_path("vision_script.pt"));
  return backbone;
}

std::set<std::string> trained_modules(const Freeze& policy) {
  std::set<std::string> modules;
  for (const std::string& name : policy.trainable(vision())) modules.insert(name.substr(0, name.find('.')));
  return modules;
}

}  // namespace

TEST_CASE("Freeze: all, none and up to a group", "[adapt]") {
  CHECK(Freeze::all().trainable(vision()).empty());
  CHECK(Freeze::none().trainable(vision()).size() == 30);
  CHECK(trained_modules(Freeze::up_to("layer1.0")) == std::set<std::string>{"layer1", "layer2"});
  SECTION("a path above groups freezes all of them") { CHECK(trained_modules(Freeze::up_to("layer1")) == std::set<std::string>{"layer2"}); }
}

TEST_CASE("Freeze: patterns name parameters or modules with all they hold", "[adapt]") {
  CHECK(trained_modules(Freeze::matching({"layer1", "conv1"})) == std::set<std::string>{"bn1", "layer2"});
  const auto trained = Freeze::matching({"*bn*"}).trainable(vision());
  CHECK_FALSE(trained.contains("layer1.0.bn1.weight"));
  CHECK(trained.contains("layer1.0.conv1.weight"));
  SECTION("patterns may overlap") { CHECK(trained_modules(Freeze::matching({"layer1*", "layer1.0"})).count("layer1") == 0); }
}

TEST_CASE("Freeze: its text is read back as the same policy", "[adapt]") {
  for (const std::string text : {"all", "none", "up_to=layer1", "layer1.*,bn1"}) {
    CHECK(Freeze::parse(text).text() == text);
    CHECK(Freeze::parse(text) == Freeze::parse(Freeze::parse(text).text()));
  }
  CHECK(Freeze::parse("up_to=layer1") == Freeze::up_to("layer1"));
}

TEST_CASE("Freeze: what matches nothing is an error with near names", "[adapt][error]") {
  SECTION("a group") {
    const auto error = test::error_of<ConfigError>([] { Freeze::up_to("layr1").trainable(vision()); });
    CHECK(error.code() == "graft-C008");
    CHECK(error.remedy().find("layer1.0") != std::string::npos);
  }
  SECTION("a pattern") {
    const auto error = test::error_of<ConfigError>([] { Freeze::matching({"layer1", "layer9.*"}).trainable(vision()); });
    CHECK(error.message().find("\"layer9.*\"") != std::string::npos);
  }
  SECTION("an empty text") {
    CHECK(test::error_of<ConfigError>([] { Freeze::parse(""); }).code() == "graft-C007");
  }
  SECTION("up_to without a group") {
    CHECK(test::error_of<ConfigError>([] { Freeze::parse("up_to="); }).code() == "graft-C007");
  }
}

TEST_CASE("Freeze: the table counts and groups runs of one state", "[adapt]") {
  const FreezeTable table = freeze_table(vision(), Freeze::up_to("layer1").trainable(vision()));
  CHECK(table.parameters() == 10952);
  CHECK(table.trainable() > 0);
  CHECK(table.trainable() < table.parameters());
  CHECK(table.text().find("frozen  conv1 ... layer1.1") != std::string::npos);
  CHECK(table.text().find("trains  layer2.0 ... layer2.1") != std::string::npos);
  SECTION("a group of which some trains") {
    const FreezeTable partly = freeze_table(vision(), Freeze::matching({"layer1.0.conv1"}).trainable(vision()));
    CHECK(partly.text().find("partly  layer1.0 ") != std::string::npos);
  }
}
