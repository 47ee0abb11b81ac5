#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "cli/terminal.h"

namespace graft::cli {

/// A command adds itself to the program and returns what runs it; that returns the exit code.
using Run = std::function<int()>;

/// Flags that several commands have.
struct MachineFlags {
  std::string device = "auto";
  int threads = 0;
  void add_flags(CLI::App& command) {
    command.add_option("--device", device, "auto, cpu or cuda:N")->capture_default_str();
    command.add_option("--threads", threads, "Threads for tensor operators; 0: LibTorch's choice")->capture_default_str();
  }
};

/// For pictures: what is asked beside each of them.
inline void add_tta(CLI::App& command, std::string& tta) {
  command.add_option("--tta", tta, "flip: ask each picture's mirror image too, and average what the network says; none")
      ->capture_default_str()
      ->check(CLI::IsMember({"none", "flip"}));
}

Run add_import(CLI::App& app, Voice& voice);
Run add_export(CLI::App& app, Voice& voice);
Run add_inspect(CLI::App& app, Voice& voice);
Run add_lr_find(CLI::App& app, Voice& voice);
Run add_preview(CLI::App& app, Voice& voice);
Run add_train(CLI::App& app, Voice& voice);
Run add_evaluate(CLI::App& app, Voice& voice);
Run add_predict(CLI::App& app, Voice& voice);

}  // namespace graft::cli
