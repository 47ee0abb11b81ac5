#include "graft/head/regressor.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "graft/core/error.h"
#include "graft/metric/regression.h"
#include "head/layers.h"

namespace graft::head {
namespace {

RegressorOptions resolved(RegressorOptions options) {
  if (options.mean.empty()) options.mean.assign(options.targets.size(), 0.0);
  if (options.scale.empty()) options.scale.assign(options.targets.size(), 1.0);
  return options;
}

void check(const RegressorOptions& options) {
  OptionCheck check("Regressor");
  check.names(options.targets, 1, "targets, at least one and all different, are", "Name the fields that hold the numbers.");
  check.one_each(options.mean, options.targets, "mean", "targets");
  check.one_each(options.scale, options.targets, "scale", "targets");
  const bool usable = std::ranges::all_of(options.mean, [](double mean) { return std::isfinite(mean); }) &&
                      std::ranges::all_of(options.scale, [](double scale) { return std::isfinite(scale) && scale > 0; });
  check.require(usable, "finite means and scales above 0 are wanted.",
                "Take them from the data: Regressor::scale_of(data.train, targets).");
  check.layers(layers_of(options));
  check.done();
}

/// [T]
at::Tensor numbers_of(const Record& record, const std::vector<std::string>& targets, at::ScalarType type) {
  std::vector<double> numbers;
  for (const std::string& target : targets) numbers.push_back(record.number(target));
  return at::tensor(numbers, type);
}

std::vector<double> as_vector(const at::Tensor& values) {
  return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

std::string text_of(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", number);
  return text;
}

}  // namespace

Regressor::Regressor(RegressorOptions options)
    : DenseHead("Regressor", options.targets.size(), layers_of(options)), options_(resolved(std::move(options))) {
  check(options_);
  mean_ = buffer("mean", at::tensor(options_.mean, at::kFloat));
  scale_ = buffer("scale", at::tensor(options_.scale, at::kFloat));
}

Regressor Regressor::from_config(const Json& config) {
  RegressorOptions options{.targets = config.at("targets"), .mean = config.at("mean"), .scale = config.at("scale")};
  set_layers(options, layers_from(config));
  return Regressor(std::move(options));
}

TargetScale Regressor::scale_of(const Data& data, const std::vector<std::string>& targets) {
  if (data.empty()) {
    throw DataError({.code = "graft-D019",
                     .message = "[Regressor] at least one record is wanted to standardize by, there is none.",
                     .remedy = "Give the training part of the data.",
                     .place = ""});
  }
  std::vector<at::Tensor> rows;
  for (std::size_t i = 0; i < data.size(); ++i) rows.push_back(numbers_of(data.get(i), targets, at::kDouble));
  const at::Tensor values = at::stack(rows), deviation = values.std(0, /*unbiased=*/false);
  // Rounding leaves a spread to targets that never change.
  const at::Tensor spreads = deviation > 1e-12 * values.abs().amax(0);
  return {.mean = as_vector(values.mean(0)), .scale = as_vector(at::where(spreads, deviation, at::ones_like(deviation)))};
}

void Regressor::build(const Fields& outputs) {
  DenseHead::build(outputs);
  set_layers(options_, layers());
}

void Regressor::targets(const Record& record, std::span<Sample> samples) const {
  const at::Tensor values = numbers_of(record, options_.targets, at::kFloat);
  for (Sample& sample : samples) sample.targets.set("values", values);
}

Fields Regressor::forward(const Fields& features) const { return {{"values", scores(features) * scale_ + mean_}}; }

Terms Regressor::loss(const Fields& outputs, const Fields& targets) const {
  return {{"squared_error", ((outputs["values"] - targets["values"]) / scale_).square().mean(-1).sum()}};
}

std::vector<Decoded> Regressor::decode(const Fields& outputs, const Batch&, std::span<const Record>) const {
  const at::Tensor values = outputs["values"].to(at::kCPU);
  std::vector<Decoded> answers(static_cast<std::size_t>(values.size(0)));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    for (std::size_t t = 0; t < options_.targets.size(); ++t) {
      answers[i].values.set(options_.targets[t], values[static_cast<std::int64_t>(i)][static_cast<std::int64_t>(t)]);
    }
    if (options_.targets.size() == 1) answers[i].label = text_of(answers[i].values[options_.targets.front()].item<double>());
  }
  return answers;
}

bool Regressor::has_classes() const { return false; }

Metrics Regressor::metrics() const {
  Metrics metrics;
  metrics.push_back(std::make_unique<metric::Regression>(options_.targets));
  return metrics;
}

Json Regressor::config() const {
  Json config = config_of(layers());
  config.update({{"type", "regression"}, {"targets", options_.targets}, {"mean", options_.mean}, {"scale", options_.scale}});
  return config;
}

}  // namespace graft::head
