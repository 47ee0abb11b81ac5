// Networks in the form that trains: another source of the same randomness.
#include "graph/training_form.h"

#include "graph/dropout.h"

#include <ATen/CPUGeneratorImpl.h>

#include "halves.h"
#include "support.h"

using namespace graft;

TEST_CASE("Dropout: as many numbers as wanted are dropped, the others keep the mean", "[graph]") {
  const double p = GENERATE(0.1, 0.5, 0.9);
  at::manual_seed(1);
  const std::int64_t count = 300001;  // no multiple of 4
  const at::Tensor x = at::ones({count}), y = graph::dropout(x, p);
  const at::Tensor values = std::get<0>(at::_unique(y));
  REQUIRE(values.numel() == 2);
  CHECK(values[0].item<double>() == 0);
  CHECK(values[1].item<double>() == Approx(1 / (1 - p)).epsilon(1e-4));
  // Five standard deviations of a binomial.
  const double share = y.eq(0).to(at::kDouble).mean().item<double>();
  CHECK(std::abs(share - p) < 5 * std::sqrt(p * (1 - p) / static_cast<double>(count)));
  // Neighbours, which share a word, are independent.
  const at::Tensor kept = y.ne(0).to(at::kDouble) - (1 - p);
  const double together = (kept.narrow(0, 0, count - 1) * kept.narrow(0, 1, count - 1)).mean().item<double>();
  CHECK(std::abs(together) < 5 * p * (1 - p) / std::sqrt(static_cast<double>(count)));
}

TEST_CASE("Dropout: gradients pass where numbers do", "[graph]") {
  at::manual_seed(1);
  const at::Tensor x = at::randn({64, 8}).requires_grad_(true);
  const at::Tensor y = graph::dropout(x, 0.25);
  y.sum().backward();
  CHECK(test::max_difference(x.grad() * x.detach(), y.detach()) < 1e-6);
}

TEST_CASE("Dropout: the seed decides, and the shape and type stay", "[graph]") {
  const at::Tensor x = at::ones({5, 3, 2}, at::kDouble);
  at::manual_seed(3);
  const at::Tensor first = graph::dropout(x, 0.5), second = graph::dropout(x, 0.5);
  at::manual_seed(3);
  CHECK(graph::dropout(x, 0.5).equal(first));
  CHECK_FALSE(first.equal(second));
  CHECK(first.sizes() == x.sizes());
  CHECK(first.scalar_type() == at::kDouble);
}

TEST_CASE("Dropout: all or nothing", "[graph]") {
  const at::Tensor x = at::ones({4});
  CHECK(graph::dropout(x, 0).equal(x));
  CHECK(graph::dropout(x, 1).equal(at::zeros({4})));
  CHECK(graph::dropout(at::ones({0}), 0.5).numel() == 0);
}

TEST_CASE("TrainingForm: in eval mode the numbers of the network itself", "[graph]") {
  at::manual_seed(1);
  const std::string mask = GENERATE("None", "mask", "mask > 0.0");
  graph::Network network = test::network_of(
      "def forward(self, x, mask):\n"
      "    q = torch.linear(x, self.w, None)\n"
      "    p = 0.5\n"
      "    if not self.training:\n"
      "        p = 0.0\n"
      "    y = torch.scaled_dot_product_attention(q, x, x, " +
          mask + ", p, False)\n    return torch.dropout(y, 0.3, self.training)\n",
      {{"w", at::randn({4, 4})}});
  const at::Tensor allowed = at::rand({5, 5}) + 0.1;
  const std::vector<c10::IValue> inputs{at::randn({3, 2, 5, 4}), allowed};
  graph::Network form = graph::training_form(network);
  network.eval();
  form.eval();
  CHECK(form(inputs)["output"].equal(network(inputs)["output"]));
  const auto all = [](const std::string&) { return true; };
  network.train(all);
  form.train(all);
  const at::Tensor found = form(inputs)["output"];
  CHECK(std::abs(found.eq(0).to(at::kDouble).mean().item<double>() - 0.3) < 0.15);
  // Over many draws attention with dropout gives what it gives without.
  at::Tensor sum = at::zeros_like(found), expected = at::zeros_like(found);
  for (int draw = 0; draw < 2000; ++draw) {
    sum += form(inputs)["output"].detach();
    expected += network(inputs)["output"].detach();
  }
  CHECK(test::relative_difference(sum, expected) < 0.1);
}
