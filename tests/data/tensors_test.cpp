#include "graft/data/tensors.h"

#include "core/json.h"
#include "graft/data/tensor_inputs.h"
#include "support.h"

using namespace graft;

TEST_CASE("Tensors: each row is a record, numbers where a column holds whole ones", "[tensors]") {
  const at::Tensor x = at::arange(6, at::kFloat).view({3, 2});
  const Data data =
      data::tensors({{"x", x}, {"label", at::tensor({2, 0, 1}, at::kLong)}, {"score", at::tensor({0.5, 1.5, 2.5}, at::kDouble)}});
  REQUIRE(data.size() == 3);
  const Record record = data.get(1);
  CHECK(record.tensor("x").equal(x[1]));
  CHECK(std::get<std::int64_t>(record.values.at("label")) == 0);
  CHECK(record.text("label") == "0");
  CHECK(record.tensor("score").item<double>() == 1.5);
  CHECK(record.place == "memory:1");
  CHECK(data.labels("label") == std::vector<std::string>{"0", "1", "2"});
}

TEST_CASE("Tensors: places bear the name that was given", "[tensors]") {
  CHECK(data::tensors({{"x", at::zeros({1, 2})}}, "train").get(0).place == "train:0");
}

TEST_CASE("Tensors: rows share their memory", "[tensors]") {
  at::Tensor x = at::zeros({2, 2});
  const Data data = data::tensors({{"x", x}});
  x.fill_(3);
  CHECK(data.get(0).tensor("x").equal(at::full({2}, 3.0F)));
}

TEST_CASE("Tensors: none at all make an empty data set", "[tensors]") {
  CHECK(data::tensors({}).empty());
  CHECK(data::tensors({{"x", at::zeros({0, 4})}}).empty());
}

TEST_CASE("Tensors: another number of rows is told with both shapes", "[tensors][error]") {
  const auto error = test::error_of<DataError>([] { data::tensors({{"x", at::zeros({4, 2})}, {"label", at::zeros({3})}}, "train"); });
  CHECK(error.code() == "graft-D013");
  CHECK(error.message() == "[Tensors] tensors with the same number of rows are wanted, got \"label\" [3] beside \"x\" [4, 2].");
  CHECK(error.remedy() == "Give each tensor one row for each record.");
  CHECK(error.place() == "train");
  CHECK(test::error_of<DataError>([] {
          data::tensors({{"x", at::zeros({4})}, {"one", at::scalar_tensor(1)}});
        }).message() == "[Tensors] tensors with the same number of rows are wanted, got \"one\" [] beside \"x\" [4].");
  CHECK(test::error_of<DataError>([] {
          data::tensors({{"x", at::scalar_tensor(1)}});
        }).message() == "[Tensors] tensors with the same number of rows are wanted, got \"x\" [] beside \"x\" [].");
}

TEST_CASE("TensorInputs: tensors of the record pass through under their names, and others stay out", "[tensors]") {
  const TensorInputs inputs({{"x", at::zeros({2})}, {"y", at::zeros({1, 3})}});
  const Data data = data::tensors({{"y", at::rand({4, 1, 3})}, {"x", at::rand({4, 2})}, {"unused", at::rand({4, 7})}});
  Rng rng(1);
  const auto samples = inputs(data.get(2), rng, Mode::Train);
  REQUIRE(samples.size() == 1);
  CHECK(samples[0].inputs.names() == std::vector<std::string>{"x", "y"});
  CHECK(samples[0].inputs["x"].equal(data.get(2).tensor("x")));
  CHECK(samples[0].inputs["y"].equal(data.get(2).tensor("y")));
  CHECK(samples[0].targets.empty());
  CHECK(rng.draws() == 0);
  CHECK(inputs.padding().values.empty());
}

TEST_CASE("TensorInputs: a record without the tensor is told with what it has", "[tensors][error]") {
  const TensorInputs inputs({{"pixels", at::zeros({2})}});
  Rng rng(1);
  const Record record{{{"pixel", at::zeros({2})}, {"label", std::int64_t{1}}}, "memory:0"};
  const auto error = test::error_of<DataError>([&] { inputs(record, rng, Mode::Eval); });
  CHECK(error.message() == "[Record] a tensor named \"pixels\" is wanted; the record has: \"label\", \"pixel\".");
  CHECK(error.remedy() == "Did you mean \"pixel\"?");
}

TEST_CASE("TensorInputs: its config builds it again, with zeros for the example", "[tensors]") {
  const TensorInputs inputs({{"x", at::ones({3, 2})}, {"ids", at::ones({5}, at::kLong)}});
  const Json config = inputs.config();
  CHECK(config.at("type") == "tensors");
  const TensorInputs again = TensorInputs::from_config(Json::parse(config.dump()));
  CHECK(again.config() == config);
  const Record example = again.example();
  CHECK(example.values.size() == 2);
  CHECK(example.tensor("x").equal(at::zeros({3, 2})));
  CHECK(example.tensor("ids").equal(at::zeros({5}, at::kLong)));
  CHECK(example.tensor("ids").scalar_type() == at::kLong);
  CHECK(inputs.example().tensor("x").equal(at::ones({3, 2})));
  CHECK(example.place == "example");
}
