#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/head/head.h"

namespace graft::head {

struct TokenLayerOptions {
  /// Dropout before the layer, in [0, 1).
  double dropout = 0.1;
  /// The backbone's output to read, [N, L, D].
  std::string from = "output";
  /// The batch field [N, L] that masks padding.
  std::string mask = "attention_mask";
  /// Seeds the initial weights.
  std::uint64_t seed = 0;
  /// Width of what it reads; 0: learned from the backbone.
  std::int64_t width = 0;
};

/// What heads that answer token by token are made of: scores [N, L, C] by one layer over [N, L, D]. A derived head says what they mean.
/// Parameters: "weight" [C, D], "bias" [C].
class GRAFT_API TokenLayer : public Head {
 public:
  /// Throws ModelError if the output is not [N, L, D], or of another width than the options say.
  void build(const Fields& outputs) override;
  /// "tokens" [N, L, D], and the mask.
  std::vector<Feature> reads() const override;
  bool has_classes() const override { return false; }

 protected:
  /// `name` begins the texts of its errors. Checks nothing: the derived head checks all of its options at once.
  TokenLayer(std::string name, std::size_t num_scores, TokenLayerOptions options);
  /// [N, L, C]
  at::Tensor scores(const Fields& features) const;
  /// The layer's part of config(); the seed is none, as weights are saved.
  nlohmann::json layer_config() const;
  static TokenLayerOptions layer_from(const nlohmann::json& config);
  const TokenLayerOptions& layer() const { return layer_; }

 private:
  void make_parameters();

  std::string name_;
  std::int64_t num_scores_;
  TokenLayerOptions layer_;
  at::Tensor weight_, bias_;
};

}  // namespace graft::head
