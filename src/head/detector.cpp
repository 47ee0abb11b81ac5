#include "graft/head/detector.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <set>

#include "graft/core/error.h"
#include "graft/data/boxes.h"
#include "graft/head/decode_boxes.h"
#include "graft/image/placed_boxes.h"
#include "graft/metric/detection.h"
#include "head/box_loss.h"
#include "head/box_targets.h"
#include "head/builtin.h"
#include "head/detector_layers.h"
#include "head/extended.h"
#include "head/labels.h"
#include "head/layers.h"

namespace graft::head {
namespace {

void check(const DetectorOptions& options) {
  OptionCheck check("Detector");
  check.names(options.labels, 1, "at least one label, all different, is", "Take the classes of the boxes in the training data.");
  check.names(options.levels, 1, "at least one level, all different, is", "backbone::pyramid_levels() finds those of a network.");
  check.require(options.maps.empty() || options.maps.size() == options.levels.size(), "a map for each level, or none, is wanted.",
                "Leave them out: they are learned from the backbone.");
  check.require(options.channels >= 8 && options.channels % 8 == 0, "channels, a multiple of 8, are wanted.", "128 is usual.");
  check.require(options.convolutions >= 0, "no negative number of convolutions is wanted.", "2 is usual.");
  check.require(options.least_score >= 0 && options.least_score < 1, "a least_score in [0, 1) is wanted.", "0.05 is usual.");
  check.require(options.overlap > 0 && options.overlap < 1, "an overlap in (0, 1) is wanted.", "0.6 is usual.");
  check.require(options.most_objects >= 1, "most_objects of at least 1 are wanted.", "100 is usual.");
  check.done();
}

std::string name_of(std::size_t level) { return "level_" + std::to_string(level); }

/// What the network sees: the field that is a picture and none of its outputs.
const at::Tensor& picture_of(const Fields& outputs, const DetectorOptions& options) {
  const auto is_picture = [&](const auto& field) {
    return field.second.dim() == 4 && std::ranges::find(options.levels, field.first) == options.levels.end();
  };
  const auto found = std::find_if(outputs.begin(), outputs.end(), is_picture);
  if (found != outputs.end()) return found->second;
  throw ModelError({.code = "graft-M033",
                    .message = "[Detector] a backbone that reads pictures [N, C, H, W] is wanted.",
                    .remedy = "Take a backbone of an image network, with image::Pictures before it.",
                    .place = ""});
}

std::vector<std::string> labels_in(const Data& data) {
  std::set<std::string> labels;
  for (std::size_t i = 0; i < data.size(); ++i) {
    for (const GivenBox& box : boxes_of(data.get(i))) {
      if (!box.ignored) labels.insert(box.label);
    }
  }
  return {labels.begin(), labels.end()};
}

}  // namespace

Detector::Detector(DetectorOptions options) : options_(std::move(options)), index_(index_of(options_.labels)) {
  check(options_);
  if (!options_.maps.empty()) make_layers();
}

std::vector<std::string> Detector::labels_of(const Data& data) {
  std::vector<std::string> labels = labels_in(data);
  if (!labels.empty()) return labels;
  throw DataError({.code = "graft-D071",
                   .message = "[Detector] boxes to learn are wanted; the " + std::to_string(data.size()) + " pictures have none.",
                   .remedy = "Check the annotations: their paths, and that objects are not marked as difficult or as crowds.",
                   .place = ""});
}

Detector::~Detector() = default;
Detector::Detector(Detector&&) noexcept = default;
Detector& Detector::operator=(Detector&&) noexcept = default;

void Detector::build(const Fields& outputs) {
  const at::Tensor& picture = picture_of(outputs, options_);
  std::vector<DetectorMap> maps;
  for (std::size_t i = 0; i < options_.levels.size(); ++i) {
    const at::Tensor& map = output_of(outputs, options_.levels[i]);
    const std::int64_t width = options_.maps.empty() ? 0 : options_.maps[i].width, finer = maps.empty() ? 0 : maps.back().stride;
    const std::int64_t stride = map.dim() != 4 ? 0 : (picture.size(3) + map.size(3) - 1) / map.size(3);
    if (stride <= finer || (width > 0 && width != map.size(1))) {
      throw ModelError({.code = "graft-M034",
                        .message = "[Detector] maps [N, C, h, w], each coarser than the one before" +
                                   (width > 0 ? " and of " + std::to_string(width) + " channels" : std::string()) + ", are wanted; \"" +
                                   options_.levels[i] + "\" is " + shape_text(map.sizes()) + ".",
                        .remedy = "Name other values of the backbone as levels (graft inspect FILE --features lists them).",
                        .place = ""});
    }
    maps.push_back({map.size(1), stride, map.size(2), map.size(3)});
  }
  options_.maps = std::move(maps);
  if (!layers_) make_layers();
}

void Detector::make_layers() {
  layers_ = std::make_unique<DetectorLayers>(
      options_, [this](std::string name, at::Tensor initial) { return parameter(std::move(name), std::move(initial)); });
}

std::vector<Feature> Detector::reads() const {
  std::vector<Feature> features;
  for (std::size_t i = 0; i < options_.levels.size(); ++i) features.push_back({.name = name_of(i), .from = options_.levels[i]});
  return features;
}

void Detector::targets(const Record& record, std::span<Sample> samples) const {
  std::vector<Grid> grids;
  for (const DetectorMap& map : options_.maps) grids.push_back({map.rows, map.columns, map.stride});
  const std::vector<GivenBox> boxes = boxes_of(record);
  for (Sample& sample : samples) {
    std::vector<Target> objects;
    for (const GivenBox& box : boxes) {
      const auto seen = image::placed(box, sample.inputs);
      if (!seen) continue;
      const std::int64_t label = box.ignored ? 0 : place_of(box.label, index_, options_.labels, "Detector", record.place);
      objects.push_back({static_cast<float>(seen->x1), static_cast<float>(seen->y1), static_cast<float>(seen->x2),
                         static_cast<float>(seen->y2), label, box.ignored});
    }
    BoxTargets targets = assign(grids, objects);
    sample.targets.set("labels", std::move(targets.labels));
    sample.targets.set("sides", std::move(targets.sides));
  }
}

Fields Detector::forward(const Fields& features) const {
  std::vector<at::Tensor> maps;
  for (std::size_t i = 0; i < options_.levels.size(); ++i) maps.push_back(features[name_of(i)]);
  const Fields raw = layers_->answers(maps);
  if (is_training()) return raw;
  std::vector<at::Tensor> given{raw["class_logits"], raw["sides"], raw["center_logits"]};
  given.insert(given.end(), maps.begin(), maps.end());
  const std::vector<at::Tensor> found = layers_->detect(given);
  Fields outputs{{"boxes", found[0]}, {"scores", found[1]}, {"classes", found[2]}};
  for (const auto& [name, tensor] : raw) outputs.set(name, tensor);
  return outputs;
}

Terms Detector::loss(const Fields& outputs, const Fields& targets) const {
  const at::Tensor& labels = targets["labels"];
  const at::Tensor& sides = targets["sides"];
  const at::Tensor is_object = labels.ge(0).to(at::kFloat);
  return {{"class", place_loss(outputs["class_logits"].to(at::kFloat), labels)},
          {"box", side_loss(outputs["sides"].to(at::kFloat), sides, is_object)},
          {"center", centerness_loss(outputs["center_logits"].to(at::kFloat), sides, is_object)}};
}

Terms Detector::weights(const Fields& targets) const {
  // Places of objects; a picture without objects counts as one, so that a batch of them has a mean.
  const at::Tensor objects = targets["labels"].ge(0).sum(1).clamp_min(1).sum().to(at::kFloat);
  return {{"class", objects}, {"box", objects}, {"center", objects}};
}

std::vector<Decoded> Detector::decode(const Fields& outputs, const Batch& batch, std::span<const Record>) const {
  return decode_boxes(outputs, batch, options_.labels);
}

Metrics Detector::metrics() const {
  Metrics metrics;
  metrics.push_back(std::make_unique<metric::AveragePrecision>());
  return metrics;
}

std::unique_ptr<Head> Detector::extended_by(const Data& data) const { return head::extended_by(*this, labels_in(data)); }

Json Detector::config() const {
  Json maps = Json::array();
  for (const DetectorMap& map : options_.maps)
    maps.push_back({{"width", map.width}, {"stride", map.stride}, {"rows", map.rows}, {"columns", map.columns}});
  return {{"type", "detector"},
          {"labels", options_.labels},
          {"levels", options_.levels},
          {"maps", maps},
          {"channels", options_.channels},
          {"convolutions", options_.convolutions},
          {"least_score", options_.least_score},
          {"overlap", options_.overlap},
          {"most_objects", options_.most_objects}};
}

Detector Detector::from_config(const Json& config) {
  DetectorOptions options{.labels = config.at("labels"),
                          .levels = config.at("levels"),
                          .channels = config.at("channels"),
                          .convolutions = config.at("convolutions"),
                          .least_score = config.at("least_score"),
                          .overlap = config.at("overlap"),
                          .most_objects = config.at("most_objects")};
  for (const Json& map : config.at("maps")) options.maps.push_back({map.at("width"), map.at("stride"), map.at("rows"), map.at("columns")});
  return Detector(std::move(options));
}

}  // namespace graft::head
