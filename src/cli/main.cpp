#include <algorithm>
#include <csignal>
#include <iostream>
#include <map>

#include "cli/command.h"
#include "core/names.h"
#include "graft/core/log.h"
#include "graft/core/runtime.h"
#include "graft/version.h"

namespace {

using namespace graft;

/// Names like the first argument that is neither a flag nor a command, or empty.
std::string near_argument(const CLI::App& app, const std::vector<std::string>& arguments) {
  std::vector<std::string> commands, flags;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) commands.push_back(sub->get_name());
  const auto add_flags = [&](const CLI::App& from) {
    for (const CLI::Option* option : from.get_options()) {
      for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
    }
  };
  add_flags(app);
  for (const CLI::App* chosen : app.get_subcommands()) add_flags(*chosen);
  if (app.get_subcommands().empty()) return arguments.empty() ? "" : did_you_mean(arguments.front(), commands, "");
  for (const std::string& argument : arguments) {
    const std::string name = argument.substr(0, argument.find('='));
    if (name.starts_with("--") && std::ranges::find(flags, name) == flags.end()) return did_you_mean(name, flags, "");
  }
  return "";
}

/// What the flag parser says, in the program's own form.
int usage_error(const CLI::ParseError& error, const CLI::App& app, const std::vector<std::string>& arguments, const cli::Voice& voice) {
  std::string command = "graft";
  for (const CLI::App* sub : app.get_subcommands()) command += " " + sub->get_name();
  const std::string near = near_argument(app, arguments);
  return cli::report(ConfigError({.code = "graft-C100",
                                  .message = "[" + command + "] " + error.what(),
                                  .remedy = near.empty() ? command + " --help shows the flags, with an example." : near,
                                  .place = ""}),
                     voice);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file over its limit is an error that is told, not the end of the process
  cli::Voice voice;
  CLI::App app{
      "Fine-tunes pre-trained networks: load, freeze, attach a head, train, save one file that C++ and Python load.\n"
      "Example: graft train --backbone minilm.pt --train tickets.csv --text message --label queue --out run",
      "graft"};
  app.set_version_flag("--version", std::string("graft ") + GRAFT_VERSION_STRING + ", " + system_text());
  app.require_subcommand(1);
  app.fallthrough();
  app.add_flag("--json", voice.json, "Print exactly one JSON object on stdout, errors included")->group("Output");
  app.add_flag("--quiet", voice.quiet, "No progress on stderr")->group("Output");
  app.add_flag("--verbose", voice.verbose, "Say more, and show LibTorch's own text with errors")->group("Output");

  std::map<std::string, cli::Run> commands;
  commands["import"] = cli::add_import(app, voice);
  commands["export"] = cli::add_export(app, voice);
  commands["inspect"] = cli::add_inspect(app, voice);
  commands["train"] = cli::add_train(app, voice);
  commands["lr-find"] = cli::add_lr_find(app, voice);
  commands["preview"] = cli::add_preview(app, voice);
  commands["evaluate"] = cli::add_evaluate(app, voice);
  commands["predict"] = cli::add_predict(app, voice);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {
    return app.exit(wanted);
  } catch (const CLI::ParseError& error) {
    // The parser stops at a mistake, so flags after it have not been seen yet.
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    voice.json |= std::ranges::find(arguments, "--json") != arguments.end();
    return usage_error(error, app, arguments, voice);
  }
  try {
    set_log_sink(console_log(voice.quiet ? LogLevel::Warning : voice.verbose ? LogLevel::Debug : LogLevel::Warning));
    return commands.at(app.get_subcommands().front()->get_name())();
  } catch (const std::exception& error) {
    return cli::report(error, voice);
  }
}
