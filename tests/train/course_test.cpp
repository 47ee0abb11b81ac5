// What each preset comes to.
#include "train/course.h"

#include "graft/data/tensor_inputs.h"
#include "halves.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

Splits toy_data(std::size_t records = 100) { return {test::toy_messages(records), {}, {}}; }

struct Settled {
  train::Course course;
  Freeze policy = Freeze::all();
};

Settled settle(Preset preset, const Freeze& freeze = Freeze::all(), std::int64_t hidden = 0, const TrainerOptions& trainer = {},
               std::size_t records = 100) {
  Model model = test::toy_model(freeze, 0.1, hidden);
  train::Course course = train::settle(model, toy_data(records), preset, trainer);
  return {std::move(course), model.policy()};
}

/// "1: all; 2: none"
std::string stages_of(const train::Course& course) {
  std::string text;
  for (const Unfreeze& stage : course.trainer.unfreeze)
    text += (text.empty() ? "" : "; ") + std::to_string(stage.epoch) + ": " + stage.freeze.text();
  return text;
}

}  // namespace

TEST_CASE("settle: a probe freezes the backbone, and solves a linear head", "[train]") {
  const auto [course, policy] = settle(Preset::Probe, Freeze::none());
  CHECK(course.preset == Preset::Probe);
  CHECK(course.solves);
  CHECK_FALSE(course.steps);
  CHECK(policy == Freeze::all());
  CHECK(course.text == "probe: backbone frozen, its features computed once, the linear head solved to its optimum");
  const auto [stepped, frozen] = settle(Preset::Probe, Freeze::none(), 8);
  CHECK_FALSE(stepped.solves);
  CHECK(stepped.steps);
  CHECK(frozen == Freeze::all());
  CHECK(stepped.text.ends_with("the head trained by steps (it cannot be solved)"));
}

TEST_CASE("settle: finetune solves a linear head first, which then learns at a share of its rate", "[train]") {
  const auto [course, policy] = settle(Preset::Finetune, Freeze::all(), 0, {.lr = 1e-3, .backbone_lr_ratio = 0.1});
  CHECK(course.solves);
  CHECK(course.steps);
  CHECK(policy == Freeze::all());  // for the solution
  CHECK(course.trainer.lr == Approx(3e-4));
  CHECK(course.trainer.lr * course.trainer.backbone_lr_ratio.value() == Approx(1e-4));  // the backbone's stays
  CHECK(course.trainer.layer_decay == 0.9);
  CHECK(course.trainer.unfreeze.empty());
  CHECK(course.text.starts_with("finetune: the linear head solved on frozen features; then 24,384 of 24,384 backbone parameters train"));

  const auto [stepped, open] = settle(Preset::Finetune, Freeze::all(), 8);
  CHECK_FALSE(stepped.solves);
  CHECK(stepped.trainer.lr == TrainerOptions().lr);
  CHECK(open == Freeze::none());
  // What the caller decided stays; a backbone that learns as fast as the head never learns faster.
  CHECK(settle(Preset::Finetune, Freeze::all(), 0, {.layer_decay = 0.5}).course.trainer.layer_decay == 0.5);
  CHECK(settle(Preset::Finetune, Freeze::all(), 0, {.backbone_lr_ratio = 0.9}).course.trainer.backbone_lr_ratio == 1.0);
  CHECK(settle(Preset::Finetune, Freeze::up_to("encoder.layer.0")).course.text.find("8,544 of 24,384") != std::string::npos);
}

TEST_CASE("settle: full trains all by steps from the start, or what a policy leaves", "[train]") {
  const auto [course, policy] = settle(Preset::Full, Freeze::all(), 0, {.lr = 0.5});
  CHECK_FALSE(course.solves);
  CHECK(course.steps);
  CHECK(policy == Freeze::none());
  CHECK(course.trainer.lr == 0.5);
  CHECK_FALSE(course.trainer.layer_decay.has_value());
  CHECK(settle(Preset::Full, Freeze::up_to("embeddings")).policy == Freeze::up_to("embeddings"));
}

TEST_CASE("settle: gradual opens layer groups from the top, the head first and all of them in the end", "[train]") {
  const auto stages = [](std::optional<int> epochs) {
    const auto [course, policy] = settle(Preset::Gradual, Freeze::all(), 0, {.epochs = epochs});
    CHECK(policy == Freeze::all());
    CHECK(course.steps);
    CHECK_FALSE(course.solves);
    CHECK(course.trainer.epochs == epochs.value_or(4));
    return stages_of(course);
  };
  CHECK(stages(2) == "1: all; 2: none");
  CHECK(stages(3) == "1: all; 2: up_to=embeddings; 3: none");
  CHECK(stages(4) == "1: all; 2: up_to=encoder.layer.0; 3: up_to=embeddings; 4: none");
  CHECK(stages(10) == "1: all; 2: up_to=encoder.layer.0; 5: up_to=embeddings; 8: none");
  CHECK(stages(std::nullopt) == stages(4));
  CHECK(settle(Preset::Gradual).course.text ==
        "gradual: the head in epoch 1, all layers in epoch 4, more from the top in each epoch between");
}

TEST_CASE("settle: gradual opens no more than the policy lets train", "[train]") {
  const auto stages = [](const Freeze& freeze, int epochs) {
    const auto [course, policy] = settle(Preset::Gradual, freeze, 0, {.epochs = epochs});
    CHECK(policy == Freeze::all());
    CHECK(course.trainer.unfreeze.back().freeze == freeze);
    return stages_of(course);
  };
  CHECK(stages(Freeze::up_to("embeddings"), 3) == "1: all; 2: up_to=encoder.layer.0; 3: up_to=embeddings");
  CHECK(stages(Freeze::up_to("encoder.layer.0"), 4) == "1: all; 2: up_to=encoder.layer.0");
  CHECK(settle(Preset::Gradual, Freeze::up_to("embeddings"), 0, {.epochs = 3}).course.text ==
        "gradual: the head in epoch 1, all layers that the policy \"up_to=embeddings\" lets train in epoch 3, more from the top in each "
        "epoch between");
  // Patterns hold in every stage.
  const Freeze norms = Freeze::matching({"embeddings", "*LayerNorm*"});
  const auto [course, policy] = settle(Preset::Gradual, norms, 0, {.epochs = 3});
  const Model model = test::toy_model(norms);
  REQUIRE(course.trainer.unfreeze.size() == 3);
  CHECK(course.trainer.unfreeze[2].freeze == norms);
  const std::set<std::string> middle = course.trainer.unfreeze[1].freeze.trainable(model.backbone());
  const std::set<std::string> last = norms.trainable(model.backbone());
  CHECK_FALSE(middle.empty());
  for (const std::string& name : middle) CHECK(name.starts_with("encoder.layer.1."));
  CHECK(std::ranges::includes(last, middle));
  CHECK(middle.size() < last.size());
}

TEST_CASE("settle: gradual in one epoch says that the head alone trains", "[train]") {
  const auto [course, policy] = settle(Preset::Gradual, Freeze::all(), 0, {.epochs = 1});
  CHECK(stages_of(course) == "1: all");
  CHECK(course.text == "gradual: the head alone, as one epoch leaves none to open layers in");
}

TEST_CASE("settle: auto chooses by the policy, then by the number of records, and says why", "[train]") {
  const auto [few, kept] = settle(Preset::Auto, Freeze::all(), 0, {}, 1999);
  CHECK(few.preset == Preset::Probe);
  CHECK(few.text.starts_with("probe (1,999 training records are few: frozen features serve them best): "));
  const auto [enough, opened] = settle(Preset::Auto, Freeze::all(), 0, {}, 2000);
  CHECK(enough.preset == Preset::Finetune);
  CHECK(enough.text.starts_with("finetune (2,000 training records are enough to train all layers): "));
  const auto [partly, policy] = settle(Preset::Auto, Freeze::up_to("embeddings"), 0, {}, 10);
  CHECK(partly.preset == Preset::Full);
  CHECK(policy == Freeze::up_to("embeddings"));
  CHECK(partly.text.starts_with("full (the freeze policy leaves some of the backbone to train): "));
}

TEST_CASE("settle: without parameters in the backbone there is nothing but the head to train", "[train]") {
  Model model(Backbone(test::network_of("def forward(self, x):\n    return x\n", {})), head::Classifier({.labels = {"0", "1"}}),
              TensorInputs({{"x", at::zeros({3})}}), {.device = "cpu"});
  const train::Course course = train::settle(model, toy_data(5000), Preset::Auto, {});
  CHECK(course.preset == Preset::Probe);
  CHECK(course.text.starts_with("probe: "));
}

TEST_CASE("Presets are told by their names", "[train][error]") {
  for (std::size_t i = 0; i < preset_names().size(); ++i) CHECK(static_cast<std::size_t>(preset_from(preset_names()[i])) == i);
  CHECK(preset_names() == std::vector<std::string>{"auto", "probe", "finetune", "full", "gradual"});
  const auto error = test::error_of<ConfigError>([] { preset_from("finetun"); });
  CHECK(error.code() == "graft-C020");
  CHECK(error.remedy() == "Did you mean \"finetune\"?");
}
