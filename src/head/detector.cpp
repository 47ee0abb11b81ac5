#include "graft/head/detector.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "graft/core/error.h"
#include "graft/data/boxes.h"
#include "graft/metric/detection.h"
#include "head/box_loss.h"
#include "head/box_targets.h"
#include "head/builtin.h"
#include "head/convolution.h"
#include "head/detect_script.h"
#include "head/initial.h"
#include "head/labels.h"
#include "head/layers.h"
#include "head/norm_relu.h"
#include "head/placed_boxes.h"

namespace graft::head {
namespace {

constexpr double rare = 0.01;          // the share of places that hold an object, as first guessed
constexpr double deviation = 0.01;     // of the first weights of what answers
constexpr std::int64_t per_group = 4;  // channels that a group norm norms together, of 128

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

/// [N, C, h, w] to [N, h * w, C]; free where maps are laid out channels last.
at::Tensor by_place(const at::Tensor& map) { return map.permute({0, 2, 3, 1}).flatten(1, 2); }

}  // namespace

struct Detector::Layers {
  /// A convolution, a group norm and ReLU.
  struct Step {
    at::Tensor kernel, bias, scale, shift;
  };
  struct Answer {
    at::Tensor kernel, bias;
  };
  FeaturePyramid pyramid;
  std::vector<Step> class_steps, side_steps;
  Answer classes, sides;  // `sides` gives the four distances and the centerness
  Script detect;
  std::int64_t groups;

  at::Tensor through(at::Tensor maps, const std::vector<Step>& steps) const {
    for (const Step& step : steps) maps = norm_relu(convolved(maps, step.kernel, step.bias), groups, step.scale, step.shift);
    return maps;
  }
};

Detector::Detector(DetectorOptions options) : options_(std::move(options)), index_(index_of(options_.labels)) {
  check(options_);
  if (!options_.maps.empty()) make_layers();
}

std::vector<std::string> Detector::labels_of(const Data& data) {
  std::set<std::string> labels;
  for (std::size_t i = 0; i < data.size(); ++i) {
    for (const GivenBox& box : boxes_of(data.get(i))) {
      if (!box.ignored) labels.insert(box.label);
    }
  }
  if (!labels.empty()) return {labels.begin(), labels.end()};
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
  const std::int64_t channels = options_.channels;
  const RegisterParameter add = [this](std::string name, at::Tensor initial) { return parameter(std::move(name), std::move(initial)); };
  std::vector<std::int64_t> widths;
  for (const DetectorMap& map : options_.maps) widths.push_back(map.width);
  std::uint64_t stream = 1;
  const auto drawn = [&](std::int64_t out) { return normal({out, channels, 3, 3}, deviation, Rng(options_.seed, ++stream)); };
  const auto steps = [&](const std::string& name) {
    std::vector<Layers::Step> made;
    for (std::int64_t i = 0; i < options_.convolutions; ++i) {
      const std::string prefix = name + "_" + std::to_string(i);
      made.push_back({add(prefix + "_weight", drawn(channels)), add(prefix + "_bias", at::zeros({channels})),
                      add(prefix + "_norm_weight", at::ones({channels})), add(prefix + "_norm_bias", at::zeros({channels}))});
    }
    return made;
  };
  const auto answer = [&](const std::string& name, std::int64_t count, double first) {
    return Layers::Answer{add(name + "_weight", drawn(count)), add(name + "_bias", at::full({count}, first))};
  };
  FeaturePyramid pyramid(widths, channels, Rng(options_.seed, 1), add);
  std::vector<Layers::Step> class_steps = steps("class"), side_steps = steps("side");
  const auto classes = answer("classes", static_cast<std::int64_t>(options_.labels.size()), -std::log((1 - rare) / rare));
  const auto sides = answer("sides", 5, 0.0);
  layers_ = std::make_unique<Layers>(Layers{std::move(pyramid), std::move(class_steps), std::move(side_steps), classes, sides,
                                            Script(detect_script(options_)), std::max<std::int64_t>(1, channels / per_group)});
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
      const auto seen = placed(box, sample.inputs);
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
  std::vector<at::Tensor> classes, sides, centers, sizes;
  for (const at::Tensor& level : layers_->pyramid(maps)) {
    classes.push_back(by_place(convolved(layers_->through(level, layers_->class_steps), layers_->classes.kernel, layers_->classes.bias)));
    const at::Tensor answer = by_place(convolved(layers_->through(level, layers_->side_steps), layers_->sides.kernel, layers_->sides.bias));
    sides.push_back(answer.narrow(2, 0, 4).relu());
    centers.push_back(answer.select(2, 4));
    sizes.push_back(level);
  }
  const Fields raw{{"class_logits", at::cat(classes, 1)}, {"sides", at::cat(sides, 1)}, {"center_logits", at::cat(centers, 1)}};
  if (is_training()) return raw;
  std::vector<at::Tensor> given{raw["class_logits"], raw["sides"], raw["center_logits"]};
  given.insert(given.end(), sizes.begin(), sizes.end());
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
  const at::Tensor boxes = outputs["boxes"].to(at::kCPU, at::kDouble).contiguous();
  const at::Tensor scores = outputs["scores"].to(at::kCPU, at::kDouble).contiguous(), classes = outputs["classes"].cpu().contiguous();
  std::vector<Decoded> answers(static_cast<std::size_t>(boxes.size(0)));
  for (std::size_t n = 0; n < answers.size(); ++n) {
    const Unplaced unplaced(batch.inputs, static_cast<std::int64_t>(n));
    for (std::int64_t k = 0; k < boxes.size(1); ++k) {
      const std::int64_t place = static_cast<std::int64_t>(n) * boxes.size(1) + k;
      const double score = scores.const_data_ptr<double>()[place];
      if (score <= 0) break;
      const double* corner = boxes.const_data_ptr<double>() + 4 * place;
      const auto label = static_cast<std::size_t>(classes.const_data_ptr<std::int64_t>()[place]);
      answers[n].boxes.push_back(unplaced({corner[0], corner[1], corner[2], corner[3], options_.labels[label], score}));
    }
    if (!answers[n].boxes.empty()) answers[n].score = answers[n].boxes.front().score;
  }
  return answers;
}

Metrics Detector::metrics() const {
  Metrics metrics;
  metrics.push_back(std::make_unique<metric::AveragePrecision>());
  return metrics;
}

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
