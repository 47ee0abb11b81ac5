#include <functional>

#include "graft/data/tensor_inputs.h"
#include "graft/data/tensors.h"
#include "graft/graft.h"
#include "graft/train/data_check.h"
#include "graph/network.h"
#include "halves.h"
#include "heard.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

using test::Heard;

at::Tensor tensor_of(const graph::NamedTensors& tensors, const std::string& name) {
  const auto found = std::ranges::find(tensors, name, &std::pair<std::string, at::Tensor>::first);
  REQUIRE(found != tensors.end());
  return found->second;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string found(const Model& model, const Splits& data, const std::string& code) {
  std::string text;
  for (const Problem& problem : check_data(model, data)) text += problem.code == code ? problem.message + " " + problem.remedy + "\n" : "";
  return text;
}

}  // namespace

TEST_CASE("Failures 9: soft targets outside [0, 1], or of classes without a sum of 1, are told by their records", "[train][error]") {
  const auto error_with = [](auto head, std::vector<float> shares) {
    const at::Tensor good = at::full({3}, 1.0 / 3);
    const Data data = test::toy_messages(6).map([=](Record record) {
      record.values["queue"] = record.place == "toy:4" ? at::tensor(shares) : good.clone();
      return record;
    });
    Model model(test::tiny_bert(), std::move(head), text::Tokenizer::load(test::golden_path("tiny_bert/vocab.txt"), {.text = "message"}),
                {.device = "cpu"});
    std::string text;
    try {
      Trainer({.epochs = 1}).fit(model, {data, {}, {}});
    } catch (const DataError& error) {
      CHECK(error.code() == "graft-D016");
      CHECK(error.place() == "toy:4");
      text = error.message();
    }
    return text;
  };
  const auto classifier = [] { return head::Classifier({.label = "queue", .labels = {"A", "B", "C"}}); };
  const auto labels = [] { return head::MultiLabel({.label = "queue", .labels = {"A", "B", "C"}}); };
  CHECK(contains(error_with(classifier(), {0.5F, 0.6F, 0.7F}), "probabilities of classes that sum to 1 are wanted; their sum is 1.8000."));
  CHECK(contains(error_with(classifier(), {-0.5F, 0.5F, 1.0F}), "soft targets from 0 to 1 are wanted, got -0.5000."));
  CHECK(contains(error_with(labels(), {0.5F, 3.0F, 0.0F}), "soft targets from 0 to 1 are wanted, got 3.0000."));
  CHECK(error_with(labels(), {0.5F, 0.6F, 0.7F}).empty());  // labels stand side by side
  CHECK(error_with(classifier(), {0.333F, 0.333F, 0.333F}).empty());
}

TEST_CASE("Failures 12: a head on the scores of a published classifier is told, one on features is not", "[train]") {
  const std::string code =
      "def forward(self, x):\n    h = torch.relu(torch.linear(x, self.first))\n    return torch.linear(h, self.w, self.b)\n";
  const auto model_of = [&](std::int64_t classes, const std::function<Backbone(const Backbone&)>& change) {
    const Backbone whole(test::network_of(code, {{"first", at::rand({8, 4})}, {"w", at::rand({classes, 8})}, {"b", at::rand({classes})}}));
    return Model(change(whole), head::Classifier({.labels = {"0", "1", "2"}}), TensorInputs({{"x", at::zeros({4})}}), {.device = "cpu"});
  };
  const Splits data{data::tensors({{"x", at::rand({12, 4})}, {"label", at::arange(12) % 3}}), {}, {}};
  const auto same = [](const Backbone& whole) { return whole; };
  const std::string told = found(model_of(1000, same), data, "graft-W007");
  CHECK(contains(told, "the scores of 1,000 classes that the backbone was trained on (\"w\" [1000, 8])"));
  CHECK(contains(told, "graft::backbone::without_classifier"));
  CHECK(found(model_of(1000, backbone::without_classifier), data, "graft-W007").empty());
  CHECK(found(model_of(768, same), data, "graft-W007").empty());
}

TEST_CASE("Failures 14: pictures of bytes are told, normalised ones and those in [0, 1] are not", "[train]") {
  const Model model = test::toy_vision_model();
  const auto told = [&](const at::Tensor& x) {
    return found(model, {data::tensors({{"x", x}, {"label", at::arange(x.size(0)) % 3}}, "pictures"), {}, {}}, "graft-W009");
  };
  at::manual_seed(1);
  const at::Tensor random = at::rand({6, 3, 16, 16});
  CHECK(contains(told((random * 255).floor()), "\"x\" looks like pictures of bytes, with values from 0 to 25"));
  CHECK(told(random).empty());
  CHECK(told((random - 0.5) * 8).empty());
  CHECK(told((random - 0.5) * 100).empty());  // some other signal
}

TEST_CASE("Failures 20: a backbone without parameters that is to train is told", "[train]") {
  const Heard heard;
  const graph::Network network = test::network_of("def forward(self, x):\n    return torch.relu(x)\n", {});
  const Splits data{data::tensors({{"x", at::rand({12, 4})}, {"label", at::arange(12) % 3}}), {}, {}};
  for (const Freeze& freeze : {Freeze::all(), Freeze::none()}) {
    Model model(Backbone(network), head::Classifier({.labels = {"0", "1", "2"}}), TensorInputs({{"x", at::zeros({4})}}),
                {.freeze = freeze, .device = "cpu"});
    Trainer({.epochs = 1}).fit(model, data);
    CHECK(contains(heard.with("graft-W012"), "the policy \"none\" trains some of the backbone, which has no parameters") ==
          (freeze == Freeze::none()));
  }
}

TEST_CASE("Failures 29: texts longer than the network's places are told", "[train]") {
  const auto told = [](const Backbone& backbone, const std::shared_ptr<const text::Subwords>& words, std::int64_t max_length) {
    const Model model(backbone, head::Classifier({.label = "queue", .labels = {"A", "B", "C"}}),
                      text::Tokenizer(words, {.text = "message", .max_length = max_length}), {.device = "cpu"});
    return found(model, {test::toy_messages(12), {}, {}}, "graft-W011");
  };
  const auto pieces = text::load_subwords(test::golden_path("tiny_bert"));
  const std::string message = told(test::tiny_bert(), pieces, 256);
  CHECK(contains(message, "the tokenizer gives up to 256 tokens, which the network cannot run on: its smallest table has 64 rows."));
  CHECK(contains(message, "at most 64"));
  CHECK(told(test::tiny_bert(), pieces, 64).empty());
  SECTION("of RoBERTa's two are padding's") {
    const auto bytes = text::load_subwords(test::golden_path("tiny_bpe"));
    CHECK(contains(told(test::tiny_roberta(), bytes, 40), "its smallest table has 40 rows. Take a max_length of at most 38"));
    CHECK(told(test::tiny_roberta(), bytes, 38).empty());
  }
}

TEST_CASE("Failures 30: a tokenizer of as many words that is not the network's own is told", "[train]") {
  const Splits data{test::toy_messages(12), {}, {}};
  const auto told = [&](std::vector<std::string> words, const text::WordPieceOptions& options = {}) {
    const Model model(test::tiny_bert(), head::Classifier({.label = "queue", .labels = {"A", "B", "C"}}),
                      text::Tokenizer(text::WordPiece(std::move(words), options), {.text = "message", .max_length = 32}),
                      {.device = "cpu"});
    return found(model, data, "graft-W016");
  };
  const text::WordPiece own = text::WordPiece::load(test::golden_path("tiny_bert/vocab.txt"), {});
  std::vector<std::string> words;
  for (std::size_t id = 0; id < own.size(); ++id) words.push_back(own.token(static_cast<std::int64_t>(id)));
  REQUIRE(test::tiny_bert().files().contains("tokenizer.json"));
  const bool lowercase = text::WordPiece::from_json(test::tiny_bert().files().at("tokenizer.json")).options().lowercase;
  CHECK(told(words, {.lowercase = lowercase}).empty());
  CHECK(contains(told(words, {.lowercase = !lowercase}), "it keeps upper case where that one does not"));
  std::swap(words[20], words[30]);
  const std::string swapped = told(words, {.lowercase = lowercase});
  CHECK(contains(swapped,
                 "2 of 160 ids differ; the id 20 is \"" + own.token(30) + "\" in the one and \"" + own.token(20) + "\" in the other."));
  const auto mask = std::ranges::find(words, "[SEP]");
  std::swap(words[0], *mask);
  CHECK(contains(told(words, {.lowercase = lowercase}), "4 of 160 ids differ; the id 0 is \"[SEP]\""));  // special ids too
}

TEST_CASE("Failures 33: tensors that stand in two parts are told as texts are", "[train]") {
  const Model model = test::toy_vision_model();
  const Data train = test::toy_pictures(20, 1), other = test::toy_pictures(20, 2);
  CHECK(found(model, {train, other, {}}, "graft-W001").empty());
  CHECK(contains(found(model, {train, train.subset({3, 5}), {}}, "graft-W001"),
                 "2 of 2 validation inputs stand in the training data too: pictures:3 and pictures:3, pictures:5 and pictures:5."));
  const Data relabelled = train.subset({4}).map([](Record record) {
    record.values["label"] = (std::get<std::int64_t>(record.values.at("label")) + 1) % 3;
    return record;
  });
  const std::vector<Data> both{train, relabelled};
  CHECK(contains(found(model, {data::concat(both), {}, {}}, "graft-W004"), "1 training inputs stand there again with another answer"));
}

TEST_CASE("Failures 36: fp16 is refused on the CPU before the first step", "[train][error]") {
  Model model = test::toy_model();
  const auto error = test::error_of<ConfigError>([&] {
    Trainer({.precision = Precision::Float16}).fit(model, {test::toy_messages(8), {}, {}});
  });
  CHECK(error.code() == "graft-C033");
}

TEST_CASE("Failures 39: the rate reaches its end with the last step, whatever is accumulated", "[train]") {
  class Rates final : public Callback {
   public:
    Action on_step(const StepRecord& step) override {
      seen.push_back(step.lr);
      return Action::Continue;
    }
    std::vector<double> seen;
  };
  const auto rates = std::make_shared<Rates>();
  Model model = test::toy_model(Freeze::up_to("encoder.layer.0"));
  Trainer({.epochs = 2, .batch_size = 4, .accumulate = 2, .lr = 1e-2}).add(rates).fit(model, {test::toy_messages(37), {}, {}});
  REQUIRE(rates->seen.size() == 10);
  CHECK(rates->seen.back() > 0);
  CHECK(rates->seen.back() < 0.2 * 1e-2);
}

TEST_CASE("Failures 44: an exception in a loader's thread comes with the record's place", "[train][error]") {
  const Data data = test::toy_messages(40).map([](Record record) {
    if (record.place == "toy:30") record.values.erase("message");
    return record;
  });
  for (const Freeze& freeze : {Freeze::all(), Freeze::none()}) {
    Model model = test::toy_model(freeze);
    const auto error = test::error_of<DataError>([&] { Trainer({.epochs = 1, .threads = 2}).fit(model, {data, {}, {}}); });
    CHECK(error.code() == "graft-D004");
    CHECK(error.place() == "toy:30");
  }
}

TEST_CASE("Failures 45: before the first step, which may be slow, it is said that it comes", "[train]") {
  class Said final : public Callback {
   public:
    void on_progress(const Progress& progress) override { notes.push_back(progress.phase + ": " + progress.note); }
    Action on_step(const StepRecord&) override {
      notes.emplace_back("step");
      return Action::Continue;
    }
    std::vector<std::string> notes;
  };
  const auto said = std::make_shared<Said>();
  Model model = test::toy_model(Freeze::up_to("encoder.layer.0"));
  Trainer({.epochs = 1, .batch_size = 8}).add(said).fit(model, {test::toy_messages(16), {}, {}});
  const auto step = std::ranges::find(said->notes, "step");
  REQUIRE(step != said->notes.end());
  CHECK(*(step - 1) == "train: first step");
}

TEST_CASE("Failures 46: metrics of data with one class only are numbers", "[train]") {
  Model model = test::toy_model();
  const Data one = test::toy_messages(90).map([](Record record) {
    record.values["queue"] = std::string("A");
    return record;
  });
  const EvalReport report = Evaluator().run(model, one);
  for (const auto& [name, value] : report.metrics) {
    INFO(name);
    CHECK(std::isfinite(value));
  }
}

TEST_CASE("Failures 48: weights under two names train as one, and stay one", "[train]") {
  const graph::Network network = graph::Network::load(test::golden_path("checkpoints/tied.pt"));
  CHECK(std::ranges::any_of(Backbone(network).findings(), [](const Finding& finding) { return finding.code == "graft-F014"; }));
  Model model(Backbone(network), head::Classifier({.labels = {"0", "1", "2"}}), TensorInputs({{"ids", at::zeros({7}, at::kLong)}}),
              {.freeze = Freeze::none(), .device = "cpu"});
  at::manual_seed(2);
  Trainer({.epochs = 2, .batch_size = 8, .lr = 1e-2})
      .fit(model, {data::tensors({{"ids", at::randint(0, 20, {24, 7}, at::kLong)}, {"label", at::arange(24) % 3}}), {}, {}});
  const test::TempDir folder;
  model.save(folder.file("m.pt"));
  std::map<const void*, std::vector<std::string>> by_storage, before;
  for (const auto& [name, tensor] : network.parameters()) before[tensor.data_ptr()].push_back(name);
  const graph::Network saved = graph::Network::load(folder.file("m.pt")).child("backbone");
  std::map<std::string, at::Tensor> values;
  for (const auto& [name, tensor] : saved.parameters()) values[name] = tensor;
  std::size_t ties = 0;
  for (const auto& [storage, names] : before) {
    for (std::size_t i = 1; i < names.size(); ++i, ++ties) CHECK(at::equal(values.at(names[i]), values.at(names[0])));
    CHECK_FALSE(at::equal(values.at(names[0]), tensor_of(network.parameters(), names[0])));
  }
  CHECK(ties > 0);
}
