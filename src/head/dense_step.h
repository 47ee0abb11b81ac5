#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "graft/head/dense_head.h"
#include "head/score_loss.h"

namespace graft::head {

/// One training step of a head of one or two layers on stored features, with gradients by formula: what autograd computes, without its
/// graph, into memory that is made once. While it lives, the head's parameters lie in one flat tensor, and so do their gradients, which the
/// parameters have as theirs.
class DenseStep {
 public:
  /// Null for any other head, with dropout, or with a loss that has no formula here. `summed`: of the loss's sum over a batch, not its
  /// mean.
  static std::unique_ptr<DenseStep> make(const Head& head, bool summed = false);
  ~DenseStep();
  DenseStep(const DenseStep&) = delete;
  DenseStep& operator=(const DenseStep&) = delete;

  /// The loss of a batch, a scalar; writes the gradients of the head's parameters. Valid until the next call.
  const at::Tensor& operator()(const Fields& features, const Fields& targets);
  /// All parameters, one after the other; its gradient holds theirs.
  const at::Tensor& parameters() const { return flat_; }

 private:
  /// What a batch of N rows needs; the last of an epoch may be smaller.
  struct Workspace {
    at::Tensor before, hidden, d_hidden, scores, d_scores;  // [N, H] before and after GELU, [N, C]
    at::Tensor d_before_turned, d_scores_turned;            // views
  };
  DenseStep(const Head& head, std::unique_ptr<ScoreLoss> loss);
  Workspace& workspace(std::int64_t rows, const at::TensorOptions& options);

  std::unique_ptr<ScoreLoss> loss_;
  at::Tensor weight_, bias_, hidden_weight_, hidden_bias_;
  at::Tensor weight_turned_, hidden_weight_turned_;  // views
  at::Tensor d_weight_, d_bias_, d_hidden_weight_, d_hidden_bias_;
  std::vector<at::Tensor> parameters_;
  at::Tensor flat_;
  std::map<std::int64_t, Workspace> workspaces_;
};

}  // namespace graft::head
