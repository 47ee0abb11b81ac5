#include "graph/training_flags.h"

#include <torch/script.h>

#include "graph/network.h"
#include "graph/walk.h"
#include "support.h"

using namespace graft;

namespace {

/// Paths of the modules whose flag is set.
std::set<std::string> in_train_mode(const graph::Network& network) {
  std::set<std::string> paths;
  for (const auto& part : network.module().named_modules()) {
    if (part.value.type()->findAttributeSlot("training") && part.value.is_training()) paths.insert(part.name);
  }
  return paths;
}

std::set<std::string> trained_modes(const std::string& file, const graph::Trains& trains) {
  graph::Network network = graph::Network::load(test::golden_path(file));
  network.train(trains);
  return in_train_mode(network);
}

}  // namespace

TEST_CASE("Train mode: batch norm moves only where its own weights train", "[graph]") {
  const auto modes = trained_modes("vision_script.pt", [](const std::string& name) { return name.starts_with("layer2."); });
  CHECK(modes.contains("layer2.0.bn1"));
  CHECK_FALSE(modes.contains("bn1"));
  CHECK_FALSE(modes.contains("layer1.0.bn1"));
  SECTION("a frozen norm behind trained layers stays still too") {
    const auto without = trained_modes(
        "vision_script.pt", [](const std::string& name) { return name.find("layer1.") == 0 && name.find("bn") == std::string::npos; });
    CHECK_FALSE(without.contains("layer1.0.bn1"));
    CHECK_FALSE(without.contains("layer2.0.bn1"));
  }
}

TEST_CASE("Train mode: dropout acts only behind the first trained parameter", "[graph]") {
  SECTION("behind it") {
    CHECK(trained_modes("vision_script.pt", [](const std::string& name) { return name.starts_with("layer2."); }).contains("dropout"));
  }
  SECTION("in a frozen block before it: off; in the trained block: on") {
    const auto modes = trained_modes("text_script.pt", [](const std::string& name) { return name.starts_with("blocks.1."); });
    CHECK_FALSE(modes.contains("blocks.0.dropout"));
    CHECK(modes.contains("blocks.1.dropout"));
  }
  SECTION("in a frozen block behind trained ones: off, the block is frozen") {
    const auto modes = trained_modes("text_script.pt", [](const std::string& name) { return name.starts_with("blocks.0."); });
    CHECK(modes.contains("blocks.0.dropout"));
    CHECK_FALSE(modes.contains("blocks.1.dropout"));
  }
  SECTION("before the trained norm of its own block: off, as what it drops is a fixed function") {
    const auto modes = trained_modes("text_script.pt", [](const std::string& name) { return name.starts_with("blocks.0.norm."); });
    CHECK_FALSE(modes.contains("blocks.0.dropout"));
  }
}

TEST_CASE("Eval mode clears every flag", "[graph]") {
  graph::Network network = graph::Network::load(test::golden_path("vision_script.pt"));
  REQUIRE_FALSE(in_train_mode(network).empty());
  network.eval();
  CHECK(in_train_mode(network).empty());
}
