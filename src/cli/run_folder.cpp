#include "cli/run_folder.h"

#include <algorithm>
#include <filesystem>

#include "core/file.h"
#include "graft/core/error.h"

namespace graft::cli {

namespace fs = std::filesystem;

namespace {

/// True for an empty folder, and for one of a run that failed before it learned anything.
bool holds_nothing(const std::string& path) {
  const auto is_told_only = [](const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().string();
    return name == "config.json" || name == "history.jsonl" || name == "log.txt";
  };
  return std::all_of(fs::directory_iterator(path), fs::directory_iterator(), is_told_only);
}

}  // namespace

void RunFolder::check(const std::string& path, bool force) {
  std::error_code error;
  const bool is_folder = fs::is_directory(path, error);
  if (fs::exists(path, error) && !(is_folder && (force || holds_nothing(path)))) {
    throw ConfigError({.code = "graft-C105",
                       .message = is_folder ? "[graft train] the run folder is there already."
                                            : "[graft train] a file stands where the run folder would.",
                       .remedy = is_folder ? "Name another with --out, or overwrite it with --force." : "Name another with --out.",
                       .place = path});
  }
  // The nearest folder above that is there has to take the new ones.
  fs::path above = fs::absolute(path, error);
  while (above.has_relative_path() && !fs::exists(above, error)) above = above.parent_path();
  require_writable_folder(above.string());
}

bool RunFolder::is_finished(const std::string& path) {
  std::error_code error;
  const std::string report = (fs::path(path) / "report.json").string();
  return fs::exists(report, error) && !parse_json(read_file(report), report).value("interrupted", false);
}

RunFolder::RunFolder(const std::string& path, bool anew) : path_(path) {
  std::error_code error;
  // What a process left that was killed while it wrote.
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
    if (entry.path().filename().string().find(".part.") != std::string::npos) fs::remove(entry.path(), error);
  }
  if (anew) {
    for (const char* name : {"checkpoints", "report.json"}) fs::remove_all(file(name), error);
  }
  fs::create_directories(path, error);
  if (!fs::is_directory(path)) {
    throw SystemError({.code = "graft-S004",
                       .message = "[graft train] the run folder cannot be made: " + error.message() + ".",
                       .remedy = "Name a folder that you may write to with --out.",
                       .place = path});
  }
}

std::string RunFolder::file(const std::string& name) const { return (fs::path(path_) / name).string(); }

void RunFolder::write(const std::string& name, const Json& content) const { write_file_atomically(file(name), json_text(content) + "\n"); }

void RunFolder::forget_checkpoints() const {
  std::error_code ignored;
  fs::remove_all(file("checkpoints"), ignored);
}

void RunFolder::discard() const {
  std::error_code ignored;
  for (const char* name : {"config.json", "history.jsonl", "log.txt", "checkpoints"}) fs::remove(file(name), ignored);
  fs::remove(path_, ignored);  // stays where it holds something else
}

}  // namespace graft::cli
