#include "train/preflight.h"

#include <functional>

#include "graft/data/tensor_inputs.h"
#include "graft/data/tensors.h"
#include "graft/graft.h"
#include "halves.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

/// A user's head on [N, 16], of a target and a loss that are wrong in some way.
class Odd final : public Head {
 public:
  using Target = std::function<at::Tensor(const Record&)>;
  using Loss = std::function<at::Tensor(const at::Tensor& scores, const at::Tensor& target)>;
  Odd(Target target, Loss loss)
      : target_(std::move(target)), loss_(std::move(loss)), weight_(parameter("weight", at::full({3, 16}, 0.1))) {}
  std::vector<Feature> reads() const override { return {{.name = "pooled"}}; }
  void targets(const Record& record, std::span<Sample> samples) const override {
    for (Sample& sample : samples) sample.targets.set("answer", target_(record));
  }
  Fields forward(const Fields& features) const override { return {{"scores", at::linear(features["pooled"], weight_)}}; }
  Terms loss(const Fields& outputs, const Fields& targets) const override { return {{"odd", loss_(outputs["scores"], targets["answer"])}}; }
  Json config() const override { return {{"type", "odd"}}; }

 private:
  Target target_;
  Loss loss_;
  at::Tensor weight_;
};

Model odd_model(Odd head, const Freeze& freeze = Freeze::all()) {
  return Model(Backbone::load(test::golden_path("vision_script.pt")), std::move(head), TensorInputs({{"x", at::zeros({3, 16, 16})}}),
               {.freeze = freeze, .device = "cpu"});
}

at::Tensor label_of(const Record& record) { return at::scalar_tensor(std::get<std::int64_t>(record.values.at("label")), at::kLong); }
at::Tensor cross_entropy(const at::Tensor& scores, const at::Tensor& target) {
  return at::cross_entropy_loss(scores, target, {}, at::Reduction::Sum);
}

Data pictures_of(const at::Tensor& x) { return data::tensors({{"x", x}, {"label", at::arange(x.size(0)) % 3}}, "pictures"); }

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("Preflight: all problems are told at once, each with its kind and place", "[train][error]") {
  Model model = test::toy_model(Freeze::matching({"*"}));
  const Data wrong = test::toy_messages(6).map([](Record record) {
    record.values["queue"] = std::string("D");
    return record;
  });
  const auto error = test::error_of<ConfigError>([&] { train::preflight(model, {wrong, {}, {}}); });
  REQUIRE(error.problems().size() == 7);
  CHECK(error.problems()[0].code == "graft-C021");
  CHECK(error.problems()[6].code == "graft-D017");
  CHECK(error.problems()[6].place == "toy:5");
}

TEST_CASE("Preflight: records that the network cannot take are told with what to do about them", "[train][error]") {
  struct Case {
    at::Tensor x;
    std::string message, remedy;
  };
  const auto wrong = GENERATE(Case{at::rand({4, 16, 16, 3}), "to have 3 channels, but got 16", "permute({2, 0, 1})"},
                              Case{at::rand({4, 1, 16, 16}), "to have 3 channels, but got 1", "with_input_channels"},
                              Case{at::zeros({4, 3, 16, 16}, at::kByte), "\"x\" [2, 3, 16, 16] of Byte", "from bytes to float32"},
                              Case{at::zeros({4, 3, 16, 16}, at::kDouble),
                                   "of Double; the preprocessing's example \"x\" [2, 3, 16, 16] of Float", "x.to(at::kFloat)"},
                              Case{at::rand({4, 16, 16}), "\"x\" [2, 16, 16]", "to the shape [3, 16, 16]"});
  const Freeze freeze = GENERATE(Freeze::all(), Freeze::none());
  Model model = test::toy_vision_model(freeze);
  const auto error = test::error_of<DataError>([&] { train::preflight(model, {pictures_of(wrong.x), {}, {}}); });
  INFO(error.what());
  CHECK(error.problems().size() == 1);
  CHECK(error.code() == "graft-D027");
  CHECK(error.place() == "pictures:0, pictures:1");
  CHECK(contains(error.message(), wrong.message));
  CHECK(contains(error.remedy(), wrong.remedy));
}

TEST_CASE("Preflight: numbers that are none are told by their records", "[train][error]") {
  Model model = test::toy_vision_model();
  at::Tensor x = at::rand({9, 3, 16, 16});
  x[7][0][3][3] = NAN;
  x[8][2][0][0] = INFINITY;
  const auto error = test::error_of<DataError>([&] { train::preflight(model, {pictures_of(x), {}, {}}); });
  REQUIRE(error.problems().size() == 2);
  CHECK(error.code() == "graft-D028");
  CHECK(error.place() == "pictures:7");
  CHECK(error.problems()[1].place == "pictures:8");
}

TEST_CASE("Preflight: large numbers whose sum overflows are numbers", "[train]") {
  const graph::Network network = test::network_of("def forward(self, x):\n    return x * 1e-36\n", {});
  Model model(Backbone(network), head::Classifier({.labels = {"0", "1", "2"}}), TensorInputs({{"x", at::zeros({900})}}), {.device = "cpu"});
  const at::Tensor x = at::full({3, 900}, 1e36);
  REQUIRE_FALSE(x[0].sum().isfinite().item<bool>());
  CHECK_NOTHROW(train::preflight(model, {pictures_of(x), {}, {}}));
}

TEST_CASE("Preflight: a backbone that gives no numbers is told with the layer", "[train][error]") {
  const Backbone sound = Backbone::load(test::golden_path("vision_script.pt"));
  std::vector<std::pair<std::string, at::Tensor>> weights;
  for (const auto& [name, tensor] : sound.network().parameters()) {
    weights.emplace_back(name, tensor.clone());
    if (name == "layer1.1.conv2.weight") weights.back().second.view(-1)[5] = INFINITY;
  }
  Model model(Backbone(sound.network().with_tensors(weights)), head::Classifier({.labels = {"0", "1", "2"}}),
              TensorInputs({{"x", at::zeros({3, 16, 16})}}), {.device = "cpu"});
  const auto error = test::error_of<ModelError>([&] { train::preflight(model, {test::toy_pictures(6), {}, {}}); });
  INFO(error.what());
  CHECK(error.code() == "graft-M028");
  CHECK(contains(error.message(), "the layer \"layer1.1.conv2\""));
  CHECK(contains(error.message(), "The parameter \"layer1.1.conv2.weight\""));
  CHECK(error.place() == "pictures:0, pictures:1");
}

TEST_CASE("Preflight: a user's head that is wrong about its targets is told before the first step", "[train][error]") {
  const Data data = test::toy_pictures(6);
  const auto told = [&](Odd head) {
    Model model = odd_model(std::move(head));
    return test::error_of<Error>([&] { train::preflight(model, {data, {}, {}}); });
  };
  SECTION("the type of labels") {
    const auto error = told(Odd([](const Record& r) { return label_of(r).to(at::kFloat); }, cross_entropy));
    CHECK(error.code() == "graft-M027");
    CHECK(contains(error.message(), "loss() fails on the first training records"));
    CHECK(contains(error.message(), "\"answer\" [2] of Float"));
    CHECK(contains(error.remedy(), "at::kLong"));
  }
  SECTION("labels beyond the classes") {
    const auto error = told(Odd([](const Record& r) { return label_of(r) + 7; }, cross_entropy));
    CHECK(error.code() == "graft-M027");
    CHECK(contains(error.message(), "out of bounds"));
    CHECK(contains(error.remedy(), "counted from 0"));
    CHECK(error.place() == "pictures:0, pictures:1");
  }
  SECTION("labels [N, 1]") {
    const auto error = told(Odd([](const Record& r) { return label_of(r).unsqueeze(0); }, cross_entropy));
    CHECK(error.code() == "graft-M027");
    CHECK(contains(error.message(), "\"answer\" [2, 1] of Long"));
    CHECK(contains(error.remedy(), "without the batch dimension"));
  }
  SECTION("a loss that is not one number") {
    const auto error =
        told(Odd(label_of, [](const at::Tensor& s, const at::Tensor& t) { return at::cross_entropy_loss(s, t, {}, at::Reduction::None); }));
    CHECK(error.code() == "graft-M027");
    CHECK(contains(error.message(), "one number is wanted of the loss term \"odd\", got [2]"));
  }
  SECTION("a loss that is not finite") {
    const auto error = told(Odd(label_of, [](const at::Tensor& s, const at::Tensor&) { return (s.abs() * -1 - 1).log().sum(); }));
    CHECK(error.code() == "graft-N001");
    CHECK(contains(error.message(), "the loss term \"odd\" is not finite on the first training records"));
  }
  SECTION("targets without anything that counts") {
    Model model(Backbone::load(test::golden_path("vision_script.pt")),
                head::Classifier({.labels = {"0", "1", "2", "3"}, .class_weights = {0, 0, 0, 1}}),
                TensorInputs({{"x", at::zeros({3, 16, 16})}}), {.device = "cpu"});
    CHECK(test::error_of<DataError>([&] { train::preflight(model, {data, {}, {}}); }).code() == "graft-D030");
  }
}

TEST_CASE("Preflight: a loss that is no sum over its rows is a warning of a run", "[train]") {
  std::vector<std::string> said;
  set_log_sink([&](LogLevel, std::string_view text) { said.emplace_back(text); });
  const auto warned = [&](const Odd::Loss& loss) {
    said.clear();
    Model model = odd_model(Odd([](const Record& r) { return label_of(r).to(at::kFloat).unsqueeze(0); }, loss));
    const TrainerOptions options;
    train::preflight(model, {test::toy_pictures(6), {}, {}}, {.run = &options});
    return std::ranges::count_if(said, [](const std::string& text) { return contains(text, "graft-W010"); });
  };
  CHECK(warned([](const at::Tensor& s, const at::Tensor& t) { return (s.select(1, 0) - t).square().sum(); }) == 1);  // [N] - [N, 1]
  CHECK(warned([](const at::Tensor& s, const at::Tensor& t) { return (s.select(1, 0) - t.squeeze(1)).square().mean(); }) == 1);
  CHECK(warned([](const at::Tensor& s, const at::Tensor& t) { return (s.select(1, 0) - t.squeeze(1)).square().sum(); }) == 0);
  set_log_sink({});
}

TEST_CASE("Preflight: nothing that trains is told, of a run", "[train][error]") {
  const TrainerOptions options;
  Model model(Backbone::load(test::golden_path("mlp_dict_script.pt")),
              head::Classifier({.labels = {"0", "1", "2"}, .own_layer = false, .from = "logits"}), TensorInputs({{"x", at::zeros({5})}}),
              {.device = "cpu"});
  const Splits data{data::tensors({{"x", at::rand({6, 5})}, {"label", at::arange(6) % 3}}), {}, {}};
  const auto error = test::error_of<ConfigError>([&] { train::preflight(model, data, {.run = &options}); });
  CHECK(error.code() == "graft-C021");
  CHECK(contains(error.message(), "the policy \"all\" leaves nothing to train"));
  CHECK_NOTHROW(train::preflight(model, data));  // a preset may still change the policy
}

TEST_CASE("Preflight: weights of 16 bits are not trained", "[train][error]") {
  const graph::Network network =
      test::network_of("def forward(self, x):\n    return x @ self.w.to(x.dtype)\n", {{"w", at::rand({4, 6}).to(at::kBFloat16)}});
  const auto model_of = [&](const Freeze& freeze) {
    return Model(Backbone(network), head::Classifier({.labels = {"0", "1", "2"}}), TensorInputs({{"x", at::zeros({4})}}),
                 {.freeze = freeze, .device = "cpu"});
  };
  const Splits data{data::tensors({{"x", at::rand({6, 4})}, {"label", at::arange(6) % 3}}), {}, {}};
  Model trains = model_of(Freeze::none()), frozen = model_of(Freeze::all());
  const auto error = test::error_of<ModelError>([&] { train::preflight(trains, data); });
  CHECK(error.code() == "graft-M029");
  CHECK(contains(error.message(), "1, first \"backbone.w\", have 16 bits"));
  CHECK_NOTHROW(train::preflight(frozen, data));
}

TEST_CASE("Preflight: a last batch of one record for batch norms that train is told", "[train][error]") {
  const std::string file = GENERATE(as<std::string>(), "vision_script.pt", "vision_trace.pt");
  const auto told = [&](const Freeze& freeze, std::int64_t side, std::int64_t records, const TrainerOptions& options) {
    Model model(Backbone::load(test::golden_path(file)), head::Classifier({.labels = {"0", "1", "2"}}),
                TensorInputs({{"x", at::zeros({3, side, side})}}), {.freeze = freeze, .device = "cpu"});
    std::map<std::string, at::Tensor> before;
    graph::NamedTensors tensors = model.moving();
    for (const auto& tensor : model.backbone().network().buffers()) tensors.push_back(tensor);
    for (const auto& [name, tensor] : tensors) before[name] = tensor.clone();
    std::string code;
    try {
      train::preflight(model, {pictures_of(at::rand({records, 3, side, side})), {}, {}}, {.run = &options});
    } catch (const Error& error) {
      INFO(error.what());
      CHECK(contains(error.what(), "leave a last batch of one record"));
      code = error.code();
    }
    for (const auto& [name, tensor] : tensors) CHECK(at::equal(tensor, before.at(name)));
    return code;
  };
  INFO(file);
  CHECK(told(Freeze::none(), 2, 9, {.batch_size = 4}) == "graft-C042");
  CHECK(told(Freeze::none(), 2, 9, {.batch_size = 1}) == "graft-C042");
  CHECK(told(Freeze::none(), 2, 10, {.batch_size = 4}) == "");
  CHECK(told(Freeze::none(), 2, 9, {.batch_size = 4, .limit_steps = 2}) == "");
  CHECK(told(Freeze::none(), 16, 9, {.batch_size = 4}) == "");  // several values a channel
  CHECK(told(Freeze::matching({"*bn*", "*downsample*"}), 2, 9, {.batch_size = 4}) == "");
  CHECK(told(Freeze::all(), 2, 9, {.batch_size = 4}) == "");
}

TEST_CASE("Preflight: it draws no random numbers and leaves the model's mode", "[train]") {
  const at::Generator generator = at::globalContext().defaultGenerator(c10::kCPU);
  const auto draws = test::network_of("def forward(self, x):\n    return x + torch.rand_like(x)\n", {});
  Model model(Backbone(draws), head::Classifier({.labels = {"0", "1", "2"}}), TensorInputs({{"x", at::zeros({4})}}), {.device = "cpu"});
  at::manual_seed(3);
  const at::Tensor before = generator.get_state().clone();
  model.set_training(true);
  train::preflight(model, {data::tensors({{"x", at::zeros({6, 4})}, {"label", at::arange(6) % 3}}), {}, {}});
  CHECK(at::equal(generator.get_state(), before));
  CHECK(model.is_training());
}
