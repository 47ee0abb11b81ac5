#include "head/builtin.h"

#include <ATen/ATen.h>

#include "graft/core/error.h"
#include "graft/head/classifier.h"
#include "graft/head/detector.h"
#include "graft/head/multilabel.h"
#include "graft/head/question_answering.h"
#include "graft/head/regressor.h"
#include "graft/head/token_classifier.h"

namespace graft::head {
namespace {

constexpr double shortest = 1e-12;

}  // namespace

std::unique_ptr<Head> make_builtin(const Json& config) {
  const std::string type = config.value("type", std::string());
  if (type == "classifier") return std::make_unique<Classifier>(Classifier::from_config(config));
  if (type == "multilabel") return std::make_unique<MultiLabel>(MultiLabel::from_config(config));
  if (type == "regression") return std::make_unique<Regressor>(Regressor::from_config(config));
  if (type == "question_answering") return std::make_unique<QuestionAnswering>(QuestionAnswering::from_config(config));
  if (type == "detector") return std::make_unique<Detector>(Detector::from_config(config));
  if (type == "token_classifier") return std::make_unique<TokenClassifier>(TokenClassifier::from_config(config));
  return nullptr;
}

const at::Tensor& output_of(const Fields& outputs, const std::string& name) {
  if (const at::Tensor* found = outputs.find(name)) return *found;
  if (name == "output" && !outputs.empty()) return outputs.begin()->second;
  std::string given;
  for (const auto& [output, tensor] : outputs) given += (given.empty() ? "\"" : ", \"") + output + "\" " + shape_text(tensor.sizes());
  throw ModelError(
      {.code = "graft-M011",
       .message = "[Head] an output \"" + name + "\" is wanted, the backbone gives: " + (given.empty() ? "no tensor" : given) + ".",
       .remedy = "Name one of these with .from.",
       .place = ""});
}

Fields features_of(const std::vector<Feature>& reads, const Fields& outputs, const Fields& inputs) {
  Fields features;
  for (const Feature& feature : reads) {
    if (feature.input) {
      features.set(feature.name, inputs[feature.from]);
      continue;
    }
    const at::Tensor& values = output_of(outputs, feature.from);
    const at::Tensor* mask = feature.mask.empty() ? nullptr : inputs.find(feature.mask);
    const at::Tensor pooled = pool(values, feature.pooling, mask);
    features.set(feature.name, feature.unit_length ? pooled / pooled.norm(2, -1, /*keepdim=*/true).clamp_min(shortest) : pooled);
    if (feature.pooling == Pooling::None && !feature.mask.empty()) {
      features.set(feature.mask, mask != nullptr ? *mask : at::ones({values.size(0), values.size(1)}, values.options().dtype(at::kLong)));
    }
  }
  return features;
}

}  // namespace graft::head
