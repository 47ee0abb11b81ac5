#include "train/rejection.h"

#include "core/names.h"
#include "core/table.h"
#include "graft/eval/choose_rejection.h"
#include "graft/head/classifier.h"
#include "head/rejecting.h"

namespace graft::train {
namespace {

void change(Head& head, const head::RejectionOptions& rejection) { dynamic_cast<head::Classifier&>(head).set_rejection(rejection); }

}  // namespace

std::optional<Problem> leave_out_of_scope(const Head& head, Data& train) {
  const head::RejectionOptions* rejection = head::rejection_of(head);
  if (rejection == nullptr) return std::nullopt;
  const std::size_t before = train.size();
  train = head::in_scope(train, dynamic_cast<const head::Classifier&>(head).options().label, rejection->label);
  if (train.size() == before) return std::nullopt;
  return Problem{"graft-W017",
                 "[Data] " + with_commas(static_cast<long long>(before - train.size())) + " of " +
                     with_commas(static_cast<long long>(before)) + " training records belong to no class (\"" + rejection->label +
                     "\") and are left out.",
                 "In validation data they help to choose the threshold, in test data to measure it."};
}

void require_choice(const Head& head, const Data& valid) {
  const head::RejectionOptions* rejection = head::rejection_of(head);
  if (rejection == nullptr) return;
  std::size_t others = 0;
  for (std::size_t i = 0; i < valid.size(); ++i) others += head::is_out_of_scope(head, valid.get(i)) ? 1 : 0;
  if (valid.size() > others && (rejection->precision == 0 || others > 0)) return;
  throw ConfigError(
      {.code = "graft-C056",
       .message = std::string("[Rejection] validation records ") +
                  (rejection->precision == 0 ? "of the classes" : "of the classes and of none (\"" + rejection->label + "\")") +
                  " are wanted to choose the threshold on, there are " + std::to_string(valid.size() - others) +
                  (rejection->precision == 0 ? "." : " and " + std::to_string(others) + "."),
       .remedy = rejection->precision == 0 ? "Give validation data (Data::split, --valid or --split)."
                                           : "Give validation data that holds both, or wish for a recall instead."});
}

void forget_threshold(Head& head) {
  const head::RejectionOptions* rejection = head::rejection_of(head);
  if (rejection == nullptr || !rejection->threshold) return;
  head::RejectionOptions without = *rejection;
  without.threshold.reset();
  change(head, without);
}

std::optional<Problem> choose_threshold(Model& model, const Data& valid, const EvaluatorOptions& options) {
  if (head::rejection_of(model.head()) == nullptr) return std::nullopt;
  try {
    choose_rejection(model, valid, options);
    return std::nullopt;
  } catch (const ConfigError& error) {
    if (error.code() != "graft-C057") throw;
    const head::RejectionOptions wished = *head::rejection_of(model.head());
    head::RejectionOptions instead = wished;
    instead.precision = 0;
    change(model.head(), instead);
    instead.threshold = choose_rejection(model, valid, options);
    instead.precision = wished.precision;
    change(model.head(), instead);
    Problem problem = error.problems().front();
    problem.message += " The threshold accepts " + fixed(wished.recall, 4) + " of the classes' inputs instead.";
    return problem;
  }
}

}  // namespace graft::train
