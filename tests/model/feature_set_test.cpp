#include "graft/model/feature_set.h"

#include "graft/data/tensor_inputs.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

/// Adds noise in training, so that features change from epoch to epoch.
class Noisy final : public Preprocess {
 public:
  std::vector<Sample> operator()(const Record& record, Rng& rng, Mode mode) const override {
    const double noise = mode == Mode::Train ? rng.uniform() : 0.0;
    return {Sample{{{"x", record.tensor("x") + noise}}, {}, 0}};
  }
  Json config() const override { return {{"type", "noisy"}}; }
  Record example() const override { return {{{"x", at::zeros({3, 16, 16})}}, "example"}; }
};

}  // namespace

TEST_CASE("FeatureSet: rows are the model's features and targets, in the order of the records", "[model]") {
  Model model = test::toy_model();
  const Data data = test::toy_messages(40);
  const auto store = FeatureSet::make(model, data, {.batch_positions = 64});
  REQUIRE(store.has_value());
  REQUIRE(store->size() == 40);
  for (std::size_t i : {std::size_t{0}, std::size_t{13}, std::size_t{39}}) {
    const auto row = static_cast<std::int64_t>(i);
    CHECK(store->records()[i] == row);
    const auto& tokenizer = dynamic_cast<const text::Tokenizer&>(*model.preprocess());
    const at::Tensor ids = at::tensor(tokenizer.ids(data.get(i).text("message")), at::kLong).unsqueeze(0);
    CHECK(test::max_difference(store->features()["pooled"].narrow(0, row, 1), model.features({{"input_ids", ids}})["pooled"]) < 1e-5);
    CHECK(store->targets()["label"][row].item<int>() == data.get(i).text("queue")[0] - 'A');
  }
  CHECK_FALSE(store->features()["pooled"].requires_grad());
}

TEST_CASE("FeatureSet: there is none where features change", "[model]") {
  SECTION("some of the backbone trains") {
    CHECK_FALSE(FeatureSet::make(test::toy_model(Freeze::none()), test::toy_messages(4)).has_value());
  }
  SECTION("preprocessing draws random numbers, in training only") {
    Model model(Backbone::load(test::golden_path("vision_script.pt")), head::Classifier({.labels = {"0", "1", "2"}}), Noisy(),
                {.device = "cpu"});
    CHECK_FALSE(FeatureSet::make(model, test::toy_pictures(4), {.mode = Mode::Train}).has_value());
    CHECK(FeatureSet::make(model, test::toy_pictures(4), {.mode = Mode::Eval}).has_value());
  }
}

TEST_CASE("FeatureSet: a stop leaves it short", "[model]") {
  std::stop_source stop;
  const auto store =
      FeatureSet::make(test::toy_model(), test::toy_messages(60),
                       {.batch_positions = 16, .progress = [&](const Progress&) { stop.request_stop(); }, .stop = stop.get_token()});
  REQUIRE(store.has_value());
  CHECK(store->size() > 0);
  CHECK(store->size() < 60);
}
