#include "train/keeper.h"

#include <filesystem>
#include <set>

#include "core/file.h"
#include "core/json.h"
#include "graft/backbone/safetensors.h"
#include "graft/core/error.h"
#include "graft/core/log.h"

namespace graft::train {

namespace fs = std::filesystem;

Keeper::Keeper(const CheckpointOptions& options) : options_(options) {
  if (!is_on()) return;
  std::error_code error;
  fs::create_directories(options_.folder, error);
  require_writable_folder(options_.folder);
  if (options_.resume || checkpoints_in(options_.folder).empty()) return;
  throw ConfigError({.code = "graft-C038",
                     .message = "[Trainer] the folder holds checkpoints of another run.",
                     .remedy = "Resume that run (CheckpointOptions::resume, --resume auto), or name another folder.",
                     .place = options_.folder});
}

std::optional<Checkpoint> Keeper::newest() const {
  if (!is_on() || !options_.resume) return std::nullopt;
  auto files = checkpoints_in(options_.folder);
  for (; !files.empty(); files.pop_back()) {
    try {
      return Checkpoint::load(files.back().second);
    } catch (const CheckpointError& error) {
      log(LogLevel::Warning, std::string(error.what()) + " The one before it is taken.");
    }
  }
  return std::nullopt;
}

bool Keeper::is_due(std::int64_t step) const {
  if (!is_on()) return false;
  return (options_.every_steps > 0 && step % options_.every_steps == 0) ||
         (options_.every_seconds > 0 && since_.seconds() >= options_.every_seconds);
}

std::string Keeper::save(std::int64_t step, const Checkpoint& checkpoint) {
  const std::string number = std::to_string(step);
  const std::string path = options_.folder + "/step-" + std::string(9 - std::min<std::size_t>(9, number.size()), '0') + number + ".safetensors";
  checkpoint.save(path);
  since_ = Stopwatch();
  prune();
  return path;
}

std::string Keeper::save_best(std::int64_t step, const Fields& weights) const {
  const std::string name = "best-" + std::to_string(step) + ".safetensors";
  backbone::write_safetensors(weights, options_.folder + "/" + name);
  return name;
}

Fields Keeper::load_best(const std::string& name) const {
  Fields weights;
  for (const auto& [key, tensor] : backbone::read_safetensors(options_.folder + "/" + name)) weights.set(key, tensor.clone());
  return weights;
}

void Keeper::prune() const {
  auto files = checkpoints_in(options_.folder);
  const auto keep = static_cast<std::size_t>(options_.keep);
  std::error_code none;
  if (files.size() > keep) {
    for (std::size_t i = 0; i + keep < files.size(); ++i) fs::remove(files[i].second, none);
    files.erase(files.begin(), files.end() - static_cast<std::ptrdiff_t>(keep));
  }
  // Best weights that a checkpoint tells of stay with it.
  std::set<std::string> wanted;
  for (const auto& [step, path] : files) {
    try {
      wanted.insert(Json::parse(Checkpoint::load(path).state).at("best_file").get<std::string>());
    } catch (const std::exception&) {
      return;  // what an unreadable one needs is not known
    }
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(options_.folder, none)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("best-") && !wanted.contains(name)) fs::remove(entry.path(), none);
  }
}

}  // namespace graft::train
