#include "train/numerics.h"

#include <functional>

#include "graft/data/tensor_inputs.h"
#include "graft/data/tensors.h"
#include "graft/graft.h"
#include "graph/network.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

/// Hands one window on, as the streams of a run do.
class OneWindow final : public train::Stream {
 public:
  explicit OneWindow(const Model& model) : model_(model) {}
  void begin(int, std::int64_t) override {}
  const train::Window* next() override { return nullptr; }
  Fields features(const train::Piece& piece) const override { return model_.features(piece.inputs); }
  std::int64_t steps_per_epoch() const override { return 1; }

 private:
  const Model& model_;
};

/// Scores and loss by functions, from [N, 16] and two parameters.
class Odd final : public Head {
 public:
  using Function = std::function<at::Tensor(const at::Tensor&)>;
  Odd(Function scores, Function loss) : scores_(std::move(scores)), loss_(std::move(loss)) {
    scale_ = parameter("scale", at::ones({16}));
    shift_ = parameter("shift", at::zeros({16}));
  }
  std::vector<Feature> reads() const override { return {{.name = "pooled"}}; }
  void targets(const Record&, std::span<Sample> samples) const override {
    for (Sample& sample : samples) sample.targets.set("answer", at::zeros({}));
  }
  Fields forward(const Fields& features) const override { return {{"scores", scores_(features["pooled"] * scale_) + shift_}}; }
  Terms loss(const Fields& outputs, const Fields&) const override { return {{"odd", loss_(outputs["scores"])}}; }
  Json config() const override { return {{"type", "odd"}}; }

 private:
  Function scores_, loss_;
  at::Tensor scale_, shift_;
};

Model model_of(Odd head, const Freeze& freeze = Freeze::none()) {
  return Model(Backbone::load(test::golden_path("vision_script.pt")), std::move(head), TensorInputs({{"x", at::zeros({3, 16, 16})}}),
               {.freeze = freeze, .device = "cpu"});
}

at::Tensor same(const at::Tensor& x) { return x; }
at::Tensor sum(const at::Tensor& x) { return x.sum(); }

at::Tensor& parameter_of(std::vector<std::pair<std::string, at::Tensor>>& tensors, const std::string& name) {
  const auto found = std::ranges::find(tensors, name, &std::pair<std::string, at::Tensor>::first);
  REQUIRE(found != tensors.end());
  return found->second;
}

/// Of a window of two pieces, with records 10 to 13 and 20 to 22.
NumericsError error_in(Model& model, const at::Tensor& first, const at::Tensor& second, const Fields& targets = {},
                       Precision steps = Precision::Auto) {
  train::Window window;
  for (const at::Tensor& x : {first, second}) {
    Fields own{{"answer", at::zeros({x.size(0)})}};
    window.pieces.push_back({{{"x", x}}, targets.begin() == targets.end() ? own : rows(targets, at::arange(x.size(0))), x.size(0)});
  }
  window.records = {10, 11, 12, 13, 20, 21, 22};
  model.set_training(true);
  const NumericsError error = train::not_finite(model, OneWindow(model), window, {.step = 6, .lr = 0.5}, steps);
  for (const auto& [name, tensor] : model.trainable()) CHECK_FALSE(tensor.grad().defined());
  CHECK(error.code() == "graft-N001");
  CHECK_FALSE(error.remedy().empty());
  INFO(error.what());
  CHECK(error.message().find("at step 7 (lr 0.5") != std::string::npos);
  return error;
}

std::string told(Model& model, const at::Tensor& first, const at::Tensor& second, const Fields& targets = {}) {
  return error_in(model, first, second, targets).message();
}

std::string told(Model& model) { return told(model, at::rand({4, 3, 16, 16}), at::rand({3, 3, 16, 16})); }

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("Numerics: the first bad tensor on the way is named, with its records", "[train][error]") {
  SECTION("a parameter, of the backbone or the head") {
    Model model = model_of(Odd(same, sum));
    const std::string name = GENERATE(as<std::string>(), "backbone.layer1.0.bn1.bias", "head.scale");
    auto trainable = model.trainable();
    at::Tensor(parameter_of(trainable, name).detach())[2] = NAN;
    CHECK(contains(told(model), "the parameter \"" + name + "\" holds numbers that are not finite since an earlier step"));
  }
  SECTION("what is read, by its record alone") {
    Model model = model_of(Odd(same, sum));
    at::Tensor second = at::rand({3, 3, 16, 16});
    second[1][0][0][0] = NAN;
    const std::string message = told(model, at::rand({4, 3, 16, 16}), second);
    CHECK(contains(message, "training records 21): what is read holds numbers that are not finite, in \"x\""));
  }
  SECTION("a target") {
    Model model = model_of(Odd(same, sum));
    at::Tensor answer = at::zeros({4});
    answer[3] = INFINITY;
    const std::string message = told(model, at::rand({4, 3, 16, 16}), at::rand({3, 3, 16, 16}), {{"answer", answer}});
    CHECK(contains(message, "training records 13): the target \"answer\" holds"));
  }
  SECTION("the output of a layer, by frozen weights and by inputs that are too large") {
    const Freeze freeze = GENERATE(Freeze::none(), Freeze::up_to("layer1"));
    Model model = model_of(Odd(same, sum), freeze);
    at::Tensor first = at::rand({4, 3, 16, 16});
    first[2].fill_(3e38);
    const std::string message = told(model, first, at::rand({3, 3, 16, 16}));
    CHECK(contains(message, "the output of the layer \"conv1\" is the first that is not finite"));
    CHECK(contains(message, "12"));
  }
  SECTION("an output of the head") {
    Model model = model_of(Odd([](const at::Tensor& x) { return (x * 0 - 1).log(); }, sum));
    CHECK(contains(told(model), "the head's output \"scores\" is the first that is not finite, its features are"));
  }
  SECTION("a term of the loss") {
    Model model = model_of(Odd(same, [](const at::Tensor& x) { return (x * 0 - 1).log().sum(); }));
    CHECK(contains(told(model), "the loss term \"odd\" is the first that is not finite, the outputs are"));
  }
  SECTION("a gradient: the one nearest to the loss, though all below it are bad too") {
    Model model = model_of(Odd([](const at::Tensor& x) { return (x * 0).sqrt(); }, sum));
    CHECK(contains(told(model), "the gradient of \"head.scale\" is the nearest to the loss that is not finite, the loss is"));
  }
  SECTION("nothing, the second time") {
    Model model = model_of(Odd(same, sum));
    CHECK(contains(told(model), "in a second run of the same batch all is finite"));
  }
}

TEST_CASE("Numerics: float32 is proposed where the run has anything else", "[train][error]") {
  const auto remedy = [](Precision steps) {
    Model model = model_of(Odd(same, sum));
    return error_in(model, at::full({4, 3, 16, 16}, 3e38), at::rand({3, 3, 16, 16}), {}, steps).remedy();
  };
  for (const Precision steps : {Precision::Auto, Precision::Float32}) CHECK(remedy(steps).starts_with("Try a lower learning rate"));
  for (const Precision steps : {Precision::BFloat16, Precision::Float16}) CHECK(remedy(steps).starts_with("Try --precision fp32, a lower"));
}

TEST_CASE("Numerics: the records of a stored set are named", "[train][error]") {
  const Freeze freeze = GENERATE(Freeze::all(), Freeze::up_to("layer1"));
  at::Tensor x = at::rand({12, 3, 16, 16}), answer = at::zeros({12});
  x[7].fill_(3e38);
  Model model = model_of(Odd(same, sum), freeze);
  const TrainerOptions options{.epochs = 1, .batch_size = 4, .precision = Precision::Float32, .seed = 5};
  const auto error = test::error_of<NumericsError>([&] {
    Trainer(options).fit(model, {data::tensors({{"x", x}, {"answer", answer}}), {}, {}});
  });
  INFO(error.what());
  CHECK(contains(error.message(), "; training records 7)"));
}

TEST_CASE("Numerics: an infinite frozen weight is told by its layer", "[train][error]") {
  const Backbone sound = Backbone::load(test::golden_path("vision_script.pt"));
  std::vector<std::pair<std::string, at::Tensor>> weights;
  for (const auto& [name, tensor] : sound.network().parameters()) {
    weights.emplace_back(name, tensor.clone());
    if (name == "layer1.0.conv2.weight") weights.back().second.view(-1)[0] = INFINITY;
  }
  Model model(Backbone(sound.network().with_tensors(weights)), Odd(same, sum), TensorInputs({{"x", at::zeros({3, 16, 16})}}),
              {.freeze = Freeze::up_to("layer1"), .device = "cpu"});
  CHECK(contains(told(model), "the output of the layer \"layer1.0.conv2\" is the first that is not finite"));
}

TEST_CASE("Numerics: a run tells a gradient that is no number by its origin, though clipping spoils all", "[train][error]") {
  Model model = model_of(Odd([](const at::Tensor& x) { return (x * 0).sqrt(); }, sum));
  const auto error = test::error_of<NumericsError>([&] { Trainer({.batch_size = 4}).fit(model, {test::toy_pictures(8), {}, {}}); });
  INFO(error.what());
  CHECK(contains(error.message(), "the gradient of \"head.scale\" is the nearest to the loss"));
  CHECK(contains(error.message(), "at step 1 (lr"));
}

TEST_CASE("Numerics: a run whose rate is far too high says so, and moves nothing by it", "[train][error]") {
  Model model = model_of(Odd(same, [](const at::Tensor& x) { return x.square().sum(); }));
  const auto error = test::error_of<NumericsError>([&] {
    Trainer({.epochs = 40, .batch_size = 4, .lr = 1e25, .schedule = Schedule(Schedule::Kind::Constant)})
        .fit(model, {test::toy_pictures(16), {}, {}});
  });
  INFO(error.what());
  CHECK(contains(error.remedy(), "ower learning rate") + contains(error.remedy(), "ower the learning rate") == 1);
  CHECK(contains(error.message(), "(lr 1.25e+24"));
}

TEST_CASE("Numerics: a batch without a target that counts ends the run, not in silence", "[train][error]") {
  const Freeze freeze = GENERATE(Freeze::all(), Freeze::none());
  Model model(Backbone::load(test::golden_path("vision_script.pt")), head::Classifier({.labels = {"0", "1"}, .class_weights = {0, 1}}),
              TensorInputs({{"x", at::zeros({3, 16, 16})}}), {.freeze = freeze, .device = "cpu"});
  at::Tensor labels = at::zeros({16}, at::kLong);
  labels[15] = 1;
  const Splits data{data::tensors({{"x", at::rand({16, 3, 16, 16})}, {"label", labels}}), {}, {}};
  const auto error = test::error_of<NumericsError>([&] { Trainer({.batch_size = 4, .shuffle = false}).fit(model, data); });
  INFO(error.what());
  CHECK(error.code() == "graft-N001");
  CHECK(contains(error.message(), "\"cross_entropy\" is a mean over nothing: no record of the batch has a target that counts"));
  CHECK(contains(error.remedy(), "weight above 0"));
  CHECK(contains(error.message(), "training records 0, 1, 2, 3"));
}
