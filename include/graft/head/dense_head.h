#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/head/head.h"

namespace graft::head {

class ScoreLoss;

/// The layers of a head that reads one vector a sample, and where it finds that vector.
struct LayerOptions {
  /// Width of a hidden layer with GELU; 0: one linear layer.
  std::int64_t hidden = 0;
  /// Dropout before the last layer, in [0, 1).
  double dropout = 0.0;
  /// False: what it reads are the scores already; the backbone's own last layer trains.
  bool own_layer = true;
  /// The backbone's output to read.
  std::string from = "output";
  /// Unset: the mean over tokens or pixels, as the output's dimensions say.
  std::optional<Pooling> pooling = std::nullopt;
  /// The batch field that masks padding.
  std::string mask = "attention_mask";
  /// Scale what is read to length 1, so that scores do not grow with it.
  bool unit_length = false;
  /// Seeds the initial weights.
  std::uint64_t seed = 0;
  /// Width of what it reads; 0: learned from the backbone.
  std::int64_t width = 0;
};

/// What the built-in heads are made of: scores [N, C] from one pooled feature [N, D], through a hidden layer if wanted. A derived head says
/// what the scores mean: targets, loss, answers. Parameters: "weight" [C, D], "bias" [C]; with a hidden layer also "hidden_weight" [H, D],
/// "hidden_bias" [H], and "weight" is [C, H].
class GRAFT_API DenseHead : public Head {
 public:
  /// Finds pooling and width from the backbone's output. Throws ModelError if the output has no usable shape or another width than the
  /// options say.
  void build(const Fields& outputs) override;
  std::vector<Feature> reads() const override;
  /// Empty with a hidden layer or dropout.
  std::optional<LinearLayer> linear() const override;
  /// True for one layer or two, with nothing that draws random numbers between them.
  bool has_plain_layers() const { return layers_.own_layer && layers_.dropout == 0; }
  /// The loss with its derivative by formula, the mean over a batch or the sum; null: by autograd.
  virtual std::unique_ptr<ScoreLoss> score_loss(bool summed) const;

 protected:
  /// `name` begins the texts of its errors, `num_scores` is C. Checks nothing: the derived head checks all of its options at once.
  DenseHead(std::string name, std::size_t num_scores, LayerOptions layers);
  /// [N, C] from "pooled" [N, D].
  at::Tensor scores(const Fields& features) const;
  /// With what build() found.
  const LayerOptions& layers() const { return layers_; }

 private:
  void make_parameters();

  std::string name_;
  std::int64_t num_scores_;
  LayerOptions layers_;
  at::Tensor hidden_weight_, hidden_bias_, weight_, bias_;
};

}  // namespace graft::head
