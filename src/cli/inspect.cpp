#include <iostream>

#include "cli/command.h"
#include "core/names.h"
#include "core/table.h"
#include "graft/adapt/freeze.h"
#include "graft/backbone/backbone.h"
#include "graft/core/device.h"
#include "graft/core/runtime.h"

namespace graft::cli {
namespace {

struct InspectFlags {
  std::string file, freeze;
  bool system = false, trust = false;
};

std::string signature(const Backbone& backbone) {
  std::string text;
  for (const auto& argument : backbone.arguments()) {
    text += (text.empty() ? "" : ", ") + argument.name + ": " + argument.type + (argument.has_default ? " (optional)" : "");
  }
  return "forward(" + text + ")";
}

Json json_of(const Backbone& backbone) {
  Json methods = Json::array(), groups = Json::array(), arguments = Json::array();
  for (const auto& argument : backbone.arguments())
    arguments.push_back({{"name", argument.name}, {"type", argument.type}, {"optional", argument.has_default}});
  for (const std::string& name : backbone.method_names()) {
    methods.push_back({{"name", name}, {"arguments", name == "forward" ? arguments : Json::array()}});
  }
  for (const LayerGroup& group : backbone.groups()) groups.push_back({{"name", group.name}, {"parameters", group.parameters}});
  Json files = Json::array();
  for (const auto& [name, content] : backbone.files()) files.push_back(name);
  return {{"kind", "torchscript"},
          {"methods", methods},
          {"parameters", backbone.num_parameters()},
          {"trainable", backbone.num_trainable_as_saved()},
          {"groups", groups},
          {"files", files},
          {"findings", Json::array()}};
}

int run(const InspectFlags& flags, const Voice& voice) {
  if (flags.system) {
    std::cout << system_text() << "\ndevice auto: " << choose_device("auto").reason << "\n";
    return 0;
  }
  const Backbone backbone = Backbone::load(flags.file, {.trust = flags.trust});
  Json json = json_of(backbone);
  std::string frozen;
  if (!flags.freeze.empty()) {
    const FreezeTable table = freeze_table(backbone, Freeze::parse(flags.freeze).trainable(backbone));
    json["trainable"] = table.trainable();
    frozen = table.text();
  }
  if (voice.json) {
    std::cout << json_text(json) << "\n";
    return 0;
  }
  std::cout << flags.file << ": TorchScript, " << with_commas(backbone.num_parameters()) << " parameters, "
            << with_commas(backbone.num_trainable_as_saved()) << " of them saved as trainable\n  " << signature(backbone) << "\n";
  for (const auto& [name, content] : backbone.files()) std::cout << "  holds " << name << "\n";
  Table table;
  table.add({"layer group", "parameters"});
  for (const LayerGroup& group : backbone.groups()) table.add({group.name, with_commas(group.parameters)});
  std::cout << "\n" << table.text();
  if (!frozen.empty()) std::cout << "\nwith --freeze " << flags.freeze << ":\n" << frozen;
  return 0;
}

}  // namespace

Run add_inspect(CLI::App& app, Voice& voice) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App* command = app.add_subcommand("inspect", "What a checkpoint holds: arguments, layer groups, parameters");
  command->footer("Example: graft inspect minilm.pt --freeze up_to=encoder.layer.3");
  auto* file = command->add_option("FILE", flags->file, "A TorchScript file");
  command->add_option("--freeze", flags->freeze, "Show what trains under a policy: all, none, up_to=GROUP, PATTERN[,PATTERN]");
  auto* system = command->add_flag("--system", flags->system, "What this machine and LibTorch offer");
  command->add_flag("--trust", flags->trust, "Load without the check of the file's code (files, network, endless loops)");
  file->excludes(system);
  return [flags, command, &voice] {
    if (flags->file.empty() && !flags->system) {
      throw ConfigError({.code = "graft-C100",
                         .message = "[graft inspect] a FILE is wanted, or --system.",
                         .remedy = "graft inspect --help shows the flags, with an example.",
                         .place = ""});
    }
    return run(*flags, voice);
  };
}

}  // namespace graft::cli
