#include "graft/eval/choose_rejection.h"

#include "graft/core/error.h"
#include "graft/head/classifier.h"
#include "head/rejecting.h"

namespace graft {

double choose_rejection(Model& model, const Data& valid, const EvaluatorOptions& options) {
  if (head::rejection_of(model.head()) == nullptr) {
    throw ConfigError({.code = "graft-C058",
                       .message = "[Rejection] a classifier that rejects is wanted to choose a threshold for.",
                       .remedy = "Give it ClassifierOptions::rejection, or call Classifier::set_rejection()."});
  }
  auto& classifier = dynamic_cast<head::Classifier&>(model.head());
  head::RejectionOptions rejection = *classifier.options().rejection;
  const auto scores = std::make_shared<head::Rejection>(rejection);
  EvaluatorOptions measuring = options;
  measuring.mistakes = 0;
  measuring.metrics.push_back(scores);
  Evaluator(measuring).run(model, valid);
  rejection.threshold = head::rejection_threshold(rejection, scores->in_scope(), scores->out_of_scope());
  classifier.set_rejection(rejection);
  return *rejection.threshold;
}

}  // namespace graft
