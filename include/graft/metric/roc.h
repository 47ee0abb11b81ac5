#pragma once

#include <span>

#include "graft/core/api.h"

namespace graft::metric {

/// Area under the ROC curve: how likely a positive's score is above a negative's, where equal scores count half (the statistic of Mann and
/// Whitney, 1947; scikit-learn's roc_auc_score). 0.5 is what chance gives, 1 a perfect order. NaN where one side has no score, or a score
/// is NaN.
GRAFT_API double auroc(std::span<const double> positive_scores, std::span<const double> negative_scores);

}  // namespace graft::metric
