#include "train/last_batch.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <string_view>

#include "backbone/binding.h"
#include "core/names.h"
#include "graft/data/collate.h"
#include "graft/data/loader.h"
#include "graph/training_form.h"
#include "train/epoch_order.h"
#include "train/numerics.h"
#include "train/same_random_numbers.h"

namespace graft::train {
namespace {

/// Records of the last batch of an epoch.
std::size_t last_batch(const TrainerOptions& options, std::size_t size) {
  const EpochOrder order(options, size);
  const std::size_t taken = std::min(size, static_cast<std::size_t>(order.steps_per_epoch()) * order.step_size());
  const auto whole = static_cast<std::size_t>(options.batch_size);
  return taken % whole == 0 ? std::min(taken, whole) : taken % whole;
}

}  // namespace

std::vector<Problem> try_last_batch(const Model& model, const Data& train, const TrainerOptions& options) {
  const graph::Network& source = model.backbone().network();
  const bool is_at_risk =
      !train.empty() && model.backbone_trains() && last_batch(options, train.size()) == 1 && graph::has_batch_statistics(source);
  if (!is_at_risk) return {};
  const c10::NoGradGuard no_grad;
  const SameRandomNumbers same(c10::kCPU);
  const std::set<std::string> trained = model.policy().trainable(model.backbone());
  const auto trains = [&](const std::string& name) { return trained.contains(name); };
  std::string why;
  try {
    Rng rng(0);
    const std::vector<Sample> samples = (*model.preprocess())(train.get(0), rng, Mode::Eval);
    const Fields inputs = collate(std::span(samples).first(1), model.preprocess()->padding()).inputs;
    graph::Network copy = source.instance(trains);
    copy.train(trains);
    copy(backbone::Binding(source, model.backbone().options(), inputs.names()).arguments(inputs));
    // A traced norm does not complain: the deviation of one value leaves NaN in its statistics.
    for (const auto& [name, tensor] : copy.buffers()) {
      if (is_bad(tensor)) why = "; of one value \"" + name + "\" becomes NaN";
    }
    if (why.empty()) return {};
  } catch (const std::exception& error) {
    if (std::string_view(error.what()).find("more than 1 value per channel") == std::string_view::npos) return {};  // the trial tells
  }
  return {{"graft-C042",
           "[Trainer] batch norms that train want more than one value for each channel, and " +
               with_commas(static_cast<long long>(train.size())) + " training records in batches of " + std::to_string(options.batch_size) +
               " leave a last batch of one record" + why + ".",
           "Take another batch size, leave one record out, or freeze the layers with batch norm.", ""}};
}

}  // namespace graft::train
