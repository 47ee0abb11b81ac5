#include "graft/head/multilabel.h"

#include <cmath>

#include "gradients.h"
#include "graft/data/tensors.h"
#include "head/builtin.h"
#include "support.h"

using namespace graft;
using head::MultiLabel;
using List = std::vector<std::string>;

namespace {

MultiLabel colours(head::MultiLabelOptions options = {}) {
  options.labels = {"red", "green", "blue"};
  if (options.width == 0) options.width = 4;
  return MultiLabel(options);
}

std::vector<float> target(const MultiLabel& head, std::map<std::string, Value> values) {
  std::vector<Sample> samples(1);
  head.targets({std::move(values), "here:1"}, samples);
  const at::Tensor labels = samples.front().targets["labels"];
  REQUIRE(labels.scalar_type() == at::kFloat);
  return {labels.const_data_ptr<float>(), labels.const_data_ptr<float>() + labels.numel()};
}

Decoded answer(const MultiLabel& head, std::vector<float> logits) {
  return head.decode({{"logits", at::tensor(logits).unsqueeze(0)}}, Batch{{}, {}, {0}}, {}).at(0);
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

using Floats = std::vector<float>;

}  // namespace

TEST_CASE("MultiLabel: the loss equals PyTorch's, with and without positive weights", "[head]") {
  const Json golden = test::golden("multilabel.json");
  const at::Tensor logits = test::tensor_of(golden.at("logits"), at::kDouble), labels = test::tensor_of(golden.at("labels")).to(at::kFloat);
  for (const bool weighted : {false, true}) {
    head::MultiLabelOptions options{.labels = {"a", "b", "c", "d", "e"}};
    if (weighted) options.positive_weights = golden.at("positive_weights").get<std::vector<double>>();
    const auto terms = loss_terms(MultiLabel(options), {{"logits", logits}}, {{"labels", labels}}, logits.size(0));
    REQUIRE(terms.size() == 1);
    const Json& expected = golden.at("binary_cross_entropy").at(weighted ? "weighted" : "plain");
    CHECK(terms[0].weight.item<double>() == 300);
    CHECK(terms[0].sum.item<double>() == Approx(expected.at("sum").get<double>()).epsilon(1e-6));
    CHECK(terms[0].sum.item<double>() / terms[0].weight.item<double>() == Approx(expected.at("mean").get<double>()).epsilon(1e-6));
  }
}

TEST_CASE("MultiLabel: targets are read from texts, lists, shares and columns", "[head]") {
  const MultiLabel head = colours();
  CHECK((target(head, {{"label", std::string("blue; red")}}) == Floats{1, 0, 1}));
  CHECK((target(head, {{"label", std::string(" ;green;;")}}) == Floats{0, 1, 0}));
  CHECK((target(head, {{"label", std::string()}}) == Floats{0, 0, 0}));
  CHECK((target(head, {{"label", List{"green", "blue"}}}) == Floats{0, 1, 1}));
  CHECK((target(head, {{"label", List{}}}) == Floats{0, 0, 0}));
  CHECK((target(head, {{"label", at::tensor({0.5F, 0.F, 1.F})}}) == Floats{0.5, 0, 1}));
  CHECK((target(head, {{"label", at::tensor({1, 0, 1}, at::kLong)}}) == Floats{1, 0, 1}));
  CHECK((target(colours({.separator = ", "}), {{"label", std::string("red, blue")}}) == Floats{1, 0, 1}));
  const MultiLabel columns(head::MultiLabelOptions{.columns = {"is_a", "is_b"}});
  CHECK((columns.options().labels == List{"is_a", "is_b"}));
  CHECK((target(columns, {{"is_a", std::string("1")}, {"is_b", std::int64_t{0}}}) == Floats{1, 0}));
  CHECK((target(colours({.columns = {"r", "g", "b"}}), {{"r", 0.0}, {"g", 1.0}, {"b", 0.25}}) == Floats{0, 1, 0.25}));
}

TEST_CASE("MultiLabel: an answer is its labels in their order, none is told as such", "[head]") {
  const MultiLabel head = colours();
  const Decoded two = answer(head, {1, -2, 3});
  CHECK(two.label == "red;blue");
  CHECK(two.score == Approx(sigmoid(1)));  // the least sure of its three decisions
  REQUIRE(two.top.size() == 3);
  CHECK(two.top[0].first == "blue");
  CHECK(two.top[0].second == Approx(sigmoid(3)));
  CHECK(two.top[2].first == "green");
  MultiLabel brief = colours();
  brief.set_top(1);
  CHECK(answer(brief, {1, -2, 3}).top.size() == 1);
  const Decoded none = answer(head, {-1, -2, -3});
  CHECK(none.label == MultiLabel::no_labels);
  CHECK(none.score == Approx(1 - sigmoid(-1)));
  CHECK(answer(colours({.separator = ", ", .threshold = 0.1}), {-1, -2, -3}).label == "red, green");
}

TEST_CASE("MultiLabel: truths have the form of answers", "[head]") {
  const MultiLabel head = colours();
  CHECK(head.truth({{{"label", std::string("blue;red")}}, ""}) == "red;blue");
  CHECK(head.truth({{{"label", List{}}}, ""}) == MultiLabel::no_labels);
  CHECK(head.truth({{{"text", std::string("x")}}, ""}).empty());
  CHECK(MultiLabel(head::MultiLabelOptions{.columns = {"a", "b"}}).truth({{{"a", 1.0}, {"b", 0.5}}, ""}) == "a");
  CHECK_FALSE(head.has_classes());
}

TEST_CASE("MultiLabel: the labels of data are collected from texts and lists", "[head]") {
  const Data data = data::tensors({{"id", at::arange(3)}}).map([](Record record) {
    const std::string id = record.text("id");
    record.values["label"] = id == "0" ? Value("b; a") : id == "1" ? Value(List{"c d", "a"}) : Value("");
    return record;
  });
  CHECK((MultiLabel::labels_of(data, "label") == List{"a", "b", "c d"}));
  CHECK(test::error_of<DataError>([&] { MultiLabel::labels_of(data, "labels"); }).code() == "graft-D004");
}

TEST_CASE("MultiLabel: gradients agree with finite differences", "[head]") {
  const MultiLabel head = colours({.positive_weights = {1, 2, 0.5}, .hidden = 5});
  const at::Tensor x = at::randn({3, 4}), labels = at::tensor({1.F, 0.F, 1.F, 0.F, 0.F, 1.F, 0.F, 0.F, 0.F}).view({3, 3});
  const auto loss = [&] { return head.loss(head.forward({{"pooled", x}}), {{"labels", labels}})["binary_cross_entropy"]; };
  test::check_gradients(head, loss, 2e-3);
}

TEST_CASE("MultiLabel: its config builds it again", "[head]") {
  const MultiLabel head = colours({.separator = "|", .threshold = 0.4, .positive_weights = {1, 2, 3}, .hidden = 3});
  const auto again = head::make_builtin(head.config());
  REQUIRE(again != nullptr);
  CHECK(again->config() == head.config());
  CHECK(again->parameters().names() == head.parameters().names());
  CHECK(again->buffers().names() == List{"positive_weights"});
  CHECK_FALSE(again->linear().has_value());
  CHECK(colours().linear().has_value());
}

TEST_CASE("MultiLabel says what is wrong with options and records", "[head][error]") {
  SECTION("options, all at once") {
    const auto error = test::error_of<ConfigError>([] {
      MultiLabel(head::MultiLabelOptions{.labels = {"a", "a"}, .threshold = 1, .positive_weights = {1, 2, 0}, .dropout = 1});
    });
    CHECK(error.code() == "graft-C012");
    CHECK(error.problems().size() == 5);
    CHECK(error.message() == "[MultiLabel] labels, at least one and all different, are wanted, got 2: \"a\", \"a\".");
  }
  SECTION("labels that would not come back from a text") {
    for (const std::string label : {"a;b", "", "(none)"}) {
      const auto error = test::error_of<ConfigError>([&] { MultiLabel(head::MultiLabelOptions{.labels = {"x", label}}); });
      CHECK(error.problems().size() == 1);
      CHECK(error.message().find("got the separator \";\" and the label \"" + label + "\".") != std::string::npos);
    }
    CHECK_THROWS_AS(MultiLabel(head::MultiLabelOptions{.labels = {"x"}, .separator = ""}), ConfigError);
    CHECK_THROWS_AS(MultiLabel(head::MultiLabelOptions{.labels = {"x"}, .columns = {"x", "y"}}), ConfigError);
  }
  SECTION("a label that is not among them") {
    const auto error = test::error_of<DataError>([] { target(colours(), {{"label", std::string("red;gren")}}); });
    CHECK(error.code() == "graft-D017");
    CHECK(error.message() == "[MultiLabel] one of the 3 labels is wanted, got \"gren\".");
    CHECK(error.place() == "here:1");
  }
  SECTION("a column that is neither 0 nor 1") {
    const MultiLabel columns(head::MultiLabelOptions{.columns = {"a"}});
    const auto error = test::error_of<DataError>([&] { target(columns, {{"a", std::int64_t{2}}}); });
    CHECK(error.code() == "graft-D024");
    CHECK(error.message() == "[MultiLabel] 0 or 1, or a share between them, is wanted in \"a\", got 2.000000.");
    CHECK(error.remedy() == "Write 1 where the record has the label and 0 where it has not.");
    CHECK(test::error_of<DataError>([&] { target(columns, {{"a", std::string("yes")}}); }).code() == "graft-D023");
    CHECK(test::error_of<DataError>([&] { target(columns, {{"b", std::string("1")}}); }).code() == "graft-D004");
  }
  SECTION("shares of another number") {
    CHECK(test::error_of<DataError>([] { target(colours(), {{"label", at::zeros({2})}}); }).code() == "graft-D016");
  }
}
