// A sparse gradient of an embedding table steps the rows that it has, and gives what a dense one gives.
#include "optim/row_updates.h"

#include <ATen/ATen.h>

#include "graft/optim/optimizer.h"
#include "support.h"

using namespace graft;

namespace {

constexpr std::int64_t table_rows = 12, width = 5;

at::Tensor leaf(const at::Tensor& values) { return values.clone().set_requires_grad(true); }

at::Tensor longs(const std::vector<std::int64_t>& values) { return at::tensor(values, at::kLong); }

struct Rule {
  std::string name;
  Optimizer (*make)(std::vector<ParameterGroup>);
};

const std::vector<Rule>& rules() {
  static const std::vector<Rule> all{
      {"AdamW", [](std::vector<ParameterGroup> groups) { return Optimizer::adamw(std::move(groups)); }},
      {"SGD with momentum", [](std::vector<ParameterGroup> groups) { return Optimizer::sgd(std::move(groups), {.nesterov = true}); }},
      {"SGD", [](std::vector<ParameterGroup> groups) { return Optimizer::sgd(std::move(groups), {.momentum = 0}); }},
      {"Lion", [](std::vector<ParameterGroup> groups) { return Optimizer::lion(std::move(groups)); }}};
  return all;
}

/// Different rows, a row twice, none at all, a row that rested, all rows.
const std::vector<at::Tensor>& batches() {
  static const std::vector<at::Tensor> all{longs({3, 1, 7}), longs({7, 7, 2}), longs({}), longs({3}),
                                           longs({11, 0}),   at::arange(12),   longs({5})};
  return all;
}

/// The gradient of a loss in which each row that is read has another factor.
void backward(const at::Tensor& table, const at::Tensor& batch, bool sparse) {
  table.mutable_grad().reset();
  const at::Tensor factors = at::arange(batch.numel() * width, table.options()).sin().view({batch.numel(), width});
  (at::embedding(table, batch, -1, false, sparse) * factors).sum().backward();
  REQUIRE(table.grad().is_sparse() == sparse);
}

/// One step after another with two tables side by side; their largest difference.
class Pair {
 public:
  Pair(const Rule& rule, double weight_decay, at::ScalarType type = at::kFloat) {
    at::manual_seed(1);
    const at::Tensor start = at::randn({table_rows, width}, type), other = at::randn({4}, type);
    for (int i = 0; i < 2; ++i) {
      tables_.push_back(leaf(start));
      others_.push_back(leaf(other));
      optimizers_.push_back(rule.make({{{others_[i], tables_[i]}, 0.1, weight_decay}}));
    }
  }
  /// The first table's gradient is sparse.
  void step(const at::Tensor& batch, bool sparse = true) {
    for (std::size_t i = 0; i < 2; ++i) {
      backward(tables_[i], batch, sparse && i == 0);
      others_[i].mutable_grad() = others_[i].detach().cos();
      optimizers_[i].step(0.7);
    }
  }
  double difference() const {
    return std::max(test::max_difference(tables_[0].detach(), tables_[1].detach()),
                    test::max_difference(others_[0].detach(), others_[1].detach()));
  }
  Optimizer& sparse() { return optimizers_[0]; }

 private:
  std::vector<at::Tensor> tables_, others_;
  std::vector<Optimizer> optimizers_;
};

}  // namespace

TEST_CASE("Optimizer: a sparse gradient gives the weights of the dense one", "[optim]") {
  const Rule& rule = rules()[static_cast<std::size_t>(GENERATE(range(0, 4)))];
  const at::ScalarType type = GENERATE(at::kFloat, at::kDouble);
  Pair pair(rule, 0.0, type);
  for (std::size_t i = 0; i < batches().size(); ++i) {
    pair.step(batches()[i]);
    INFO(rule.name << ", step " << i);
    CHECK(pair.difference() < 1e-7);
  }
}

TEST_CASE("Optimizer: with weight decay a sparse gradient is that of all rows", "[optim]") {
  const Rule& rule = rules()[static_cast<std::size_t>(GENERATE(range(0, 4)))];
  Pair pair(rule, 0.1);
  for (std::size_t i = 0; i < 4; ++i) {
    pair.step(batches()[i]);
    INFO(rule.name << ", step " << i);
    CHECK(pair.difference() < 1e-7);
  }
  CHECK_FALSE(pair.sparse().state().has("0.1/rows"));
}

TEST_CASE("Optimizer: dense gradients after sparse ones, and sparse ones after those", "[optim]") {
  const Rule& rule = rules()[static_cast<std::size_t>(GENERATE(range(0, 4)))];
  Pair pair(rule, 0.0);
  for (const bool sparse : {true, true, false, false, true, true}) {
    pair.step(longs({3, 8}), sparse);
    pair.step(longs({0, 8, 8}), sparse);
    INFO(rule.name);
    CHECK(pair.difference() < 1e-7);
  }
}

TEST_CASE("Optimizer: moments are kept of the rows that were read", "[optim]") {
  const at::Tensor table = leaf(at::ones({table_rows, width}));
  Optimizer optimizer = Optimizer::adamw({{.parameters = {table}, .name = "tables", .names = {"words"}}});
  backward(table, longs({7, 3}), true);
  optimizer.step();
  backward(table, longs({3, 9}), true);
  optimizer.step();
  CHECK(optimizer.state().names() == std::vector<std::string>{"words/exp_avg", "words/exp_avg_sq", "words/rows", "words/step"});
  CHECK(optimizer.state()["words/rows"].equal(longs({3, 7, 9})));
  CHECK(optimizer.state()["words/exp_avg"].sizes() == at::IntArrayRef{3, width});
  CHECK(optimizer.state()["words/step"].item<float>() == 2);
  // Rows that no batch read are as they were.
  CHECK(table.detach().index_select(0, longs({0, 1, 2, 4, 5, 6, 8, 10, 11})).eq(1).all().item<bool>());
}

TEST_CASE("Optimizer: without momentum nothing is kept of rows", "[optim]") {
  const at::Tensor table = leaf(at::ones({table_rows, width}));
  Optimizer optimizer = Optimizer::sgd({{{table}}}, {.momentum = 0});
  backward(table, longs({7, 3}), true);
  optimizer.step();
  CHECK(optimizer.state().empty());
}

TEST_CASE("Optimizer: a table that is no contiguous memory is stepped as well", "[optim]") {
  const at::Tensor turned = at::arange(60, at::kFloat).view({width, table_rows}).t().detach().set_requires_grad(true),
                   plain = leaf(turned.detach().contiguous());
  REQUIRE_FALSE(turned.is_contiguous());
  for (const at::Tensor& table : {turned, plain}) {
    Optimizer optimizer = Optimizer::adamw({{{table}}});
    for (const at::Tensor& batch : batches()) {
      backward(table, batch, true);
      optimizer.step();
    }
  }
  CHECK(test::max_difference(turned.detach(), plain.detach()) < 1e-6);
}

TEST_CASE("KnownRows: new rows come behind those that are known", "[optim]") {
  KnownRows known(longs({4, 2}));
  CHECK(known.add(longs({2, 9, 4, 0}), 10).equal(longs({1, 2, 0, 3})));
  CHECK(known.indices().equal(longs({4, 2, 9, 0})));
  CHECK(known.add(longs({}), 10).numel() == 0);
  CHECK(known.add(longs({0, 9}), 10).equal(longs({3, 2})));
  CHECK(known.indices().numel() == 4);
  CHECK_FALSE(KnownRows().defined());
}
