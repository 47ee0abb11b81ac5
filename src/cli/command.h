#pragma once

#include <functional>

#include <CLI/CLI.hpp>

#include "cli/terminal.h"

namespace graft::cli {

/// A command adds itself to the program and returns what runs it; that returns the exit code.
using Run = std::function<int()>;

Run add_import(CLI::App& app, Voice& voice);
Run add_inspect(CLI::App& app, Voice& voice);
Run add_train(CLI::App& app, Voice& voice);
Run add_evaluate(CLI::App& app, Voice& voice);
Run add_predict(CLI::App& app, Voice& voice);

}  // namespace graft::cli
