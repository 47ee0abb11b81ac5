// Layers that start to train later: what is frozen stays as it is until its epoch comes.
#include <map>

#include "graft/train/trainer.h"
#include "graph/network.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

using Weights = std::map<std::string, at::Tensor>;

/// All weights at the start and the end of each epoch.
class Watch final : public Callback {
 public:
  void on_fit_begin(const Model& model, const FitPlan&) override { model_ = &model; }
  Action on_epoch_begin(int) override {
    begins.push_back(weights());
    policies.push_back(model_->policy().text());
    return Action::Continue;
  }
  Action on_epoch(const EpochRecord&) override {
    ends.push_back(weights());
    return Action::Continue;
  }
  std::vector<Weights> begins, ends;
  std::vector<std::string> policies;

 private:
  Weights weights() const {
    Weights found;
    for (const auto& [name, tensor] : model_->trainable()) found[name] = tensor.detach().clone();
    return found;
  }
  const Model* model_ = nullptr;
};

const std::string top = "backbone.encoder.layer.1.", bottom = "backbone.encoder.layer.0.", embeddings = "backbone.embeddings.";

std::size_t moved(const Weights& before, const Weights& after, const std::string& prefix) {
  std::size_t number = 0;
  for (const auto& [name, tensor] : after) {
    if (name.starts_with(prefix) && before.contains(name)) number += !tensor.equal(before.at(name));
  }
  return number;
}

}  // namespace

TEST_CASE("Unfreezing: each layer group starts from its pretrained weights in its epoch, and goes on from there", "[train]") {
  const bool validates = GENERATE(true, false);
  Model model = test::toy_model(Freeze::all());
  Weights original;
  for (const auto& [name, tensor] : model.backbone().network().parameters()) original["backbone." + name] = tensor.clone();
  const auto watch = std::make_shared<Watch>();
  const TrainerOptions options{.batch_size = 8,
                               .lr = 1e-2,
                               .schedule = Schedule(Schedule::Kind::Constant, 0.0),
                               .unfreeze = {{1, Freeze::all()}, {2, Freeze::up_to("encoder.layer.0")}, {3, Freeze::none()}}};
  const Splits data{test::toy_messages(32), validates ? test::toy_messages(8, 2) : Data(), {}};
  const TrainReport report = Trainer(options).add(watch).fit(model, data);
  CHECK(report.history.size() == 3);
  CHECK(watch->policies == std::vector<std::string>{"all", "up_to=encoder.layer.0", "none"});
  CHECK(model.policy() == Freeze::none());
  REQUIRE(watch->begins.size() == 3);

  CHECK(watch->begins[0].size() == 2);
  CHECK(moved(watch->begins[0], watch->ends[0], "head.") == 2);
  CHECK(watch->begins[1].size() == 2 + 16);
  CHECK(moved(original, watch->begins[1], "backbone.") == 0);
  CHECK(moved(watch->ends[0], watch->begins[1], "head.") == 0);
  CHECK(moved(watch->begins[1], watch->ends[1], top) >= 15);  // a key's bias has no gradient
  CHECK(moved(original, watch->begins[2], bottom) == 0);
  CHECK(moved(original, watch->begins[2], embeddings) == 0);
  CHECK(moved(watch->ends[1], watch->begins[2], "") == 0);
  CHECK(moved(watch->begins[2], watch->ends[2], top) >= 15);
  CHECK(moved(watch->begins[2], watch->ends[2], bottom) >= 15);
  CHECK(moved(watch->begins[2], watch->ends[2], embeddings) == 5);
}

TEST_CASE("Unfreezing: the best epoch's weights are restored, of layers that were frozen then as well", "[train]") {
  Model model = test::toy_model(Freeze::all());
  Weights original;
  for (const auto& [name, tensor] : model.backbone().network().parameters()) original["backbone." + name] = tensor.clone();
  const auto watch = std::make_shared<Watch>();
  // The backbone's rate is far too large: the first epoch is the best.
  const TrainerOptions options{.batch_size = 8,
                               .lr = 0.3,
                               .backbone_lr_ratio = 1.0,
                               .schedule = Schedule(Schedule::Kind::Constant, 0.0),
                               .unfreeze = {{1, Freeze::all()}, {2, Freeze::none()}}};
  const TrainReport report = Trainer(options).add(watch).fit(model, {test::toy_messages(32), test::toy_messages(16, 2), {}});
  REQUIRE(report.best_epoch == 1);
  Weights left;
  for (const auto& [name, tensor] : model.trainable()) left[name] = tensor.detach();
  CHECK(moved(watch->begins[1], watch->ends[1], "backbone.") > 30);
  CHECK(moved(original, left, "backbone.") == 0);
  CHECK(moved(watch->ends[0], left, "head.") == 0);
}

TEST_CASE("Unfreezing: policies out of order, or that freeze again, are refused before the first step", "[train][error]") {
  CHECK(test::error_of<ConfigError>([] {
          Trainer({.unfreeze = {{2, Freeze::all()}, {2, Freeze::none()}}});
        }).message() == "[Trainer] policies to unfreeze are wanted in the order of their epochs.");
  Model model = test::toy_model(Freeze::none());
  const auto error = test::error_of<ConfigError>([&] {
    Trainer({.unfreeze = {{2, Freeze::all()}, {3, Freeze::up_to("embeddings")}}}).fit(model, {test::toy_messages(8), {}, {}});
  });
  CHECK(error.code() == "graft-C035");
}
