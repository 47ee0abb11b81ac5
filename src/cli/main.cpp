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

/// What the flag parser says, in the program's own form.
int usage_error(const CLI::ParseError& error, const CLI::App& app, const cli::Voice& voice) {
  std::string command = "graft";
  for (const CLI::App* sub : app.get_subcommands()) command += " " + sub->get_name();
  return cli::report(ConfigError({.code = "graft-C100",
                                  .message = "[" + command + "] " + error.what(),
                                  .remedy = command + " --help shows the flags, with an example.",
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
  commands["inspect"] = cli::add_inspect(app, voice);
  commands["train"] = cli::add_train(app, voice);
  commands["evaluate"] = cli::add_evaluate(app, voice);
  commands["predict"] = cli::add_predict(app, voice);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {
    return app.exit(wanted);
  } catch (const CLI::ParseError& error) {
    // The parser stops at a mistake, so flags after it have not been seen yet.
    for (int i = 1; i < argc; ++i) voice.json |= std::string_view(argv[i]) == "--json";
    return usage_error(error, app, voice);
  }
  try {
    set_log_sink(console_log(voice.quiet ? LogLevel::Warning : voice.verbose ? LogLevel::Debug : LogLevel::Warning));
    return commands.at(app.get_subcommands().front()->get_name())();
  } catch (const std::exception& error) {
    return cli::report(error, voice);
  }
}
