#include "graft/model/plan.h"

#include <torch/csrc/jit/api/module.h>

#include "graft/data/tensor_inputs.h"
#include "graft/model/model.h"
#include "model/cut_set.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

Model pictures(const Freeze& freeze, PrefixForm prefix = PrefixForm::Fast) {
  return Model(Backbone::load(test::golden_path("checkpoints/resnet_script.pt")), head::Classifier({.labels = {"0", "1", "2"}}),
               TensorInputs({{"x", at::zeros({3, 16, 16})}}), {.freeze = freeze, .device = "cpu", .prefix = prefix});
}

}  // namespace

TEST_CASE("Plan: what is computed once, what in every epoch, and what is kept of a sample", "[model]") {
  const Plan plan = pictures(Freeze::up_to("layer1.1")).plan();
  REQUIRE(plan.kind == Plan::Kind::Split);
  CHECK(plan.prefix.parameters == 216 + 16 + 2 * 1264);
  CHECK(plan.suffix.parameters == 3680 + 85);
  CHECK(plan.prefix.groups.front() == "conv1");
  CHECK(plan.suffix.groups.back() == "fc");
  REQUIRE(plan.cut.size() == 1);
  CHECK(plan.cut.front().second == std::vector<std::int64_t>{8, 8, 8});
  CHECK(plan.bytes_per_sample == 8 * 8 * 8 * 4);
  // conv1 gives [8, 8, 8] of 3 x 3 x 3 inputs; of the two blocks of layer1 each has two convolutions 8 x 3 x 3 and one 8 x 1 x 1.
  CHECK(plan.prefix.multiply_adds == 512 * 27 + 4 * 512 * 72 + 2 * 512 * 8);
  CHECK(plan.text().find("2,760 parameters") != std::string::npos);
  CHECK(plan.json().at("kind") == "split");
}

TEST_CASE("Plan: the gain grows with the epochs towards the share of the frozen part", "[model]") {
  const Plan plan{.kind = Plan::Kind::Split, .prefix = {.multiply_adds = 600}, .suffix = {.multiply_adds = 100}};
  CHECK(plan.gain(1) == Approx(1.0));
  CHECK(plan.gain(2) == Approx(2.0 * 900 / (600 + 2 * 300)));
  CHECK(plan.gain(100000) == Approx(3.0).epsilon(1e-3));
}

TEST_CASE("Plan: a frozen backbone is computed once, and its pooled features are kept", "[model]") {
  const Plan plan = test::toy_model().plan();
  CHECK(plan.kind == Plan::Kind::Frozen);
  CHECK(plan.suffix.parameters == 0);
  CHECK(plan.bytes_per_sample == 4 * plan.cut.front().second.at(0));
  CHECK(plan.text().find("in every epoch:     the head alone") != std::string::npos);
}

TEST_CASE("Plan: of a backbone without a head", "[model]") {
  const Backbone backbone = Backbone::load(test::golden_path("checkpoints/resnet_script.pt"));
  const Fields example{{"x", at::zeros({3, 3, 16, 16})}};
  const Plan split = plan(backbone, Freeze::up_to("layer1.1"), example), model = pictures(Freeze::up_to("layer1.1")).plan();
  CHECK(split.prefix.multiply_adds == model.prefix.multiply_adds);
  CHECK(split.cut == model.cut);
  CHECK(plan(backbone, Freeze::all(), example).kind == Plan::Kind::Frozen);
  CHECK(plan(backbone, Freeze::none(), example).kind == Plan::Kind::Whole);
}

TEST_CASE("Plan: says why nothing is gained", "[model]") {
  CHECK(pictures(Freeze::none()).plan().why.find("nothing with weights is computed") != std::string::npos);
  Model stateful(Backbone::load(test::golden_path("checkpoints/stateful.pt")), head::Classifier({.labels = {"0", "1"}}),
                 TensorInputs({{"x", at::zeros({4})}}), {.freeze = Freeze::matching({"cell"}), .device = "cpu"});
  CHECK(stateful.plan().why.find("state") != std::string::npos);
  CHECK(test::error_of<ModelError>([&] { stateful.cut({{"x", at::zeros({2, 4})}}); }).code() == "graft-M025");
}

TEST_CASE("Model: features from the cut are the features of the whole, with gradients above the line only", "[model]") {
  Model model = pictures(Freeze::up_to("layer1.1"), PrefixForm::Exact), fast = pictures(Freeze::up_to("layer1.1"));
  const at::Tensor x = at::randn({4, 3, 16, 16});
  CHECK(test::relative_difference(fast.features_of_cut(fast.cut({{"x", x}}))["pooled"], fast.features({{"x", x}})["pooled"]) < 1e-5);
  CHECK(at::equal(model.features_of_cut(model.cut({{"x", x}}))["pooled"], model.features({{"x", x}})["pooled"]));
  model.set_training(true);
  const at::Tensor features = model.features_of_cut(model.cut({{"x", x}}))["pooled"];
  CHECK(features.requires_grad());
  features.sum().backward();
  for (const auto& [name, tensor] : model.trainable()) CHECK((name.starts_with("head.") || tensor.grad().defined()));
}

TEST_CASE("CutSet: texts at their true length, padded anew in every batch", "[model]") {
  Model model = test::toy_model(Freeze::up_to("encoder.layer.0"), 0.0);
  const Data data = test::toy_messages(30);
  const auto store = CutSet::make(model, data, {.mode = Mode::Train}, FeatureStore());
  REQUIRE(store);
  REQUIRE(store->size() == 30);
  const std::vector<std::size_t> rows{3, 17, 8, 25};
  const Batch batch = store->batch(rows);
  CHECK(batch.records == std::vector<std::int64_t>{3, 17, 8, 25});
  Loader loader(data.subset(rows), model.preprocess(), target_function(model), {.batch_size = 4});
  const Batch fresh = *loader.next();
  CHECK(test::relative_difference(model.features_of_cut(batch.inputs)["pooled"], model.features(fresh.inputs)["pooled"]) < 1e-5);
  CHECK(at::equal(batch.targets.begin()->second, fresh.targets.begin()->second));
}

TEST_CASE("CutSet: there is none where the plan does not split, or with the store off", "[model]") {
  CHECK_FALSE(CutSet::make(pictures(Freeze::none()), test::toy_pictures(5), {}, FeatureStore()));
  CHECK_FALSE(CutSet::make(pictures(Freeze::up_to("layer1.1")), test::toy_pictures(5), {}, FeatureStore::off()));
  CHECK(CutSet::make(pictures(Freeze::up_to("layer1.1")), test::toy_pictures(5), {}, FeatureStore()));
}
