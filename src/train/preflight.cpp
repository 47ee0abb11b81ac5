#include "train/preflight.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "core/json.h"
#include "core/mistakes.h"
#include "core/warning.h"
#include "graft/core/error.h"
#include "graft/data/collate.h"
#include "graft/data/loader.h"
#include "graft/model/feature_set.h"
#include "head/rejecting.h"
#include "train/last_batch.h"
#include "train/mixtures.h"
#include "train/target_check.h"
#include "train/trial.h"

namespace graft::train {
namespace {

constexpr std::size_t most_problems = 100;

/// A sample without inputs stands in for what preprocessing would give: targets come from the record.
class NoInputs final : public Preprocess {
 public:
  std::vector<Sample> operator()(const Record&, Rng&, Mode) const override { return std::vector<Sample>(1); }
  nlohmann::json config() const override { return {}; }
  Record example() const override { return {}; }
};

class Preflight {
 public:
  Preflight(Model& model, const Splits& data, const PreflightOptions& how) : model_(model), data_(data), how_(how), options_(how.run) {}

  void operator()() {
    policy();
    gradient();
    weights();
    if (how_.records == Records::Unknown) records();
    out_of_scope();
    mixtures();
    trial();
    if (!problems_.empty()) throw_as_first(problems_);
  }

 private:
  void policy() {
    const std::string text = "[Trainer] the policy \"" + model_.policy().text() + "\" ";
    const bool is_barren = model_.policy() != Freeze::all() && !model_.backbone_trains();
    if (is_barren && model_.freeze_table().parameters() > 0) {
      problems_.push_back({"graft-C021", text + "freezes the whole backbone; nothing of it would train.",
                           "Freeze less (graft inspect FILE --freeze P shows what trains), or say \"all\" if that is meant.", ""});
    } else if (options_ != nullptr && options_->unfreeze.empty() && model_.trainable().empty()) {
      problems_.push_back({"graft-C021", text + "leaves nothing to train, and the head has no parameters of its own.",
                           "Freeze less, or let the head have its own layer (own_layer).", ""});
    } else if (options_ != nullptr && is_barren) {
      warn({"graft-W012", text + "trains some of the backbone, which has no parameters: the head trains alone.",
            "Export the network without torch.jit.freeze, or say \"all\".", ""});
    }
  }

  /// What is to train must be reached by a gradient, or the run would end where it began.
  void gradient() {
    if (!model_.backbone_trains()) return;
    const std::set<std::string> reached = model_.backbone().reached_by_gradient();
    for (const auto& [name, tensor] : model_.trainable()) {
      if (name.starts_with("backbone.") && reached.contains(name.substr(9))) return;
    }
    std::string why;
    for (const Finding& finding : model_.backbone().findings()) {
      if (finding.kind == FindingKind::Obstacle) why += " " + finding.message.substr(finding.message.find("] ") + 2) + " " + finding.remedy;
    }
    problems_.push_back({"graft-M024",
                         "[Trainer] no gradient reaches what the policy \"" + model_.policy().text() + "\" trains of the backbone." + why,
                         "Freeze the backbone (Freeze::all(), --preset probe), or export it again; graft inspect shows the findings.", ""});
  }

  /// In 8 bits of precision a step below 1/256 of a weight leaves it as it is, and such steps are what fine-tuning is made of.
  void weights() {
    std::string first;
    std::size_t count = 0;
    for (const auto& [name, tensor] : model_.trainable()) {
      if (tensor.scalar_type() != at::kHalf && tensor.scalar_type() != at::kBFloat16) continue;
      if (count++ == 0) first = name;
    }
    if (count == 0) return;
    problems_.push_back({"graft-M029",
                         "[Trainer] weights of float32 are wanted to train on; " + std::to_string(count) + ", first \"" + first +
                             "\", have 16 bits, in which steps below 1/256 of a weight are lost.",
                         "Export the network in float32, and choose the precision of its products by TrainerOptions::precision.", ""});
  }

  void records() {
    if (data_.train.empty()) {
      problems_.push_back({"graft-D019", "[Trainer] at least one training record is wanted, there is none.",
                           "Check the file, or make the other parts smaller.", ""});
    }
    const NoInputs none;
    const TargetFunction targets = target_function(model_);
    std::vector<std::string> tensors;  // that are read as they are
    for (const auto& [field, value] : model_.preprocess()->example().values) {
      if (std::holds_alternative<at::Tensor>(value)) tensors.push_back(field);
    }
    bool counts = false;
    for (const Data* part : {&data_.train, &data_.valid, &data_.test}) {
      for (std::size_t i = 0; i < part->size() && problems_.size() < most_problems; ++i) {
        try {
          Rng rng(0);
          const std::vector<Sample> samples = samples_of(*part, i, none, targets, rng, Mode::Eval);
          if (part == &data_.train && !counts) counts = weighs(samples);
          if (!tensors.empty()) require_numbers(part->get(i), tensors);
          require_shares(model_.head(), samples, part->get(i).place);
        } catch (const Error& error) {
          add(error.problems());
        }
      }
      if (part == &data_.train && !counts && problems_.empty()) {
        problems_.push_back({"graft-D030", "[Trainer] no training record has a target that counts: the weights of all are 0.",
                             "Give classes of the data a weight above 0.", ""});
      }
    }
  }

  /// Records without a class have nothing to teach; a batch of them alone would have no loss.
  void out_of_scope() {
    if (head::rejection_of(model_.head()) == nullptr) return;
    std::size_t count = 0;
    std::string first;
    for (std::size_t i = 0; i < data_.train.size(); ++i) {
      const Record record = data_.train.get(i);
      if (head::is_out_of_scope(model_.head(), record) && count++ == 0) first = record.place;
    }
    if (count == 0) return;
    problems_.push_back({"graft-C059",
                         "[Trainer] training records that belong to a class are wanted; " + std::to_string(count) + " have the label \"" +
                             head::rejection_of(model_.head())->label + "\" of those that do not.",
                         "Leave them out by head::in_scope(); fine_tune() does so by itself.", first});
  }

  void mixtures() {
    if (options_ == nullptr) return;
    try {
      require_mixable(model_, data_.train, *options_);
    } catch (const ConfigError& error) {
      add(error.problems());
    } catch (const Error&) {  // a record that cannot be prepared: the trial tells
    }
  }

  /// True if a term of the loss has something that it is a mean over.
  bool weighs(const std::vector<Sample>& samples) const {
    try {
      const Terms weights = model_.head().weights(to(collate(samples, {}).targets, model_.device()));
      return weights.begin() == weights.end() ||
             std::ranges::any_of(weights, [](const auto& weight) { return weight.second.template item<double>() != 0; });
    } catch (const std::exception&) {  // a head that is wrong about its targets: the trial tells
      return true;
    }
  }

  static void require_numbers(const Record& record, const std::vector<std::string>& fields) {
    for (const std::string& field : fields) {
      const auto value = record.values.find(field);
      const auto* tensor = value == record.values.end() ? nullptr : std::get_if<at::Tensor>(&value->second);
      if (tensor == nullptr || !tensor->is_floating_point()) continue;
      if (tensor->sum().isfinite().item<bool>() || tensor->isfinite().all().item<bool>()) continue;
      throw DataError({.code = "graft-D028",
                       .message = "[Trainer] finite numbers are wanted in \"" + field + "\", got NaN or infinity among its " +
                                  shape_text(tensor->sizes()) + " values.",
                       .remedy = "Repair or remove the record; a division by a deviation of 0 is a usual cause.",
                       .place = record.place});
    }
  }

  void trial() {
    if (data_.train.empty()) return;
    const Trial found = try_first_records(model_, data_.train);
    for (const Problem& problem : found.problems) {  // a target is told by its record already
      const auto is_same = [&](const Problem& known) { return known.code == problem.code && known.place == problem.place; };
      if (std::ranges::none_of(problems_, is_same)) problems_.push_back(problem);
    }
    if (options_ == nullptr) return;
    std::ranges::for_each(found.warnings, warn);
    try {
      add(try_last_batch(model_, data_.train, *options_));
    } catch (const ConfigError& error) {  // a sampler of other data
      add(error.problems());
    }
  }

  void add(const std::vector<Problem>& found) { problems_.insert(problems_.end(), found.begin(), found.end()); }

  Model& model_;
  const Splits& data_;
  const PreflightOptions& how_;
  const TrainerOptions* options_;
  std::vector<Problem> problems_;
};

}  // namespace

void preflight(Model& model, const Splits& data, const PreflightOptions& options) { Preflight(model, data, options)(); }

}  // namespace graft::train
