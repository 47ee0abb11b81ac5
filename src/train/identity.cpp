#include "train/identity.h"

#include <ATen/Parallel.h>
#include <ATen/native/DispatchStub.h>
#include <torch/version.h>

#include <algorithm>
#include <sstream>

#include "core/hash.h"
#include "core/json.h"
#include "core/table.h"
#include "core/warning.h"
#include "data/content.h"
#include "graft/core/error.h"
#include "graft/version.h"
#include "graph/fingerprint.h"
#include "train/mixtures.h"

namespace graft::train {
namespace {

const std::string frozen_precision = "precision of the frozen part";

std::string digest(const Data& data) {
  if (data.empty()) return "none";
  Hash hash;
  // A key may leave out what the frozen part does not see: labels, boxes.
  for (std::size_t i = 0; i < data.size(); ++i) hash.add(data.key(i)).add(data::content(data.get(i)));
  return std::to_string(data.size()) + " records, " + hash.hex().substr(0, 12);
}

template <class T>
std::string text(const T& value) {
  std::ostringstream out;
  out.precision(17);
  out << value;
  return out.str();
}

/// Labels come from files, and may be no UTF-8.
std::string text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string groups_text(const Optimizer& optimizer) {
  std::string all;
  for (const ParameterGroup& group : optimizer.groups()) {
    all += (all.empty() ? "" : "; ") + group.name + ": " + std::to_string(group.names.size()) + " at " + Json(group.lr).dump() +
           ", decay " + Json(group.weight_decay).dump();
  }
  return all;
}

std::string policies_text(const Model& model, const TrainerOptions& options) {
  if (options.unfreeze.empty()) return model.policy().text();
  std::string all;
  for (const Unfreeze& each : options.unfreeze)
    all += (all.empty() ? "" : "; ") + std::string("epoch ") + std::to_string(each.epoch) + ": " + each.freeze.text();
  return all;
}

std::string order_text(const TrainerOptions& options) {
  std::string order = options.shuffle ? "shuffled" : "as it is";
  if (options.sampler) {  // what its weights are, it tells by what it draws
    Hash drawn;
    for (const std::size_t index : options.sampler->order(options.seed, 1)) drawn.add(static_cast<std::int64_t>(index));
    order = "sampled " + drawn.hex().substr(0, 12);
  }
  return order + (options.group_by_length ? ", by length" : "");
}

std::string regularizers_text(const TrainerOptions& options) {
  std::string all;
  for (const auto& make : options.regularizers) all += (all.empty() ? "" : "; ") + make()->text();
  return all.empty() ? "none" : all;
}

}  // namespace

Manifest identity(const Model& model, const Splits& data, const TrainerOptions& options, const Optimizer& optimizer, int epochs) {
  Manifest facts{{"backbone", graph::fingerprint(model.backbone().network()).substr(0, 12)},
                 {"head", text(model.head().config())},
                 {"preprocessing", Hash().add(text(model.preprocess()->config())).hex().substr(0, 12)},
                 {"freeze", policies_text(model, options)},
                 {"training data", digest(data.train)},
                 {"validation data", digest(data.valid)},
                 {"optimizer", optimizer.kind() + (options.optimizer == OptimizerKind::Sgd ? ", momentum " + text(options.momentum) : "") +
                                   (options.nesterov ? ", Nesterov" : "")},
                 {"parameter groups", groups_text(optimizer)},
                 {"schedule", options.schedule.text()},
                 {"epochs", text(epochs)},
                 {"batch", text(options.batch_size) + " x " + text(options.accumulate)},
                 {"clipping", options.clip.text()},
                 {"regularizers", regularizers_text(options)},
                 {"average of weights", text(options.ema)},
                 {"best by", options.best_metric},
                 {"seed", text(options.seed)},
                 {"order", order_text(options)},
                 {"limit", options.limit_steps ? text(*options.limit_steps) : "none"},
                 {"overfitted batch", options.overfit_batch ? "yes" : "no"},
                 {frozen_precision, precision_name(model.precision())},
                 {"precision of steps", options.precision == Precision::Auto ? "fp32" : precision_name(options.precision)},
                 {"form of the frozen part", model.prefix_form() == PrefixForm::Exact ? "exact" : "fast"},
                 {"graft", GRAFT_VERSION_STRING},
                 {"LibTorch", TORCH_VERSION}};
  if (mixes(options)) facts.emplace_back("mixing", text(options.mixup) + ", " + text(options.cutmix));
  return facts;
}

Precision frozen_precision_of(const Manifest& saved) {
  const auto fact = std::ranges::find(saved, frozen_precision, &Manifest::value_type::first);
  return fact == saved.end() ? Precision::Auto : precision_from(fact->second);
}

Manifest circumstances(const Model& model) {
  return {{"device", c10::DeviceTypeName(model.device().type(), /*lower_case=*/true)},
          {"processor", at::get_cpu_capability()},
          {"threads", std::to_string(at::get_num_threads())}};
}

void require_same_run(const Manifest& saved, const Manifest& identity, const Manifest& circumstances, const std::string& folder) {
  Manifest facts;
  for (const auto& fact : saved) {
    const auto found = std::ranges::find(circumstances, fact.first, &Manifest::value_type::first);
    if (found == circumstances.end()) {
      facts.push_back(fact);
    } else if (found->second != fact.second) {
      warn({"graft-W006",
            "[Trainer] the run was begun with " + fact.first + " " + fact.second + " and goes on with " + found->second +
                ": it will be as good, not the same to the bit.",
            "Give the same where that matters.", ""});
    }
  }
  require_same(facts, identity, folder);
}

}  // namespace graft::train
