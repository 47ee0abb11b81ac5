#include "train/preflight.h"

#include "core/json.h"
#include "graft/core/error.h"
#include "graft/data/loader.h"
#include "graft/model/feature_set.h"

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

/// What is to train must be reached by a gradient, or the run would end where it began.
void require_gradient(const Model& model) {
  if (!model.backbone_trains()) return;
  const std::set<std::string> reached = model.backbone().reached_by_gradient();
  for (const auto& [name, tensor] : model.trainable()) {
    if (name.starts_with("backbone.") && reached.contains(name.substr(9))) return;
  }
  std::string why;
  for (const Finding& finding : model.backbone().findings()) {
    if (finding.kind == FindingKind::Obstacle) why += " " + finding.message.substr(finding.message.find("] ") + 2) + " " + finding.remedy;
  }
  throw ModelError(
      {.code = "graft-M024",
       .message = "[Trainer] no gradient reaches what the policy \"" + model.policy().text() + "\" trains of the backbone." + why,
       .remedy = "Freeze the backbone (Freeze::all(), --preset probe), or export it again; graft inspect shows the findings.",
       .place = ""});
}

}  // namespace

void preflight(const Model& model, const Splits& data) {
  if (model.policy() != Freeze::all() && !model.backbone_trains() && model.freeze_table().parameters() > 0) {
    throw ConfigError(
        {.code = "graft-C021",
         .message = "[Trainer] the policy \"" + model.policy().text() + "\" freezes the whole backbone; nothing of it would train.",
         .remedy = "Freeze less (graft inspect FILE --freeze P shows what trains), or say \"all\" if that is meant.",
         .place = ""});
  }
  require_gradient(model);
  std::vector<Problem> problems;
  if (data.train.empty()) {
    problems.push_back({"graft-D019", "[Trainer] at least one training record is wanted, there is none.",
                        "Check the file, or make the other parts smaller.", ""});
  }
  const NoInputs none;
  const TargetFunction targets = target_function(model);
  for (const Data* part : {&data.train, &data.valid, &data.test}) {
    for (std::size_t i = 0; i < part->size() && problems.size() < most_problems; ++i) {
      try {
        Rng rng(0);
        samples_of(*part, i, none, targets, rng, Mode::Eval);
      } catch (const Error& error) {
        problems.insert(problems.end(), error.problems().begin(), error.problems().end());
      }
    }
  }
  if (!problems.empty()) throw DataError(problems);
}

}  // namespace graft::train
