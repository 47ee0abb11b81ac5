#include "cli/finished_run.h"

#include <iostream>
#include <set>

#include "cli/run_folder.h"
#include "core/file.h"
#include "core/json.h"
#include "graft/train/checkpoint.h"

namespace graft::cli {
namespace {

/// Settings that do not change what a run comes to.
const std::set<std::string> of_no_weight{"resume", "force",   "out",     "check", "checkpoint-every",
                                         "keep",   "threads", "profile", "trust", "tensorboard"};

/// Throws CheckpointError if the settings ask for another run than the one that the folder holds; what is left to its default asks nothing.
void require_same_settings(const TrainSettings& settings, const std::string& folder) {
  const std::string path = folder + "/config.json";
  const Json recorded = parse_json(read_file(path), path), usual = TrainSettings().json(), given = settings.json();
  Manifest before, now;
  for (const auto& [name, value] : given.items()) {
    if (value == usual.at(name) || of_no_weight.contains(name)) continue;
    before.emplace_back("--" + name, recorded.value(name, Json()).dump());
    now.emplace_back("--" + name, value.dump());
  }
  require_same(before, now, folder);
}

}  // namespace

int tell_finished(const TrainSettings& settings, const Voice& voice) {
  require_same_settings(settings, settings.out);
  const RunFolder folder(settings.out);
  folder.forget_checkpoints();  // it may have been killed before it could
  const std::string path = folder.file("report.json"), report = read_file(path);
  if (voice.json) {
    std::cout << report;
    return 0;
  }
  const Json found = parse_json(report, path);
  std::cout << "the run in " << settings.out << " has ended; --force starts it anew\nmeasured on " << found.value("metrics_on", "its data")
            << ":";
  const Json metrics = found.value("metrics", Json::object());
  for (const auto& [name, value] : metrics.items()) std::cout << " " << name << " " << value;
  std::cout << "\nall of it: " << path << "\n";
  return 0;
}

}  // namespace graft::cli
