// Heads that go on with labels they did not know.
#include "head/extended.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "graft/data/boxes.h"
#include "graft/data/records.h"
#include "graft/head/classifier.h"
#include "graft/head/detector.h"
#include "graft/head/multilabel.h"
#include "graft/head/token_classifier.h"
#include "support.h"

using namespace graft;
using Names = std::vector<std::string>;

namespace {

/// Every parameter is one of a trained head.
void learn(const Head& head) {
  const c10::NoGradGuard no_grad;
  for (const auto& [name, tensor] : head.parameters()) at::Tensor(tensor).normal_();
}

Data labelled(const std::string& field, const std::vector<Value>& values) {
  std::vector<Record> records;
  for (const Value& value : values) records.push_back({{{field, value}}, "here"});
  return data::records(std::move(records));
}

}  // namespace

TEST_CASE("Extended: labels that are new come behind the old ones; where there are none, nothing changes", "[head]") {
  const head::Classifier old({.labels = {"b", "a"}, .width = 3});
  const auto other = old.extended_by(labelled("label", {std::string("c"), std::string("a")}));
  REQUIRE(other);
  CHECK((other->config().at("labels").get<Names>() == Names{"b", "a", "c"}));
  CHECK_FALSE(old.extended_by(labelled("label", {std::string("a")})));
}

TEST_CASE("Extended: what belongs to no class is none that is new", "[head]") {
  const head::Classifier old({.labels = {"a", "b"}, .rejection = head::RejectionOptions{.label = "none"}, .width = 3});
  CHECK_FALSE(old.extended_by(labelled("label", {std::string("none"), std::string("b")})));
}

TEST_CASE("Extended: scores of a backbone's own layer have no room for more", "[head]") {
  const head::Classifier old({.labels = {"a", "b"}, .own_layer = false});
  CHECK_FALSE(old.extended_by(labelled("label", {std::string("c")})));
}

TEST_CASE("Extended: labels of which a record has several", "[head]") {
  const head::MultiLabel old({.labels = {"late", "lost"}, .positive_weights = {2, 3}, .width = 3});
  learn(old);
  const auto other = old.extended_by(labelled("label", {std::string("torn; late")}));
  REQUIRE(other);
  CHECK((other->config().at("labels").get<Names>() == Names{"late", "lost", "torn"}));
  CHECK((other->config().at("positive_weights").get<std::vector<double>>() == std::vector<double>{2, 3, 1}));
  CHECK(other->parameters()["weight"].narrow(0, 0, 2).equal(old.parameters()["weight"]));
}

TEST_CASE("Extended: kinds of entities, with the kinds of the old labels as they were", "[head]") {
  const head::TokenClassifier old({.labels = {"O", "B-person", "I-person"}, .class_weights = {1, 2, 2}, .width = 4});
  learn(old);
  const auto other = old.extended_by(labelled("tags", {Names{"O", "B-city"}}));
  REQUIRE(other);
  CHECK((other->config().at("labels").get<Names>() == Names{"O", "B-person", "I-person", "B-city", "I-city"}));
  CHECK((other->config().at("class_weights").get<std::vector<double>>() == std::vector<double>{1, 2, 2, 1, 1}));
  CHECK(other->parameters()["weight"].narrow(0, 0, 3).equal(old.parameters()["weight"]));
  CHECK(other->parameters()["bias"].narrow(0, 0, 3).equal(old.parameters()["bias"]));
  CHECK(other->parameters()["bias"][3].item<float>() == 0);
  CHECK_FALSE(old.extended_by(labelled("tags", {Names{"O", "O"}})));  // examples without an entity
}

TEST_CASE("Extended: classes of objects; pyramid, sides and the other steps stay", "[head]") {
  const head::Detector old({.labels = {"cat"},
                            .levels = {"output"},
                            .channels = 8,
                            .convolutions = 1,
                            .maps = {{.width = 4, .stride = 8, .rows = 2, .columns = 2}}});
  learn(old);
  Record record{{{"image", std::string("a.png")}}, "here"};
  const std::vector<GivenBox> boxes{{{0, 0, 4, 4, "dog"}}, {{0, 0, 4, 4, "bird"}, true}};
  set_boxes(record, boxes);
  const auto other = old.extended_by(data::records({record}));
  REQUIRE(other);
  CHECK((other->config().at("labels").get<Names>() == Names{"cat", "dog"}));
  for (const auto& [name, learned] : old.parameters()) {
    INFO(name);
    const at::Tensor its = other->parameters()[name];
    CHECK((name.starts_with("classes_") ? its.narrow(0, 0, 1) : its).equal(learned));
  }
}
