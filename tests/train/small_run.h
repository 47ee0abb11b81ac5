#pragma once

// A run of three epochs that writes checkpoints, and changes to what it wrote.
#include <functional>
#include <memory>
#include <string>

#include "graft/train/checkpoint.h"
#include "graft/train/trainer.h"
#include "toys.h"

namespace graft::test {

inline TrainerOptions options(const std::string& folder, bool resume) {
  return {.epochs = 3,
          .batch_size = 8,
          .precision = Precision::Float32,
          .checkpoints = {.folder = folder, .every_steps = 2, .keep = 3, .resume = resume}};
}

inline Splits messages() { return {toy_messages(32), toy_messages(16, 3), {}}; }

/// The head's weights in the end.
inline at::Tensor trained(const TrainerOptions& options, const Splits& data = messages(), std::int64_t hidden = 8,
                          const std::shared_ptr<Callback>& callback = nullptr) {
  Model model = toy_model(Freeze::all(), 0.0, hidden);
  Trainer trainer(options);
  if (callback) trainer.add(callback);
  trainer.fit(model, data);
  return model.head().parameters()["weight"].detach().clone();
}

inline void rewrite(const std::string& path, const std::function<void(Checkpoint&)>& change) {
  Checkpoint checkpoint = Checkpoint::load(path);
  change(checkpoint);
  checkpoint.save(path);
}

}  // namespace graft::test
