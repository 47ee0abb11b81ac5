#include "train/keeper.h"

#include <filesystem>
#include <ranges>
#include <set>

#include "core/file.h"
#include "core/json.h"
#include "core/warning.h"
#include "graft/core/error.h"
#include "train/checkpoint_file.h"

namespace graft::train {
namespace {

namespace fs = std::filesystem;

/// Calls `visit(entry, name)` for the folder's files of this kind, "step-" or "best-", whole ones and parts of them.
template <class Visit>
void for_each_file(const std::string& folder, const std::string& kind, Visit visit) {
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kind) && name.find(".safetensors") != std::string::npos) visit(entry.path(), name);
  }
}

RunState run_of(const Checkpoint& checkpoint, const std::string& path) {
  const Json state = Json::parse(checkpoint.state);  // Checkpoint::load() has seen that it can be
  return RunState::from(state.contains("run") ? state["run"] : Json(), path);
}

}  // namespace

Keeper::Keeper(const CheckpointOptions& options) : options_(options) {
  if (!is_on()) return;
  std::error_code none;
  fs::create_directories(options_.folder, none);
  require_writable_folder(options_.folder);
  if (!options_.resume && !checkpoints_in(options_.folder).empty()) {
    throw ConfigError({.code = "graft-C038",
                       .message = "[Trainer] the folder holds checkpoints of another run.",
                       .remedy = "Resume that run (CheckpointOptions::resume, --resume auto), or name another folder.",
                       .place = options_.folder});
  }
  for (const char* kind : {"step-", "best-"}) {
    for_each_file(options_.folder, kind, [&](const fs::path& path, const std::string& name) {
      if (name.find(".safetensors.part.") != std::string::npos) fs::remove(path, none);  // see write_file_atomically()
    });
  }
}

std::optional<Keeper::Found> Keeper::newest() const {
  if (!is_on() || !options_.resume) return std::nullopt;
  auto files = checkpoints_in(options_.folder);
  for (; !files.empty(); files.pop_back()) {
    const std::string& path = files.back().second;
    try {
      return load(path);
    } catch (const CheckpointError& error) {
      if (files.size() == 1) throw;
      const Problem& reason = error.problems().front();
      warn({.code = "graft-W029",
            .message = "[Trainer] the newest checkpoint cannot be gone on from, the one before it is taken: " + reason.message,
            .remedy = "Nothing is to be done: the steps after that one are taken again.",
            .place = reason.place});
    }
  }
  return std::nullopt;
}

Keeper::Found Keeper::load(const std::string& path) const {
  Found found{Checkpoint::load(path), {}, {}};
  found.run = run_of(found.checkpoint, path);
  if (found.run.best_file.empty()) return found;
  const std::string best = options_.folder + "/" + found.run.best_file;
  try {
    std::map<std::string, std::string> texts;
    for (const auto& [name, tensor] : read_sealed(best, texts)) found.best.set(name, tensor.clone());
  } catch (const DataError& error) {  // there is no such file
    throw CheckpointError({.code = "graft-K024",
                           .message = "[Checkpoint] the best weights that it names are not there: \"" + found.run.best_file + "\".",
                           .remedy = "Put the file back, or go on from the checkpoint before it.",
                           .place = path},
                          error.what());
  }
  return found;
}

bool Keeper::is_due(std::int64_t step) const {
  if (!is_on()) return false;
  return (options_.every_steps > 0 && step % options_.every_steps == 0) ||
         (options_.every_seconds > 0 && since_.seconds() >= options_.every_seconds);
}

std::string Keeper::save(std::int64_t step, const Checkpoint& checkpoint) {
  const std::string number = std::to_string(step);
  const std::string path =
      options_.folder + "/step-" + std::string(9 - std::min<std::size_t>(9, number.size()), '0') + number + ".safetensors";
  checkpoint.save(path);
  since_ = Stopwatch();
  prune();
  return path;
}

std::string Keeper::save_best(std::int64_t step, const Fields& weights) const {
  const std::string name = "best-" + std::to_string(step) + ".safetensors";
  write_sealed(weights, options_.folder + "/" + name, {});
  return name;
}

void Keeper::prune() const {
  std::error_code none;
  std::set<std::string> wanted;  // best weights that a checkpoint tells of stay with it
  int kept = 0;
  for (const auto& [step, path] : checkpoints_in(options_.folder) | std::views::reverse) {
    try {
      if (kept < options_.keep) {
        wanted.insert(run_of(look_into(path), path).best_file);
        ++kept;
        continue;
      }
    } catch (const CheckpointError&) {
      // A damaged one takes no other's place.
    }
    fs::remove(path, none);
  }
  for_each_file(options_.folder, "best-", [&](const fs::path& path, const std::string& name) {
    if (!wanted.contains(name)) fs::remove(path, none);
  });
}

}  // namespace graft::train
