#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graft/core/api.h"
#include "graft/data/dataset.h"

namespace graft::head {

/// What tells from the logits z [C] of an input how well it fits the classes; larger is better.
enum class RejectionScore {
  /// max softmax(z) (Hendrycks and Gimpel, A baseline for detecting misclassified and out-of-distribution examples, 2017).
  MaxSoftmax,
  /// max z (Hendrycks et al., Scaling out-of-distribution detection for real-world settings, 2022).
  MaxLogit,
  /// log sum exp z, the negative energy (Liu, Wang, Owens and Li, Energy-based out-of-distribution detection, 2020).
  Energy,
};
/// "max_softmax", "max_logit", "energy", in the order of RejectionScore.
GRAFT_API const std::vector<std::string>& rejection_score_names();
/// Throws ConfigError that lists the names.
GRAFT_API RejectionScore rejection_score_from(const std::string& name);

/// How a classifier says that an input belongs to none of its classes (open-set classification, out-of-distribution detection). On the
/// vectors of a sentence encoder it does so better with ClassifierOptions::unit_length.
struct RejectionOptions {
  RejectionScore score = RejectionScore::Energy;
  /// The label of records that belong to no class, and of answers that are rejected; none of the classes.
  std::string label = "none of these";
  /// Share of the inputs of the classes that is to be accepted, in (0, 1]. Needs no example of what is to be rejected.
  double recall = 0.95;
  /// Share of what is accepted that is to belong to a class, in [0, 1); then as many inputs of the classes are accepted as that allows. It
  /// holds where as many inputs belong to none as in the validation data. 0: `recall` decides.
  double precision = 0.0;
  /// Answers whose score is below it are rejected; unset: none are. fine_tune() chooses it anew, see choose_rejection().
  std::optional<double> threshold = std::nullopt;
};

/// [N] from logits [N, C].
GRAFT_API at::Tensor rejection_scores(const at::Tensor& logits, RejectionScore score);

/// The threshold that keeps what `options` wish on these scores, midway between two of them, so that rounding changes no answer. Throws
/// ConfigError if there is no score to choose from, or if no threshold has the precision wished for.
GRAFT_API double rejection_threshold(const RejectionOptions& options, std::span<const double> in_scope,
                                     std::span<const double> out_of_scope);

/// The records whose field does not hold this label, in their order; the data as it is where none does.
GRAFT_API Data in_scope(const Data& data, const std::string& field, const std::string& label);

}  // namespace graft::head
