// What frozen parts gave is found again by content, in memory, in temporary files, and in a folder by later runs.
#include "graft/model/feature_store.h"

#include <filesystem>

#include "core/file.h"
#include "graft/data/tensor_inputs.h"
#include "graft/data/tensors.h"
#include "graft/model/feature_set.h"
#include "model/feature_file.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

const at::Tensor& pooled(const FeatureSet& set) { return set.features()["pooled"]; }

/// Draws one number a record in training.
class Noisy final : public Preprocess {
 public:
  std::vector<Sample> operator()(const Record& record, Rng& rng, Mode mode) const override {
    return {Sample{{{"x", record.tensor("x") + (mode == Mode::Train ? rng.uniform() : 0.0)}}, {}, 0}};
  }
  Json config() const override { return {{"type", "noisy"}}; }
  Record example() const override { return {{{"x", at::zeros({3, 16, 16})}}, "example"}; }
};

std::string only_file(const std::string& folder) { return std::filesystem::directory_iterator(folder)->path().string(); }

}  // namespace

TEST_CASE("FeatureStore: a record is computed once, in whatever set, order and mode it comes again", "[model]") {
  const FeatureStore store;
  Model model = test::toy_model();
  const Data data = test::toy_messages(30);
  const auto first = FeatureSet::make(model, data, {.mode = Mode::Train}, store);
  CHECK(store.computed() == 30);
  const auto again = FeatureSet::make(model, data.subset({7, 3, 29}), {}, store);
  CHECK(store.computed() == 30);
  CHECK(store.found() == 3);
  CHECK(again->records() == std::vector<std::int64_t>{0, 1, 2});
  CHECK(pooled(*again).equal(pooled(*first).index_select(0, at::tensor({7, 3, 29}))));
  CHECK(again->targets()["label"].equal(first->targets()["label"].index_select(0, at::tensor({7, 3, 29}))));
}

TEST_CASE("FeatureStore: other weights, preprocessing or pooling are another frozen part", "[model]") {
  const FeatureStore store;
  const Data data = test::toy_messages(6);
  Model model = test::toy_model();
  FeatureSet::make(model, data, {}, store);
  Model same = test::toy_model();
  CHECK(same.fingerprint() == model.fingerprint());
  same.replace_head(head::Classifier({.label = "queue", .labels = {"A", "B", "C"}, .pooling = Pooling::FirstToken}));
  CHECK(same.fingerprint() != model.fingerprint());
  Model above = test::toy_model(Freeze::up_to("encoder.layer.0"));
  CHECK(above.fingerprint() != model.fingerprint());
  above.freeze(Freeze::all());
  CHECK(above.fingerprint() == model.fingerprint());
  FeatureSet::make(same, data, {}, store);
  CHECK(store.computed() == 12);
}

TEST_CASE("FeatureStore: a saved model finds what the model that trained kept", "[model]") {
  for (const Freeze& freeze : {Freeze::all(), Freeze::up_to("encoder.layer.0")}) {
    Model model = test::toy_model(freeze);
    const test::TempDir folder;
    model.save(folder.file("model.pt"));
    CHECK(Model::load(folder.file("model.pt"), {.device = "cpu"}).fingerprint() == model.fingerprint());
  }
}

TEST_CASE("FeatureStore: in the form exact a record has the same bits in any company", "[model]") {
  Model model(Backbone::load(test::golden_path("vision_script.pt")), head::Classifier({.labels = {"0", "1", "2"}}),
              TensorInputs({{"x", at::zeros({3, 16, 16})}}), {.device = "cpu", .prefix = PrefixForm::Exact});
  const Data data = test::toy_pictures(21);
  const at::Tensor all = pooled(*FeatureSet::make(model, data));
  for (std::size_t i = 0; i < data.size(); ++i)
    CHECK(pooled(*FeatureSet::make(model, data.subset({i})))[0].equal(all[static_cast<std::int64_t>(i)]));
}

TEST_CASE("FeatureStore: beyond the budget values lie in temporary files, and are the same", "[model]") {
  const FeatureStore store({.budget = 0});
  Model model = test::toy_model();
  const Data data = test::toy_messages(30);
  const auto spilled = FeatureSet::make(model, data, {}, store), kept = FeatureSet::make(model, data);
  CHECK(store.bytes_in_memory() == 0);
  CHECK(store.bytes_in_files() == static_cast<std::int64_t>(pooled(*kept).nbytes()));
  CHECK(pooled(*spilled).equal(pooled(*kept)));
}

TEST_CASE("FeatureStore: a folder serves the next run", "[model]") {
  const test::TempDir folder;
  const Data data = test::toy_messages(20);
  Model model = test::toy_model();
  const at::Tensor first = pooled(*FeatureSet::make(model, data, {}, FeatureStore({.folder = folder.path()})));
  const FeatureStore next({.folder = folder.path()});
  CHECK(pooled(*FeatureSet::make(model, data, {}, next)).equal(first));
  CHECK(next.computed() == 0);
  CHECK(next.found() == 20);
}

TEST_CASE("FeatureStore: torn and damaged files cost the entries they hit, never the run", "[model]") {
  const test::TempDir folder;
  const Data data = test::toy_messages(20);
  Model model = test::toy_model();
  const at::Tensor whole = pooled(*FeatureSet::make(model, data, {}, FeatureStore({.folder = folder.path()})));
  const std::string path = only_file(folder.path()), bytes = read_file(path);
  std::string damaged = bytes;
  SECTION("cut off in the middle of an entry") { damaged = bytes.substr(0, bytes.size() - 10); }
  SECTION("a value has changed") { damaged[bytes.size() - 10] ^= 1; }
  SECTION("it is another file altogether") { damaged = "label,text\n"; }
  SECTION("it is empty") { damaged.clear(); }
  test::write(path, damaged);
  const FeatureStore store({.folder = folder.path()});
  CHECK(test::relative_difference(pooled(*FeatureSet::make(model, data, {}, store)), whole) < 1e-5);
  CHECK(store.computed() >= 1);
  const FeatureStore mended({.folder = folder.path()});
}

TEST_CASE("FeatureStore: a file that another store holds, or a folder that cannot be, is done without", "[model][error]") {
  const Data data = test::toy_messages(5);
  Model model = test::toy_model();
  const test::TempDir folder;
  const FeatureStore first({.folder = folder.path()});
  FeatureSet::make(model, data, {}, first);
  CHECK(FeatureSet::make(model, data, {}, FeatureStore({.folder = folder.path()})));
  test::write(folder.file("plain"), "");
  CHECK(FeatureSet::make(model, data, {}, FeatureStore({.folder = folder.file("plain")})));
  CHECK(test::error_of<ConfigError>([] { FeatureStore({.budget = -1}); }).code() == "graft-C025");
}

TEST_CASE("FeatureStore: random preprocessing keeps as many views as are wanted", "[model]") {
  Model model(Backbone::load(test::golden_path("vision_script.pt")), head::Classifier({.labels = {"0", "1", "2"}}), Noisy(),
              {.device = "cpu"});
  const Data data = test::toy_pictures(4);
  const FeatureStore store({.views = 2});
  const auto view = [&](int number, Mode mode = Mode::Train) {
    return FeatureSet::make(model, data, {.mode = mode, .view = number}, store).value();
  };
  const FeatureSet zero = view(0), one = view(1), evaluated = view(0, Mode::Eval);
  CHECK(zero.is_random());
  CHECK_FALSE(evaluated.is_random());
  CHECK_FALSE(pooled(zero).equal(pooled(one)));
  CHECK_FALSE(pooled(zero).equal(pooled(evaluated)));
  CHECK(store.computed() == 12);
  CHECK(pooled(view(2)).equal(pooled(zero)));
  CHECK(store.computed() == 12);
}

TEST_CASE("FeatureFile: later entries replace earlier ones; what was not written is not there", "[model]") {
  const test::TempDir folder;
  {
    const auto file = FeatureFile::open(folder.path(), "f");
    file->write("a", {{{"x", at::ones({2})}}});
    file->write("a", {{{"x", at::zeros({2, 3}, at::kBFloat16)}, {"y", at::tensor({1, 2})}}, {}});
    CHECK_FALSE(file->read("b"));
  }
  const auto file = FeatureFile::open(folder.path(), "f");
  const auto found = file->read("a").value();
  REQUIRE(found.size() == 2);
  CHECK(found[0]["x"].equal(at::zeros({2, 3}, at::kBFloat16)));
  CHECK(found[0]["y"].equal(at::tensor({1, 2})));
  CHECK(found[1].empty());
}
