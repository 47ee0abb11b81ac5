#include "optim/mean_loss.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

namespace graft::optim {
namespace {

// Rows of one forward and backward pass: what lies between the products stays in the cache, and these run at full rate.
constexpr std::int64_t chunk_rows = 4096;

Eigen::VectorXd as_vector(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.detach().to(at::kCPU, at::kDouble).contiguous().view(-1);
  return Eigen::Map<const Eigen::VectorXd>(flat.const_data_ptr<double>(), flat.numel());
}

}  // namespace

MeanLoss::MeanLoss(const Head& head, const LinearLayer& layer, const Fields& features, const Fields& targets, double l2)
    : head_(head), layer_(layer), l2_(l2) {
  const c10::NoGradGuard no_grad;
  const std::int64_t num_rows = features[layer.feature].size(0);
  for (std::int64_t start = 0; start < num_rows; start += chunk_rows) {
    const std::int64_t rows = std::min(chunk_rows, num_rows - start);
    const Chunk& chunk = chunks_.emplace_back(graft::rows(features, start, rows), graft::rows(targets, start, rows));
    const auto& [x, target] = chunk;
    for (const LossTerm& term : loss_terms(head_, head_.forward(x), target, rows)) weights_[term.name] += term.weight.item<double>();
  }
  // Summed, not as a mean: divided by the number of rows, the smallest of its derivatives become numbers that MKL's products are up to ten
  // times slower with.
  step_ = head::DenseStep::make(head, /*summed=*/true);
}

MeanLoss::~MeanLoss() {
  layer_.weight.mutable_grad().reset();
  layer_.bias.mutable_grad().reset();
}

double MeanLoss::operator()(const Eigen::VectorXd& x, Eigen::VectorXd& gradient) {
  set(x);
  const std::int64_t n = layer_.weight.numel();
  gradient = x * l2_;
  gradient.tail(x.size() - n).setZero();
  loss_ = 0;
  for (const Chunk& chunk : chunks_) loss_ += step_ ? by_formula(chunk, gradient) : by_autograd(chunk, gradient);
  return loss_ + 0.5 * l2_ * x.head(n).squaredNorm();
}

double MeanLoss::by_formula(const Chunk& chunk, Eigen::VectorXd& gradient) {
  const double weight = weights_.begin()->second, loss = (*step_)(chunk.first, chunk.second).item<double>();
  // The head's parameters are the weight and the bias, in this order.
  gradient += as_vector(step_->parameters().grad()) / weight;
  return loss / weight;
}

double MeanLoss::by_autograd(const Chunk& chunk, Eigen::VectorXd& gradient) {
  const c10::AutoGradMode on(true);
  layer_.weight.mutable_grad().reset();
  layer_.bias.mutable_grad().reset();
  at::Tensor loss;
  for (const auto& [name, sum] : head_.loss(head_.forward(chunk.first), chunk.second)) {
    const at::Tensor term = sum / weights_.at(name);
    loss = loss.defined() ? loss + term : term;
  }
  loss.backward();
  const std::int64_t n = layer_.weight.numel();
  gradient.head(n) += as_vector(layer_.weight.grad());
  gradient.tail(gradient.size() - n) += as_vector(layer_.bias.grad());
  return loss.item<double>();
}

Eigen::VectorXd MeanLoss::start() const {
  Eigen::VectorXd x(layer_.weight.numel() + layer_.bias.numel());
  x << as_vector(layer_.weight), as_vector(layer_.bias);
  return x;
}

void MeanLoss::set(const Eigen::VectorXd& x) {
  const c10::NoGradGuard no_grad;
  const at::Tensor values = at::from_blob(const_cast<double*>(x.data()), {x.size()}, at::kDouble);
  const std::int64_t n = layer_.weight.numel();
  layer_.weight.copy_(values.narrow(0, 0, n).view_as(layer_.weight));
  layer_.bias.copy_(values.narrow(0, n, x.size() - n).view_as(layer_.bias));
}

}  // namespace graft::optim
