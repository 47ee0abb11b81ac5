#include "graft/head/head.h"

#include "head/builtin.h"
#include "support.h"

using namespace graft;

namespace {

class Plain final : public Head {
 public:
  explicit Plain(const std::string& name = "weight") : weight_(parameter(name, at::ones({2, 3}))), scale_(buffer("scale", at::ones({1}))) {}
  std::vector<Feature> reads() const override { return {{.name = "x"}}; }
  void targets(const Record&, std::span<Sample>) const override {}
  Fields forward(const Fields& features) const override { return {{"y", at::linear(dropout(features["x"], 0.5), weight_) * scale_}}; }
  Terms loss(const Fields& outputs, const Fields&) const override { return {{"sum", outputs["y"].sum()}}; }
  Json config() const override { return {{"type", "plain"}}; }

 private:
  at::Tensor weight_, scale_;
};

}  // namespace

TEST_CASE("Head: parameters train, buffers do not, both by name", "[head]") {
  const Plain head;
  CHECK(head.parameters().names() == std::vector<std::string>{"weight"});
  CHECK(head.buffers().names() == std::vector<std::string>{"scale"});
  CHECK(head.parameters()["weight"].requires_grad());
  CHECK_FALSE(head.buffers()["scale"].requires_grad());
}

TEST_CASE("Head: moving it keeps its tensors", "[head]") {
  Plain head;
  const at::Tensor weight = head.parameters()["weight"];
  const Plain moved = std::move(head);
  CHECK(moved.parameters()["weight"].is_same(weight));
}

TEST_CASE("Head: dropout acts in training only", "[head]") {
  Plain head;
  const Fields features{{"x", at::ones({64, 3})}};
  CHECK(at::equal(head.forward(features)["y"], at::full({64, 2}, 3.0)));
  head.set_training(true);
  CHECK_FALSE(at::equal(head.forward(features)["y"], at::full({64, 2}, 3.0)));
}

TEST_CASE("Head: the default answer is the outputs, one sample each", "[head]") {
  const Plain head;
  const auto answers = head.decode({{"y", at::arange(4, at::kFloat).view({2, 2})}}, Batch{{}, {}, {0, 1}}, {});
  REQUIRE(answers.size() == 2);
  CHECK(answers[1].label.empty());
  CHECK(answers[1].values["y"][1].item<float>() == 3);
}

TEST_CASE("Head: a term without a weight of its own is a sum over the rows", "[head]") {
  class Weighted final : public Head {
    std::vector<Feature> reads() const override { return {}; }
    void targets(const Record&, std::span<Sample>) const override {}
    Fields forward(const Fields&) const override { return {}; }
    Terms loss(const Fields& outputs, const Fields&) const override {
      return {{"rows", outputs["y"].sum()}, {"tokens", outputs["y"].sum() * 2}};
    }
    Terms weights(const Fields& targets) const override { return {{"tokens", targets["mask"].sum()}}; }
    Json config() const override { return {}; }
  };
  const at::Tensor y = at::ones({3}).requires_grad_(true);
  const auto terms = loss_terms(Weighted(), {{"y", y}}, {{"mask", at::full({3, 2}, 5.0)}}, 3);
  REQUIRE(terms.size() == 2);
  CHECK(terms[0].name == "rows");
  CHECK(terms[0].sum.item<double>() == 3);
  CHECK(terms[0].weight.item<double>() == 3);
  CHECK(terms[1].sum.item<double>() == 6);
  CHECK(terms[1].weight.item<double>() == 30);
  CHECK(terms[1].sum.requires_grad());
}

TEST_CASE("Head: names that cannot be attributes are refused", "[head][error]") {
  for (const std::string name : {"a.b", "", "scale", "training"}) {
    const auto error = test::error_of<ConfigError>([&] { Plain{name}; });
    CHECK(error.code() == "graft-C011");
  }
}

TEST_CASE("Head: features are pooled from outputs and masks by name", "[head]") {
  const Fields outputs{{"output.0", at::ones({1, 2, 3})}, {"output.1", at::full({1, 3}, 7.0)}};
  const Fields features =
      head::features_of({{.name = "a", .pooling = Pooling::MeanTokens, .mask = "m"}, {.name = "b", .from = "output.1"}}, outputs, {});
  CHECK(features["a"].sizes() == at::IntArrayRef({1, 3}));
  CHECK(features["b"][0][0].item<float>() == 7);
  SECTION("an unpooled feature brings its mask, all ones where the batch has none") {
    CHECK(head::features_of({{.name = "t", .mask = "m"}}, outputs, {})["m"].sum().item<int>() == 2);
  }
  SECTION("an output that is not there") {
    const auto error = test::error_of<ModelError>([&] { head::output_of(outputs, "layer4"); });
    CHECK(error.code() == "graft-M011");
    CHECK(error.message().find("\"output.1\" [1, 3]") != std::string::npos);
  }
}
