#include "graft/core/fields.h"

#include "support.h"

using namespace graft;

TEST_CASE("Fields: names keep the order in which they were set", "[core]") {
  Fields fields{{"z", at::ones({1})}, {"a", at::zeros({2})}};
  fields.set("m", at::zeros({3}));
  CHECK(fields.names() == std::vector<std::string>{"z", "a", "m"});
  CHECK(fields.size() == 3);
  std::vector<std::string> walked;
  for (const auto& [name, tensor] : fields) walked.push_back(name + shape_text(tensor.sizes()));
  CHECK(walked == std::vector<std::string>{"z[1]", "a[2]", "m[3]"});
}

TEST_CASE("Fields: setting a name again replaces its tensor at its place", "[core]") {
  Fields fields{{"x", at::zeros({2})}, {"y", at::zeros({2})}};
  fields.set("x", at::full({1}, 7.0));
  CHECK(fields.names() == std::vector<std::string>{"x", "y"});
  CHECK(fields["x"].item<double>() == 7.0);
  const Fields doubled{{"x", at::zeros({1})}, {"x", at::ones({1})}};
  CHECK(doubled.size() == 1);
  CHECK(doubled["x"].item<double>() == 1.0);
}

TEST_CASE("Fields: a name is found, or it is not", "[core]") {
  const at::Tensor x = at::rand({2});
  const Fields fields{{"x", x}};
  REQUIRE(fields.find("x") != nullptr);
  CHECK(fields.find("x")->is_same(x));
  CHECK(fields["x"].is_same(x));
  CHECK(fields.has("x"));
  CHECK(fields.find("X") == nullptr);
  CHECK_FALSE(fields.has(""));
  CHECK(Fields().empty());
  CHECK_FALSE(fields.empty());
}

TEST_CASE("Fields say which names there are when one is missing", "[core][error]") {
  const Fields fields{{"input_ids", at::zeros({1})}, {"attention_mask", at::zeros({1})}};
  const auto error = test::error_of<ModelError>([&] { fields["pooled"]; });
  CHECK(error.code() == "graft-M001");
  CHECK(error.message() == "[Fields] a tensor named \"pooled\" is wanted, there are: \"input_ids\", \"attention_mask\".");
  CHECK(error.remedy() == "Check the names that the head reads, or the columns that the preprocessing gives.");
  CHECK(test::error_of<ModelError>([] { Fields()["x"]; }).message() == "[Fields] a tensor named \"x\" is wanted, there are: none.");
}

TEST_CASE("Fields: rows takes the rows of every tensor, in the order asked and as often", "[core]") {
  const Fields fields{{"x", at::arange(8, at::kFloat).view({4, 2})}, {"label", at::arange(4, at::kLong)}};
  const Fields some = rows(fields, at::tensor({3, 0, 3}, at::kLong));
  CHECK(some.names() == fields.names());
  CHECK(some["x"].equal(at::tensor({6.F, 7.F, 0.F, 1.F, 6.F, 7.F}).view({3, 2})));
  CHECK(some["label"].equal(at::tensor({3, 0, 3}, at::kLong)));
  CHECK(fields["label"].size(0) == 4);
}

TEST_CASE("Fields: rows from a start on are views of every tensor", "[core]") {
  const Fields fields{{"x", at::arange(8, at::kFloat).view({4, 2})}, {"label", at::arange(4, at::kLong)}};
  const Fields some = rows(fields, 1, 2);
  CHECK(some.names() == fields.names());
  CHECK(some["x"].equal(at::tensor({2.F, 3.F, 4.F, 5.F}).view({2, 2})));
  CHECK(some["label"].equal(at::tensor({1, 2}, at::kLong)));
  CHECK(some["x"].is_alias_of(fields["x"]));
  CHECK(rows(fields, 4, 0)["x"].size(0) == 0);
}

TEST_CASE("Fields: to() shares tensors that are on the device already", "[core]") {
  const Fields fields{{"x", at::rand({2})}, {"y", at::rand({3})}};
  const Fields moved = to(fields, c10::kCPU);
  CHECK(moved.names() == fields.names());
  CHECK(moved["x"].is_same(fields["x"]));
  CHECK(moved["y"].is_same(fields["y"]));
}

TEST_CASE("Fields: to() moves every tensor", "[core]") {
  const Fields moved = to({{"x", at::rand({2})}, {"y", at::rand({3}, at::kDouble)}}, c10::kMeta);
  CHECK(moved["x"].is_meta());
  CHECK(moved["y"].is_meta());
  CHECK(moved["y"].scalar_type() == at::kDouble);
}

TEST_CASE("Fields: shape_text writes sizes as people do", "[core]") {
  CHECK(shape_text({8, 384}) == "[8, 384]");
  CHECK(shape_text({5}) == "[5]");
  CHECK(shape_text({}) == "[]");
  CHECK(shape_text({0, 1, 2}) == "[0, 1, 2]");
}
