// Matrices of whole blocks of rows, which share memory where there is room.
#include "graph/row_blocks.h"

#include "support.h"

using namespace graft;

TEST_CASE("RowBlocks: rows are rounded up, and copied only where there is no room behind them", "[graph]") {
  const at::Tensor x = at::arange(30, at::kFloat).view({5, 2, 3});
  const at::Tensor matrix = graph::in_blocks(x);
  CHECK(matrix.sizes() == at::IntArrayRef{32, 3});
  CHECK(matrix.narrow(0, 0, 10).equal(x.view({10, 3})));
  CHECK(matrix.data_ptr() != x.data_ptr());
  const at::Tensor roomy = graph::empty_with_room({5, 7, 3}, at::kFloat);
  CHECK(roomy.sizes() == at::IntArrayRef{5, 7, 3});
  CHECK(graph::in_blocks(roomy).sizes() == at::IntArrayRef{64, 3});
  CHECK(graph::in_blocks(roomy).data_ptr() == roomy.data_ptr());
}

TEST_CASE("RowBlocks: whole blocks stay where they are", "[graph]") {
  const at::Tensor x = at::zeros({2, 32, 3});
  CHECK(graph::in_blocks(x).data_ptr() == x.data_ptr());
}

TEST_CASE("RowBlocks: what does not lie row by row is copied", "[graph]") {
  at::manual_seed(1);
  const at::Tensor x = at::randn({64, 40}).t();
  CHECK(graph::in_blocks(x).narrow(0, 0, 40).equal(x));
}

TEST_CASE("RowBlocks: a result has the shape of its input, with room behind it", "[graph]") {
  const at::Tensor matrix = at::arange(64, at::kFloat).view({32, 2});
  const at::Tensor rows = graph::out_of_blocks(matrix, {3, 4, 2});
  CHECK(rows.equal(matrix.narrow(0, 0, 12).view({3, 4, 2})));
  CHECK(graph::in_blocks(rows).data_ptr() == matrix.data_ptr());
}
