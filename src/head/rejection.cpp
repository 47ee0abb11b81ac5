#include "graft/head/rejection.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "core/names.h"
#include "core/table.h"
#include "graft/core/error.h"

namespace graft::head {
namespace {

std::vector<double> largest_first(std::span<const double> scores) {
  std::vector<double> sorted(scores.begin(), scores.end());
  std::ranges::sort(sorted, std::greater<>());
  return sorted;
}

/// Of the inputs of the classes, the scores largest first: how many to accept for the share wished for.
std::size_t accepted_for_recall(double recall, std::size_t size) {
  const auto least = static_cast<std::size_t>(std::ceil(recall * static_cast<double>(size) - 1e-9));
  return std::clamp<std::size_t>(least, 1, size);
}

/// As many as the precision allows. Of equal scores the last one has the largest precision, so they are accepted together.
std::size_t accepted_for_precision(double precision, const std::vector<double>& in_scope, const std::vector<double>& out_of_scope) {
  std::size_t found = 0, others = 0;
  double best = 0;
  for (std::size_t i = 0; i < in_scope.size(); ++i) {
    while (others < out_of_scope.size() && out_of_scope[others] >= in_scope[i]) ++others;
    const double reached = static_cast<double>(i + 1) / static_cast<double>(i + 1 + others);
    best = std::max(best, reached);
    if (reached >= precision) found = i + 1;
  }
  if (found > 0) return found;
  throw ConfigError({.code = "graft-C057",
                     .message = "[Rejection] no threshold has the precision of " + fixed(precision, 4) +
                                " that is wished for; the best one reaches " + fixed(best, 4) + " on the validation data.",
                     .remedy = "Wish for less, or train a model that tells the classes from other inputs better."});
}

void require_scores(const RejectionOptions& options, std::span<const double> in_scope, std::span<const double> out_of_scope) {
  const auto is_finite = [](double score) { return std::isfinite(score); };
  const bool usable = std::ranges::all_of(in_scope, is_finite) && std::ranges::all_of(out_of_scope, is_finite);
  if (usable && !in_scope.empty() && (options.precision == 0 || !out_of_scope.empty())) return;
  throw ConfigError({.code = "graft-C056",
                     .message = std::string("[Rejection] finite scores of inputs ") +
                                (options.precision == 0 ? "of the classes" : "of the classes and of others") +
                                " are wanted to choose a threshold on, got " + std::to_string(in_scope.size()) + " and " +
                                std::to_string(out_of_scope.size()) + (usable ? "." : ", some not finite."),
                     .remedy = "Give validation data that holds both, or wish for a recall, which needs no other inputs."});
}

bool holds(const Record& record, const std::string& field, const std::string& label) {
  const auto value = record.values.find(field);
  const bool is_name = value != record.values.end() &&
                       (std::holds_alternative<std::string>(value->second) || std::holds_alternative<std::int64_t>(value->second));
  return is_name && record.has_value(field) && record.text(field) == label;
}

}  // namespace

const std::vector<std::string>& rejection_score_names() {
  static const std::vector<std::string> names{"max_softmax", "max_logit", "energy"};
  return names;
}

RejectionScore rejection_score_from(const std::string& name) {
  const auto found = std::ranges::find(rejection_score_names(), name);
  if (found != rejection_score_names().end()) return static_cast<RejectionScore>(found - rejection_score_names().begin());
  throw ConfigError({.code = "graft-C055",
                     .message = "[Rejection] a score of " + quoted_list(rejection_score_names()) + " is wanted, got \"" + name + "\".",
                     .remedy = did_you_mean(name, rejection_score_names(), "Leave it out for the default.")});
}

at::Tensor rejection_scores(const at::Tensor& logits, RejectionScore score) {
  switch (score) {
    case RejectionScore::MaxSoftmax:
      return logits.softmax(-1).amax(-1);
    case RejectionScore::MaxLogit:
      return logits.amax(-1);
    case RejectionScore::Energy:
      break;
  }
  return logits.logsumexp(-1);
}

double rejection_threshold(const RejectionOptions& options, std::span<const double> in_scope, std::span<const double> out_of_scope) {
  require_scores(options, in_scope, out_of_scope);
  const std::vector<double> inside = largest_first(in_scope), outside = largest_first(out_of_scope);
  const std::size_t accepted = options.precision > 0 ? accepted_for_precision(options.precision, inside, outside)
                                                     : accepted_for_recall(options.recall, inside.size());
  const double lowest = inside[accepted - 1];
  double next = -std::numeric_limits<double>::infinity();
  for (const std::vector<double>* scores : {&inside, &outside}) {
    const auto below = std::ranges::upper_bound(*scores, lowest, std::greater<>());
    if (below != scores->end()) next = std::max(next, *below);
  }
  return std::isfinite(next) ? next + (lowest - next) / 2 : lowest;
}

Data in_scope(const Data& data, const std::string& field, const std::string& label) {
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (!holds(data.get(i), field, label)) kept.push_back(i);
  }
  return kept.size() == data.size() ? data : data.subset(std::move(kept));
}

}  // namespace graft::head
