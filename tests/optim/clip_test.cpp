#include "graft/optim/clip.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "support.h"

using namespace graft;

namespace {

at::Tensor leaf(const at::Tensor& values, const at::Tensor& gradient = {}) {
  at::Tensor parameter = values.clone().set_requires_grad(true);
  if (gradient.defined()) parameter.mutable_grad() = gradient.clone();
  return parameter;
}

at::Tensor doubles(const Json& list) { return test::tensor_of(list, at::kDouble); }

/// These rows of `dense`, coalesced.
at::Tensor sparse_rows(const at::Tensor& dense, const std::vector<std::int64_t>& rows) {
  const at::Tensor index = at::tensor(rows, at::kLong);
  return at::sparse_coo_tensor(index.unsqueeze(0), dense.index_select(0, index), dense.sizes()).coalesce();
}

/// The golden parameters; the last is an embedding, whose gradient may be sparse.
std::vector<at::Tensor> parameters_of(const Json& golden, bool sparse) {
  std::vector<at::Tensor> parameters;
  for (std::size_t i = 0; i < golden.at("weights").size(); ++i)
    parameters.push_back(leaf(doubles(golden.at("weights").at(i)), doubles(golden.at("gradients").at(i))));
  at::Tensor& gradient = parameters.back().mutable_grad();
  if (sparse) gradient = sparse_rows(gradient, golden.at("rows").get<std::vector<std::int64_t>>());
  return parameters;
}

at::Tensor dense(const at::Tensor& gradient) { return gradient.is_sparse() ? gradient.to_dense() : gradient; }

Clip::Kind kind_of(const std::string& name) { return Clip::kind_from(name); }

}  // namespace

TEST_CASE("Clip: by norm and value it is PyTorch's, adaptively the paper's formula", "[optim]") {
  const Json golden = test::golden("clipping.json");
  const bool sparse = GENERATE(false, true);
  for (const Json& run : golden.at("runs")) {
    INFO(run.at("kind") << ", limit " << run.at("limit") << ", sparse " << sparse);
    const auto parameters = parameters_of(golden, sparse);
    const at::Tensor norm = clip_gradients(parameters, {.kind = kind_of(run.at("kind")), .limit = run.at("limit")});
    CHECK(norm.dim() == 0);
    CHECK(norm.item<double>() == Approx(golden.at("norm").get<double>()).epsilon(1e-14));
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      CHECK(parameters[i].grad().is_sparse() == (sparse && i + 1 == parameters.size()));
      CHECK(test::max_difference(dense(parameters[i].grad()), doubles(run.at("after").at(i))) < 1e-14);
      CHECK(parameters[i].detach().equal(doubles(golden.at("weights").at(i))));
    }
  }
}

TEST_CASE("Clip: none measures the norm and leaves gradients as they are", "[optim]") {
  const Json golden = test::golden("clipping.json");
  const auto parameters = parameters_of(golden, GENERATE(false, true));
  const at::Tensor norm = clip_gradients(parameters, {.kind = Clip::Kind::None, .limit = 0});
  CHECK(norm.item<double>() == Approx(golden.at("norm").get<double>()).epsilon(1e-14));
  for (std::size_t i = 0; i < parameters.size(); ++i) CHECK(dense(parameters[i].grad()).equal(doubles(golden.at("gradients").at(i))));
}

TEST_CASE("Clip: an adaptive limit is a share of each unit's length", "[optim]") {
  const auto rows = [](std::vector<double> values) { return at::tensor(values, at::kDouble).view({-1, 2}); };
  // Weights as long as 5, 0.0001 (counts as 0.001) and 10; gradients as long as 5, 5 and 0.
  const at::Tensor table = leaf(rows({3, 4, 0, 1e-4, 6, 8}), rows({4, 3, 4, 3, 0, 0}));
  const at::Tensor bias = leaf(at::tensor({0.6, 0.8}, at::kDouble), at::tensor({3.0, 4.0}, at::kDouble));
  const at::Tensor norm = clip_gradients({table, bias}, {.kind = Clip::Kind::Adaptive, .limit = 0.1});
  CHECK(norm.item<double>() == Approx(std::sqrt(75)));
  CHECK(test::max_difference(table.grad(), rows({0.4, 0.3, 0.8e-4, 0.6e-4, 0, 0})) < 1e-15);
  CHECK(test::max_difference(bias.grad(), at::tensor({0.06, 0.08}, at::kDouble)) < 1e-15);
}

TEST_CASE("Clip: a sparse gradient has each row once before it is measured", "[optim]") {
  const Clip::Kind kind = GENERATE(Clip::Kind::None, Clip::Kind::Norm, Clip::Kind::Values, Clip::Kind::Adaptive);
  at::Tensor table = leaf(at::ones({4, 2}, at::kDouble));
  table = table.detach().set_requires_grad(true);
  // Row 2 is read three times: an embedding's gradient is [3, 3] there, [1, 1] at row 0.
  at::embedding(table, at::tensor({2, 0, 2, 2}, at::kLong), -1, false, /*sparse=*/true).sum().backward();
  REQUIRE(table.grad().is_sparse());
  const at::Tensor full = leaf(table.detach(), table.grad().to_dense());
  const at::Tensor norm = clip_gradients({table}, {.kind = kind, .limit = 2});
  CHECK(norm.item<double>() == Approx(std::sqrt(20)));
  clip_gradients({full}, {.kind = kind, .limit = 2});
  CHECK(table.grad().is_sparse());
  CHECK(test::max_difference(table.grad().to_dense(), full.grad()) < 1e-15);
}

TEST_CASE("Clip: a sparse gradient of a vector belongs to one unit", "[optim]") {
  const at::Tensor vector = leaf(at::tensor({3.0, 0.0, 4.0}, at::kDouble));
  vector.mutable_grad() = sparse_rows(at::tensor({0.0, 10.0, 0.0}, at::kDouble), {1});
  clip_gradients({vector}, {.kind = Clip::Kind::Adaptive, .limit = 0.1});
  CHECK(test::max_difference(vector.grad().to_dense(), at::tensor({0.0, 0.5, 0.0}, at::kDouble)) < 1e-15);
}

TEST_CASE("Clip: without a gradient the norm is 0", "[optim]") {
  const Clip::Kind kind = GENERATE(Clip::Kind::None, Clip::Kind::Norm, Clip::Kind::Values, Clip::Kind::Adaptive);
  const at::Tensor parameter = leaf(at::zeros({2}, at::kDouble));
  const at::Tensor norm = clip_gradients({parameter}, {.kind = kind});
  CHECK(norm.item<double>() == 0);
  CHECK(norm.dim() == 0);
  CHECK(norm.scalar_type() == at::kDouble);
  CHECK_FALSE(parameter.grad().defined());
  CHECK(clip_gradients({}, {.kind = kind}).item<double>() == 0);
  // An embedding of which a batch read nothing.
  const at::Tensor unread = leaf(at::ones({3, 2}));
  unread.mutable_grad() = sparse_rows(at::ones({3, 2}), {});
  CHECK(clip_gradients({unread}, {.kind = kind}).item<double>() == 0);
}

TEST_CASE("Clip: it is done outside autograd", "[optim]") {
  const Clip::Kind kind = GENERATE(Clip::Kind::Norm, Clip::Kind::Values, Clip::Kind::Adaptive);
  const at::Tensor parameter = leaf(at::ones({2, 2}), at::full({2, 2}, 9.0));
  const at::Tensor norm = clip_gradients({parameter}, {.kind = kind, .limit = 0.5});
  CHECK_FALSE(norm.requires_grad());
  CHECK_FALSE(parameter.grad().requires_grad());
  CHECK(parameter.grad().max().item<double>() <= 0.5);
}

TEST_CASE("Clipping: the norm is over all gradients together, and they are scaled down to the limit", "[optim]") {
  const std::vector<at::Tensor> parameters{leaf(at::zeros({2}), at::tensor({3.F, 0.F})), leaf(at::zeros({1, 1}), at::tensor({{4.F}})),
                                           leaf(at::zeros({3}))};
  const at::Tensor norm = clip_grad_norm(parameters, 1.0);
  CHECK(norm.dim() == 0);
  CHECK(norm.item<double>() == Approx(5));
  CHECK(test::max_difference(parameters[0].grad(), at::tensor({0.6F, 0.F})) < 1e-6);
  CHECK(test::max_difference(parameters[1].grad(), at::tensor({{0.8F}})) < 1e-6);
  CHECK_FALSE(parameters[2].grad().defined());
}

TEST_CASE("Clipping: gradients within the limit stay as they are, and 0 leaves all", "[optim]") {
  const double limit = GENERATE(0.0, 5.1, 100.0, std::numeric_limits<double>::infinity());
  const at::Tensor parameter = leaf(at::zeros({2}), at::tensor({3.F, 4.F}));
  CHECK(clip_grad_norm({parameter}, limit).item<double>() == Approx(5));
  CHECK(parameter.grad().equal(at::tensor({3.F, 4.F})));
}

TEST_CASE("Clip says what is wrong with it", "[optim][error]") {
  CHECK(Clip::kind_from("none") == Clip::Kind::None);
  CHECK(Clip::kind_from("norm") == Clip::Kind::Norm);
  CHECK(Clip::kind_from("values") == Clip::Kind::Values);
  CHECK(Clip::kind_from("adaptive") == Clip::Kind::Adaptive);
  const auto unknown = test::error_of<ConfigError>([] { Clip::kind_from("adaptve"); });
  CHECK(unknown.code() == "graft-C031");
  CHECK(unknown.message() == R"([Clip] one of "none", "norm", "values", "adaptive" is wanted, got "adaptve".)");
  CHECK(unknown.remedy() == R"(Did you mean "adaptive"?)");
  CHECK(Clip::parse("none") == Clip{.kind = Clip::Kind::None});
  CHECK(Clip::parse("values:0.5") == Clip{.kind = Clip::Kind::Values, .limit = 0.5});
  for (const char* text : {"none", "norm:1.0", "values:0.5", "adaptive:0.01"}) CHECK(Clip::parse(text).text() == text);
  for (const char* text : {"", "norm", "norm:", "norm:0", "norm:-1", "norm:1x", "none:1", "value:1"})
    CHECK(test::error_of<ConfigError>([&] { Clip::parse(text); }).code() == "graft-C031");

  const Clip::Kind kind = GENERATE(Clip::Kind::Norm, Clip::Kind::Values, Clip::Kind::Adaptive);
  for (const double limit : {0.0, -1.0, std::nan("")}) {
    const at::Tensor parameter = leaf(at::zeros({2}), at::ones({2}));
    const auto error = test::error_of<ConfigError>([&] { clip_gradients({parameter}, {.kind = kind, .limit = limit}); });
    CHECK(error.code() == "graft-C031");
    CHECK(error.message() == "[Clip] a limit above 0 is wanted, got " + std::to_string(limit) + ".");
    CHECK(parameter.grad().equal(at::ones({2})));
  }

  const at::Tensor table = leaf(at::ones({2, 2}));
  table.mutable_grad() = at::ones({2, 2}).to_sparse();
  const auto scattered = test::error_of<ConfigError>([&] { clip_gradients({table}, {.kind = Clip::Kind::Adaptive}); });
  CHECK(scattered.code() == "graft-C031");
  CHECK(scattered.message() == "[Clip] adaptive clipping of a sparse gradient wants whole rows, got one that is sparse in 2 dimensions.");
}
