#include "train/readable.h"

#include <algorithm>
#include <optional>

#include "core/names.h"
#include "core/parallel.h"
#include "core/warning.h"
#include "graft/model/feature_set.h"
#include "train/target_check.h"

namespace graft::train {
namespace {

constexpr std::size_t most_examples = 20;

std::optional<Problem> problem_with(const Model& model, const Data& data, std::size_t index, std::uint64_t seed) {
  try {
    Rng rng(seed, 0, index);
    const std::vector<Sample> samples = samples_of(data, index, *model.preprocess(), target_function(model), rng, Mode::Eval);
    require_shares(model.head(), samples, data.get(index).place);
    return std::nullopt;
  } catch (const Error& error) {
    return error.problems().front();
  }
}

}  // namespace

Readable readable(const Model& model, const Data& train, const TrainerOptions& options) {
  Readable found{train, {}};
  if (options.on_error == OnError::Fail || options.sampler) return found;
  std::vector<std::optional<Problem>> problems(train.size());
  parallel_for(train.size(), options.threads + 1, [&](std::size_t i) { problems[i] = problem_with(model, train, i, options.seed); });
  std::vector<std::size_t> good;
  for (std::size_t i = 0; i < problems.size(); ++i) {
    if (!problems[i]) {
      good.push_back(i);
    } else if (found.skipped.count++ < most_examples) {
      found.skipped.examples.push_back(*problems[i]);
    }
  }
  if (found.skipped.count == 0) return found;
  found.data = train.subset(good);
  const Problem& first = found.skipped.examples.front();
  warn({"graft-W014",
        "[Trainer] " + with_commas(static_cast<long long>(found.skipped.count)) + " of " +
            with_commas(static_cast<long long>(train.size())) +
            " training records cannot be prepared and are left out; the first: " + first.message,
        first.remedy, first.place});
  return found;
}

void add(Skipped& all, const Skipped& more) {
  all.count += more.count;
  all.examples.insert(all.examples.end(), more.examples.begin(), more.examples.end());
  if (all.examples.size() > most_examples) all.examples.resize(most_examples);
}

}  // namespace graft::train
