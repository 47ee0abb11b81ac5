#include "graft/head/classifier.h"

#include "gradients.h"
#include "head/builtin.h"
#include "support.h"

using namespace graft;
using head::Classifier;

namespace {

Classifier abc(head::ClassifierOptions options = {}) {
  options.labels = {"c", "a", "b"};
  if (options.width == 0) options.width = 4;
  return Classifier(options);
}

double mean_loss(const Classifier& head, const at::Tensor& logits, const at::Tensor& label) {
  const Terms sums = head.loss({{"logits", logits}}, {{"label", label}});
  const Terms weights = head.weights({{"label", label}});
  const at::Tensor* weight = weights.find("cross_entropy");
  return sums["cross_entropy"].item<double>() / (weight != nullptr ? weight->item<double>() : static_cast<double>(logits.size(0)));
}

at::Tensor target(const Classifier& head, const Value& label) {
  std::vector<Sample> samples(1);
  head.targets({{{"label", label}}, "here:1"}, samples);
  return samples.front().targets["label"];
}

}  // namespace

TEST_CASE("Classifier: losses equal PyTorch's with weights, smoothing and soft targets", "[head]") {
  const Json golden = test::golden("metrics.json");
  for (const Json& problem : golden.at("problems")) {
    const at::Tensor logits = test::tensor_of(problem.at("logits"), at::kDouble), labels = test::tensor_of(problem.at("labels"));
    const auto classes = static_cast<std::size_t>(logits.size(1));
    head::ClassifierOptions plain{.width = 4};
    for (std::size_t i = 0; i < classes; ++i) plain.labels.push_back("class " + std::to_string(i));
    const Json& expected = problem.at("cross_entropy");
    CHECK(mean_loss(Classifier(plain), logits, labels) == Approx(expected.at("plain").at("mean").get<double>()).epsilon(1e-6));
    auto smooth = plain;
    smooth.label_smoothing = 0.1;
    CHECK(mean_loss(Classifier(smooth), logits, labels) == Approx(expected.at("smoothing").at("mean").get<double>()).epsilon(1e-6));
  }
}

TEST_CASE("Classifier: class weights weigh the sum and what it is a sum over", "[head]") {
  const Classifier head = abc({.class_weights = {1, 2, 4}});
  const at::Tensor logits = at::tensor({1.f, 2.f, 3.f, 0.f, 1.f, 0.f}).view({2, 3}), labels = at::tensor({0, 2}, at::kLong);
  const auto negative_log = [&](int row, int label) { return -logits[row].log_softmax(0)[label].item<double>(); };
  CHECK(mean_loss(head, logits, labels) == Approx((negative_log(0, 0) + 4 * negative_log(1, 2)) / 5).epsilon(1e-6));
}

TEST_CASE("Classifier: two half batches sum to one batch", "[head]") {
  const Classifier head = abc();
  const at::Tensor x = at::randn({6, 4}), labels = at::tensor({0, 1, 2, 0, 1, 2}, at::kLong);
  const auto sum = [&](std::int64_t start, std::int64_t count) {
    return head.loss(head.forward({{"pooled", x.narrow(0, start, count)}}), {{"label", labels.narrow(0, start, count)}})["cross_entropy"]
        .item<double>();
  };
  CHECK(sum(0, 6) == Approx(sum(0, 3) + sum(3, 3)).epsilon(1e-6));
}

TEST_CASE("Classifier: gradients agree with finite differences", "[head]") {
  const Classifier head = abc({.hidden = 5});
  const at::Tensor x = at::randn({3, 4}), labels = at::tensor({0, 1, 2}, at::kLong);
  const auto loss = [&] { return head.loss(head.forward({{"pooled", x}}), {{"label", labels}})["cross_entropy"]; };
  test::check_gradients(head, loss, 2e-3);
}

TEST_CASE("Classifier: targets follow the order of the labels", "[head]") {
  const Classifier head = abc();
  CHECK(target(head, std::string("c")).item<int>() == 0);
  CHECK(target(head, std::string("b")).item<int>() == 2);
  SECTION("numbers are names too") {
    const Classifier numbers(head::ClassifierOptions{.labels = {"7", "8"}, .width = 2});
    CHECK(target(numbers, std::int64_t{8}).item<int>() == 1);
  }
  SECTION("probabilities are taken as they are") {
    CHECK(at::equal(target(head, at::tensor({0.5f, 0.25f, 0.25f})), at::tensor({0.5f, 0.25f, 0.25f})));
  }
}

TEST_CASE("Classifier: answers are labels with their probabilities, best first", "[head]") {
  const at::Tensor logits = at::tensor({0.f, 2.f, 1.f}).view({1, 3});
  const auto answer = abc().decode({{"logits", logits}}, Batch{{}, {}, {0}}, {}).at(0);
  CHECK(answer.label == "a");
  CHECK(answer.score == Approx(std::exp(2.0) / (1 + std::exp(1.0) + std::exp(2.0))));
  REQUIRE(answer.top.size() == 3);
  CHECK(answer.top[1].first == "b");
  CHECK(answer.top[2].first == "c");
}

TEST_CASE("Classifier: learns its width and pooling from what the backbone gives", "[head]") {
  const auto built = [](at::IntArrayRef sizes) {
    Classifier head(head::ClassifierOptions{.labels = {"x", "y"}});
    head.build({{"output", at::zeros(sizes)}});
    return std::pair(head.options().width, head.reads().at(0).pooling);
  };
  CHECK((built({2, 9}) == std::pair<std::int64_t, Pooling>(9, Pooling::None)));
  CHECK((built({2, 5, 9}) == std::pair<std::int64_t, Pooling>(9, Pooling::MeanTokens)));
  CHECK((built({2, 9, 4, 4}) == std::pair<std::int64_t, Pooling>(9, Pooling::MeanPixels)));
}

TEST_CASE("Classifier: its config builds it again", "[head]") {
  const Classifier head = abc({.hidden = 3, .class_weights = {1, 2, 3}, .label_smoothing = 0.1});
  const auto again = head::make_builtin(head.config());
  REQUIRE(again != nullptr);
  CHECK(again->config() == head.config());
  CHECK(again->parameters().names() == head.parameters().names());
  CHECK(head::make_builtin({{"type", "somebody else's"}}) == nullptr);
}

TEST_CASE("Classifier: with other labels it keeps what it knows of those that stay", "[head]") {
  const std::int64_t hidden = GENERATE(0, 5);
  const Classifier old = abc({.hidden = hidden, .class_weights = {2, 3, 4}, .label_smoothing = 0.1, .seed = 3});
  {
    const c10::NoGradGuard no_grad;
    for (auto [name, tensor] : old.parameters()) tensor.normal_();
  }
  const Classifier other = old.extended({"a", "new", "c"});  // without "b"
  CHECK((other.options().labels == std::vector<std::string>{"a", "new", "c"}));
  CHECK((other.options().class_weights == std::vector<double>{3, 1, 2}));
  CHECK(at::equal(other.buffers()["class_weights"], at::tensor({3.F, 1.F, 2.F})));
  CHECK(other.options().label_smoothing == 0.1);
  CHECK(other.parameters().names() == old.parameters().names());
  const at::Tensor x = at::randn({6, 4});
  const at::Tensor before = old.forward({{"pooled", x}})["logits"], after = other.forward({{"pooled", x}})["logits"];
  CHECK(at::equal(after.select(1, 0), before.select(1, 1)));
  CHECK(at::equal(after.select(1, 2), before.select(1, 0)));
  CHECK(other.parameters()["weight"][1].abs().max().item<double>() < 0.2);  // drawn
  CHECK(other.parameters()["bias"][1].item<double>() == 0);
  CHECK(other.parameters()["weight"].requires_grad());
  SECTION("and shares nothing with it") {
    const at::Tensor weight = old.parameters()["weight"].detach().clone();
    const c10::NoGradGuard no_grad;
    at::Tensor(other.parameters()["weight"]).zero_();
    CHECK(at::equal(old.parameters()["weight"], weight));
  }
  SECTION("labels that make no sense are refused as at the start") {
    CHECK(test::error_of<ConfigError>([&] { old.extended({"a"}); }).code() == "graft-C012");
  }
}

TEST_CASE("Classifier: the same seed gives the same weights", "[head]") {
  CHECK(at::equal(abc({.seed = 3}).parameters()["weight"], abc({.seed = 3}).parameters()["weight"]));
  CHECK_FALSE(at::equal(abc({.seed = 3}).parameters()["weight"], abc({.seed = 4}).parameters()["weight"]));
}

TEST_CASE("Classifier says what is wrong with options and labels, all at once", "[head][error]") {
  SECTION("options") {
    const auto error = test::error_of<ConfigError>([] {
      Classifier(head::ClassifierOptions{.labels = {"a"}, .dropout = 1.5, .class_weights = {1, 2}});
    });
    CHECK(error.problems().size() == 3);
    CHECK(error.message().find("at least two labels") != std::string::npos);
  }
  SECTION("a label that is not among them, with the near one and the place") {
    const Classifier head(head::ClassifierOptions{.labels = {"refund", "delivery"}, .width = 2});
    const auto error = test::error_of<DataError>([&] { target(head, std::string("refnd")); });
    CHECK(error.code() == "graft-D017");
    CHECK(error.place() == "here:1");
    CHECK(error.remedy() == "Did you mean \"refund\"?");
  }
  SECTION("probabilities of another number") {
    CHECK(test::error_of<DataError>([] { target(abc(), at::ones({2})); }).code() == "graft-D016");
  }
  SECTION("a width that does not fit says what the backbone gives") {
    Classifier head = abc();
    const auto error = test::error_of<ModelError>([&] { head.build({{"output", at::zeros({2, 7, 9})}}); });
    CHECK(error.code() == "graft-M010");
    CHECK(error.message().find("a width of 4 is wanted, the backbone gives 9 ([2, 7, 9], mean_tokens)") != std::string::npos);
  }
  SECTION("an output of no usable shape") {
    Classifier head(head::ClassifierOptions{.labels = {"x", "y"}});
    CHECK(test::error_of<ModelError>([&] { head.build({{"output", at::zeros({2})}}); }).code() == "graft-M009");
  }
}
