#include "graft/eval/evaluator.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "core/json.h"
#include "graft/data/tensor_inputs.h"
#include "graft/data/tensors.h"
#include "graft/head/classifier.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

/// Reads the numbers of a text as the network's input, so that records have texts.
class Numbers final : public Preprocess {
 public:
  std::vector<Sample> operator()(const Record& record, Rng&, Mode) const override {
    Sample sample;
    sample.inputs.set("x", at::full({5}, std::stod(record.text("number"))));
    return {std::move(sample)};
  }
  nlohmann::json config() const override { return {{"type", "numbers"}}; }
  Record example() const override {
    Record record;
    record.values["number"] = std::string("1");
    record.values["title"] = std::string("t");
    return record;
  }
};

Backbone backbone() { return Backbone::load(test::golden_path("mlp_dict_script.pt")); }

head::Classifier classifier(std::vector<double> class_weights = {}) {
  return head::Classifier(
      {.label = "label", .labels = {"0", "1", "2"}, .from = "hidden", .class_weights = std::move(class_weights), .seed = 4});
}

constexpr std::int64_t num_rows = 500;  // several batches of an evaluation

at::Tensor inputs() { return at::sin(at::arange(num_rows * 5, at::kDouble) * 0.7).view({num_rows, 5}).to(at::kFloat); }

at::Tensor labels() { return at::arange(num_rows, at::kLong).mul(7).remainder(11).remainder(3); }

Data dataset() { return data::tensors({{"x", inputs()}, {"label", labels()}}, "rows"); }

/// Gives all three answers, some of them surely; the first weights of a head are near 0.
Model sharpened(Model model) {
  const c10::NoGradGuard no_grad;
  at::Tensor weight = model.head().parameters()["weight"], bias = model.head().parameters()["bias"];
  weight.mul_(40);
  bias.sub_(weight.matmul(backbone()({{"x", inputs()}})["hidden"].mean(0)));
  return model;
}

Model make_model(std::vector<double> class_weights = {}) {
  return sharpened(Model(backbone(), classifier(std::move(class_weights)), TensorInputs({{"x", at::zeros({5})}}), {.device = "cpu"}));
}

/// The head's logits worked out from the backbone's outputs and the head's parameters.
at::Tensor logits_of(const Model& model) {
  const c10::NoGradGuard no_grad;
  const at::Tensor hidden = backbone()({{"x", inputs()}})["hidden"];
  return hidden.to(at::kDouble).matmul(model.head().parameters()["weight"].to(at::kDouble).t()) +
         model.head().parameters()["bias"].to(at::kDouble);
}

}  // namespace

TEST_CASE("Evaluator: loss, accuracy and confusion are those worked out from the logits", "[eval]") {
  Model model = make_model();
  const EvalReport report = Evaluator().run(model, dataset());
  const at::Tensor logits = logits_of(model), truth = labels(), answer = logits.argmax(1);
  const double loss = -logits.log_softmax(1).gather(1, truth.unsqueeze(1)).mean().item<double>();
  CHECK(report.metrics.front().first == "loss");
  CHECK(report.metric("loss") == Approx(loss).epsilon(1e-5));
  CHECK(report.metric("accuracy") == Approx(answer.eq(truth).to(at::kDouble).mean().item<double>()).epsilon(0).margin(1e-12));
  CHECK(report.samples == num_rows);
  CHECK(report.seconds > 0);
  REQUIRE(report.labels == std::vector<std::string>{"0", "1", "2"});
  for (std::int64_t i = 0; i < 3; ++i) {
    for (std::int64_t j = 0; j < 3; ++j)
      CHECK(report.confusion.count(i, j) == truth.eq(i).logical_and(answer.eq(j)).sum().item<std::int64_t>());
  }
  CHECK(report.metric("macro_f1") == Approx((report.confusion.f1(0) + report.confusion.f1(1) + report.confusion.f1(2)) / 3));
}

TEST_CASE("Evaluator: the loss with class weights is the weighted mean over all records, not over batches", "[eval]") {
  Model model = make_model({0.2, 1.0, 5.0});
  const EvalReport report = Evaluator({.batch_positions = 35}).run(model, dataset());
  const at::Tensor truth = labels(), weight = at::tensor({0.2, 1.0, 5.0}, at::kDouble).index_select(0, truth);
  const at::Tensor losses = -logits_of(model).log_softmax(1).gather(1, truth.unsqueeze(1)).squeeze(1);
  CHECK(report.metric("loss") == Approx(((losses * weight).sum() / weight.sum()).item<double>()).epsilon(1e-5));
}

TEST_CASE("Evaluator: batches and threads change nothing", "[eval]") {
  Model model = make_model();
  const EvalReport base = Evaluator({.threads = 0}).run(model, dataset());
  const EvalReport other = Evaluator({.batch_positions = 15, .threads = 3}).run(model, dataset());
  CHECK(other.metric("loss") == Approx(base.metric("loss")).epsilon(1e-6));
  CHECK(other.metric("accuracy") == base.metric("accuracy"));
  REQUIRE(other.mistakes.size() == base.mistakes.size());
  for (std::size_t i = 0; i < base.mistakes.size(); ++i) CHECK(other.mistakes[i].score == Approx(base.mistakes[i].score).epsilon(1e-5));
}

TEST_CASE("Evaluator: mistakes are the surest ones, surest first", "[eval]") {
  Model model = make_model();
  const EvalReport report = Evaluator({.mistakes = 12}).run(model, dataset());
  const at::Tensor probabilities = logits_of(model).softmax(1), truth = labels();
  const at::Tensor score = std::get<0>(probabilities.max(1)), answer = probabilities.argmax(1);
  const at::Tensor wrong = std::get<0>(score.masked_select(answer.ne(truth)).sort(0, /*descending=*/true));
  REQUIRE(wrong.size(0) > 100);
  REQUIRE(report.mistakes.size() == 12);
  for (std::size_t i = 0; i < 12; ++i) {
    const Mistake& mistake = report.mistakes[i];
    CHECK(mistake.score == Approx(wrong[static_cast<std::int64_t>(i)].item<double>()).epsilon(1e-5));
    REQUIRE(mistake.place.starts_with("rows:"));
    const auto row = std::stoll(mistake.place.substr(5));
    CHECK(mistake.expected == std::to_string(truth[row].item<std::int64_t>()));
    CHECK(mistake.predicted == std::to_string(answer[row].item<std::int64_t>()));
    CHECK(mistake.expected != mistake.predicted);
  }
  CHECK(Evaluator({.mistakes = 0}).run(model, dataset()).mistakes.empty());
}

TEST_CASE("Evaluator: a mistake shows the texts that the preprocessing reads, and no others", "[eval]") {
  class Rows final : public Dataset {
   public:
    std::size_t size() const override { return 2; }
    Record get(std::size_t index) const override {
      Record record{{}, "r:" + std::to_string(index)};
      record.values["number"] = std::string("2");
      record.values["title"] = std::string("a title");
      record.values["secret"] = std::string("s");
      record.values["label"] = std::to_string(index);
      return record;
    }
  };
  Model model = sharpened(Model(backbone(), classifier(), Numbers(), {.device = "cpu"}));
  const EvalReport report = Evaluator().run(model, Data(std::make_shared<Rows>()));
  REQUIRE_FALSE(report.mistakes.empty());  // two labels, one input
  CHECK(report.mistakes[0].text == "2 | a title");
}

TEST_CASE("Evaluator: labels are those that are true or answered", "[eval]") {
  Model model = make_model();
  const at::Tensor answer = logits_of(model).argmax(1);
  std::vector<std::size_t> right;
  for (std::int64_t i = 0; i < num_rows; ++i) {
    if (answer[i].equal(labels()[i]) && answer[i].item<std::int64_t>() != 1) right.push_back(static_cast<std::size_t>(i));
  }
  const EvalReport report = Evaluator().run(model, dataset().subset(right));
  CHECK(report.labels == std::vector<std::string>{"0", "2"});
  CHECK(report.metric("accuracy") == 1);
  CHECK(report.mistakes.empty());
  CHECK(report.confusion.count(0, 0) + report.confusion.count(1, 1) == static_cast<std::int64_t>(right.size()));
}

TEST_CASE("Evaluator: from stored features it finds the same", "[eval]") {
  Model model = make_model({0.5, 1.0, 2.0});
  const Data data = data::concat(std::vector<Data>{dataset(), dataset(), dataset()});  // more rows than it takes at once
  const auto store = FeatureSet::make(model, data);
  REQUIRE(store);
  const EvalReport direct = Evaluator().run(model, data), stored = Evaluator().run(model, data, *store);
  CHECK(stored.samples == direct.samples);
  REQUIRE(stored.metrics.size() == direct.metrics.size());
  for (std::size_t i = 0; i < direct.metrics.size(); ++i) {
    CHECK(stored.metrics[i].first == direct.metrics[i].first);
    CHECK(stored.metrics[i].second == Approx(direct.metrics[i].second).epsilon(1e-6));
  }
  CHECK(stored.labels == direct.labels);
  REQUIRE(stored.mistakes.size() == direct.mistakes.size());
  for (std::size_t i = 0; i < direct.mistakes.size(); ++i)
    CHECK(stored.mistakes[i].score == Approx(direct.mistakes[i].score).epsilon(1e-5));
  for (std::int64_t cell = 0; cell < 9; ++cell)
    CHECK(stored.confusion.count(cell / 3, cell % 3) == direct.confusion.count(cell / 3, cell % 3));
}

TEST_CASE("Evaluator: with a store the frozen part runs once over a record", "[eval]") {
  const Data data = test::toy_messages(40);
  for (const Freeze& freeze : {Freeze::all(), Freeze::up_to("encoder.layer.0")}) {
    Model model = test::toy_model(freeze);
    const FeatureStore store;
    const EvalReport direct = Evaluator().run(model, data), first = Evaluator({.store = store}).run(model, data),
                     again = Evaluator({.store = store}).run(model, data);
    CHECK(store.computed() == 40);
    CHECK(store.found() == 40);
    CHECK(first.samples == 40);
    CHECK(first.mistakes.size() == direct.mistakes.size());
    for (std::size_t i = 0; i < direct.metrics.size(); ++i) {
      CHECK(first.metrics[i].second == Approx(direct.metrics[i].second).epsilon(1e-5));
      CHECK(again.metrics[i].second == Approx(direct.metrics[i].second).epsilon(1e-5));
    }
  }
}

TEST_CASE("Evaluator: the model is in its former mode afterwards, after an error too", "[eval]") {
  const bool training = GENERATE(true, false);
  Model model = make_model();
  model.set_training(training);
  Evaluator().run(model, dataset());
  CHECK(model.is_training() == training);
  const auto store = FeatureSet::make(model, dataset());
  REQUIRE(store);
  Evaluator().run(model, dataset(), *store);
  CHECK(model.is_training() == training);
  const Data unknown = dataset().map([](Record record) {
    record.values["label"] = std::string("3");
    return record;
  });
  CHECK_THROWS_AS(Evaluator().run(model, unknown), DataError);
  CHECK(model.is_training() == training);
}

TEST_CASE("Evaluator: dropout is off, whatever mode the model is in", "[eval]") {
  Model model(backbone(), head::Classifier({.labels = {"0", "1", "2"}, .dropout = 0.9, .from = "hidden"}),
              TensorInputs({{"x", at::zeros({5})}}), {.device = "cpu"});
  const double eval = Evaluator().run(model, dataset()).metric("loss");
  model.set_training(true);
  CHECK(Evaluator().run(model, dataset()).metric("loss") == eval);
}

TEST_CASE("Evaluator: progress goes up to all samples", "[eval]") {
  Model model = make_model();
  std::vector<std::int64_t> done;
  const Evaluator evaluator({.progress = [&](const Progress& progress) {
    CHECK(progress.phase == "evaluate");
    CHECK(progress.total == num_rows);
    done.push_back(progress.done);
  }});
  evaluator.run(model, dataset());
  // Rows without positions come in batches of 32.
  REQUIRE(done.size() == 16);
  CHECK(done.front() == 32);
  CHECK(done.back() == 500);
  CHECK(std::ranges::is_sorted(done));
}

TEST_CASE("Evaluator: a stop ends it after the batch at hand", "[eval]") {
  Model model = make_model();
  std::stop_source source;
  const Evaluator evaluator({.progress = [&](const Progress& progress) {
    if (progress.done == 64) source.request_stop();
  }});
  CHECK(evaluator.run(model, dataset(), source.get_token()).samples == 64);
}

TEST_CASE("Evaluator: no records are an error", "[eval][error]") {
  Model model = make_model();
  const auto error = test::error_of<DataError>([&] { Evaluator().run(model, Data()); });
  CHECK(error.code() == "graft-D018");
  CHECK(error.message() == "[Evaluator] at least one record is wanted, there is none.");
  CHECK(error.remedy() == "Check the file or the split.");
  const auto store = FeatureSet::make(model, dataset());
  REQUIRE(store);
  CHECK(test::error_of<DataError>([&] { Evaluator().run(model, dataset().subset({}), *store); }).code() == "graft-D018");
}

TEST_CASE("Evaluator: a label that the head does not know is told with its record", "[eval][error]") {
  Model model = make_model();
  const Data unknown = dataset().map([](Record record) {
    if (record.place.ends_with(":123")) record.values["label"] = std::int64_t{7};
    return record;
  });
  const auto error = test::error_of<DataError>([&] { Evaluator().run(model, unknown); });
  CHECK(error.code() == "graft-D017");
  CHECK(error.place() == "rows:123");
}

TEST_CASE("Evaluator: with mirror images it measures the mean of both, store or not", "[eval]") {
  Model model = test::toy_vision_model();
  {
    const c10::NoGradGuard no_grad;
    model.head().parameters()["weight"].mul_(100);  // the first weights of a head are near 0
  }
  const Data data = test::toy_pictures(40, 8);
  EvaluatorOptions options{.mirrored = true};
  if (GENERATE(true, false)) options.store = FeatureStore();
  const EvalReport found = Evaluator(options).run(model, data);
  CHECK(options.store.computed() == 0);
  const c10::NoGradGuard no_grad;
  double loss = 0, right = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const at::Tensor x = data.get(i).tensor("x").unsqueeze(0);
    const auto label = std::get<std::int64_t>(data.get(i).values.at("label"));
    const at::Tensor logits = (model({{"x", x}})["logits"] + model({{"x", x.flip(3)}})["logits"]) / 2;
    loss -= logits.log_softmax(-1)[0][label].item<double>() / 40;
    right += logits.argmax().item<std::int64_t>() == label ? 1.0 / 40 : 0;
  }
  CHECK(found.metric("loss") == Approx(loss).epsilon(1e-5));
  CHECK(found.metric("accuracy") == Approx(right));
  CHECK(found.metric("loss") != Approx(Evaluator().run(model, data).metric("loss")).epsilon(1e-5));
}

TEST_CASE("Evaluator: features have no mirror image", "[eval][error]") {
  Model model = make_model();
  const auto set = FeatureSet::make(model, dataset());
  REQUIRE(set);
  const Evaluator mirrored({.mirrored = true});
  CHECK(test::error_of<ConfigError>([&] { mirrored.run(model, dataset(), *set); }).code() == "graft-C116");
  CHECK(test::error_of<ConfigError>([&] { mirrored.run(model, dataset()); }).code() == "graft-C116");
}
