#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/json.h"
#include "graft/head/head.h"

/// Heads that learn further labels and keep what they know.
namespace graft::head {

using Labels = std::vector<std::string>;

/// `labels`, and behind them those of `more` that are not among them.
Labels joined_labels(Labels labels, const Labels& more);

/// A head's config for other labels; the weights of labels in the loss stay, those of new ones are 1.
Json config_for(Json config, const Labels& labels);

/// Copies the parameters of a head that has them for the same labels or others: rows of labels that both have, the rest whole.
void copy_learned(const Head& from, const Labels& its, const Head& to, const Labels& own);

template <class H>
H extended(const H& head, const Labels& labels) {
  H other = H::from_config(config_for(head.config(), labels));
  copy_learned(head, head.options().labels, other, labels);
  return other;
}

/// Null if the head has them all.
template <class H>
std::unique_ptr<Head> extended_by(const H& head, const Labels& more) {
  const Labels labels = joined_labels(head.options().labels, more);
  return labels.size() == head.options().labels.size() ? nullptr : std::make_unique<H>(extended(head, labels));
}

}  // namespace graft::head
