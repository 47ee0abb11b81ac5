#include "graft/train/fine_tune.h"

#include <ATen/ATen.h>

#include <sstream>

#include "graft/backbone/import.h"
#include "graft/data/tensor_inputs.h"
#include "graft/data/tensors.h"
#include "graft/model/feature_set.h"
#include "small_checkpoint.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

Splits toy_splits() { return {test::toy_messages(120), test::toy_messages(40, 1), test::toy_messages(40, 2)}; }

}  // namespace

TEST_CASE("fine_tune: the default learns a toy task and reports on test data", "[train]") {
  Model model = test::toy_model();
  const FineTuneReport report = fine_tune(model, toy_splits());
  CHECK(report.plan.starts_with("probe"));
  CHECK(report.training.ended == "solved");
  CHECK(report.measured_on == "test");
  CHECK(report.evaluation.samples == 40);
  CHECK(report.evaluation.metric("accuracy") > 0.85);
  std::ostringstream text;
  text << report;
  CHECK(text.str().find("On test data") != std::string::npos);
  CHECK(text.str().find("accuracy") != std::string::npos);
}

TEST_CASE("fine_tune: the strength with the lowest validation loss is kept", "[train]") {
  Model model = test::toy_model();
  const FineTuneReport report = fine_tune(model, toy_splits());
  double lowest = 1e9;
  for (const EpochRecord& solve : report.training.history) {
    REQUIRE(solve.l2.has_value());
    REQUIRE(solve.iterations.has_value());
    lowest = std::min(lowest, solve.valid_loss.value());
  }
  CHECK(report.training.history.size() > 1);
  CHECK(report.training.history[static_cast<std::size_t>(report.training.best_epoch - 1)].valid_loss == lowest);
}

TEST_CASE("fine_tune: a solution is a minimum: the gradient of loss and penalty vanishes", "[train]") {
  Model model = test::toy_model();
  const Data train = test::toy_messages(120);
  fine_tune(model, {train, {}, {}}, {.trainer = {.precision = Precision::Float32}, .l2 = {0.1}, .evaluate = false});
  const auto store = FeatureSet::make(model, train);
  REQUIRE(store.has_value());
  const at::Tensor deviation = store->features()["pooled"].std(0, false);
  const Head& head = model.head();
  const at::Tensor loss = head.loss(head.forward(store->features()), store->targets())["cross_entropy"] / 120 +
                          0.05 * (head.parameters()["weight"] * deviation).square().sum();
  loss.backward();
  CHECK((head.parameters()["weight"].grad() / deviation).abs().max().item<double>() < 2e-3);
  CHECK(head.parameters()["bias"].grad().abs().max().item<double>() < 2e-3);
}

TEST_CASE("fine_tune: presets say what they do", "[train]") {
  FineTuneOptions options{.trainer = {.epochs = 1, .batch_size = 16}};
  SECTION("full trains everything") {
    Model model = test::toy_model();
    options.preset = Preset::Full;
    CHECK(fine_tune(model, toy_splits(), options).plan.starts_with("full: 24,384 of 24,384"));
  }
  SECTION("full keeps a policy that freezes some") {
    Model model = test::toy_model(Freeze::up_to("encoder.layer.0"));
    options.preset = Preset::Full;
    fine_tune(model, toy_splits(), options);
    CHECK(model.policy() == Freeze::up_to("encoder.layer.0"));
  }
  SECTION("auto trains what the policy leaves free") {
    Model model = test::toy_model(Freeze::up_to("encoder.layer.0"));
    CHECK(fine_tune(model, toy_splits(), options).plan.starts_with("full"));
  }
  SECTION("probe steps a head that is not one linear layer, and says so") {
    Model model = test::toy_model(Freeze::none(), 0.1, 8);
    options.preset = Preset::Probe;
    const auto report = fine_tune(model, toy_splits(), options);
    CHECK(report.plan.find("by steps") != std::string::npos);
    CHECK(model.policy() == Freeze::all());
  }
  SECTION("names are read") {
    CHECK(preset_from("probe") == Preset::Probe);
    CHECK(test::error_of<ConfigError>([] { preset_from("prob"); }).remedy() == "Did you mean \"probe\"?");
  }
}

TEST_CASE("fine_tune: without test data it reports on validation data, and says so", "[train]") {
  Model model = test::toy_model();
  CHECK(fine_tune(model, {test::toy_messages(60), test::toy_messages(20, 1), {}}).measured_on == "valid");
}

TEST_CASE("fine_tune: checkpoints of another run, and options out of range, are told before a head is solved", "[train][error]") {
  class Phases final : public Callback {
   public:
    void on_progress(const Progress& progress) override { seen.insert(progress.phase); }
    std::set<std::string> seen;
  };
  const test::TempDir folder;
  test::small().save(folder.file("step-000000003.safetensors"));
  const auto phases = std::make_shared<Phases>();
  Model model = test::toy_model();
  const auto code_with = [&](const TrainerOptions& trainer) {
    return test::error_of<ConfigError>([&] {
             fine_tune(model, {test::toy_messages(40), {}, {}}, {.preset = Preset::Finetune, .trainer = trainer, .callbacks = {phases}});
           })
        .code();
  };
  CHECK(code_with({.checkpoints = {.folder = folder.path()}}) == "graft-C038");
  CHECK(code_with({.ema = 2}) == "graft-C018");
  CHECK(phases->seen.empty());
}

TEST_CASE("fine_tune: strengths that make no sense are refused", "[train][error]") {
  Model model = test::toy_model();
  CHECK(test::error_of<ConfigError>([&] { fine_tune(model, toy_splits(), {.l2 = {-1.0}}); }).code() == "graft-C019");
}

TEST_CASE("fine_tune: a probe on the features of a published SqueezeNet learns what it never saw", "[train][data]") {
  const test::TempDir folder;
  backbone::import_checkpoint(test::test_data("weights/squeezenet_lpips/lpips_squeeze.pt"), folder.file("squeezenet.pt"));
  // Stripes along or across, of any colour, width and phase: no single pixel tells.
  at::manual_seed(1);
  constexpr std::int64_t size = 96, side = 64;
  const at::Tensor label = at::arange(size) % 2, width = at::rand({size, 1, 1}) * 0.6 + 0.4, phase = at::rand({size, 1, 1}) * 6;
  const at::Tensor places = at::arange(side, at::kFloat), along = places.view({1, 1, side}).expand({size, side, side}),
                   across = places.view({1, side, 1}).expand({size, side, side});
  const at::Tensor stripes = at::sin(at::where(label.view({size, 1, 1}) == 0, along, across) * width + phase);
  const at::Tensor pictures = stripes.unsqueeze(1) * at::randn({size, 3, 1, 1}) + 0.5 * at::randn({size, 3, side, side});
  const Data data = data::tensors({{"x", pictures}, {"label", label}});
  Model model(Backbone::load(folder.file("squeezenet.pt")), head::Classifier({.labels = {"0", "1"}}),
              TensorInputs({{"x", at::zeros({3, side, side})}}), {.device = "cpu"});
  const FineTuneReport report = fine_tune(model, data.split({.valid = 0.2, .test = 0.3, .seed = 1}));
  CHECK(report.evaluation.metric("accuracy") > 0.9);
}
