#include <algorithm>
#include <iostream>

#include "backbone/example.h"
#include "cli/command.h"
#include "cli/inspect_report.h"
#include "cli/train_settings.h"
#include "core/file.h"
#include "core/names.h"
#include "graft/adapt/freeze.h"
#include "graft/backbone/backbone.h"
#include "graft/core/device.h"
#include "graft/core/runtime.h"
#include "graft/model/plan.h"

namespace graft::cli {
namespace {

struct InspectFlags {
  std::string file, freeze, out;
  std::vector<std::string> constants, shapes;
  bool system = false, trust = false, repair = false, features = false, plan = false;
};

void check(const InspectFlags& flags) {
  const auto refuse = [](const std::string& message, const std::string& remedy) {
    throw ConfigError({.code = "graft-C100", .message = "[graft inspect] " + message, .remedy = remedy, .place = ""});
  };
  if (flags.file.empty() && !flags.system)
    refuse("a FILE is wanted, or --system.", "graft inspect --help shows the flags, with an example.");
  if (flags.plan && flags.freeze.empty()) refuse("--plan wants to know what is frozen.", "Add --freeze, for instance --freeze all.");
  if (!flags.out.empty() && !flags.repair) refuse("-o names where the repaired network goes.", "Add --repair, or leave -o out.");
  if (!flags.out.empty()) require_writable(flags.out);
}

int run(const InspectFlags& flags, const Voice& voice) {
  check(flags);
  if (flags.system) {
    std::cout << system_text() << "\ndevice auto: " << choose_device("auto").reason << "\n";
    return 0;
  }
  Backbone backbone = Backbone::load(flags.file, {.constants = parse_constants(flags.constants), .trust = flags.trust});
  std::vector<Finding> repaired;
  if (flags.repair) {
    const Backbone mended = backbone.repair();
    for (const Finding& finding : backbone.findings()) {
      if (finding.kind == FindingKind::Repairable &&
          std::ranges::find(mended.findings(), finding.code, &Finding::code) == mended.findings().end())
        repaired.push_back(finding);
    }
    backbone = mended;
    if (!flags.out.empty()) backbone.save(flags.out);
  }
  Json json = json_of(backbone);
  json["repaired"] = json_of(repaired);
  std::string text = text_of(backbone, flags.file);
  if (flags.repair)
    text += "\nrepaired" + (flags.out.empty() ? std::string(" (-o OUT.pt writes it)") : ", written to " + flags.out) + ":\n" +
            (repaired.empty() ? "  nothing\n" : text_of(repaired, Remedies::Hidden));
  text += "\n" + verdict(backbone, flags.repair);
  const auto example = [&] { return backbone::example_inputs(backbone, backbone::parse_shapes(backbone, flags.shapes)); };
  if (flags.features) {
    const std::vector<TapShape> shapes = tap_shapes(backbone, example());
    json["features"] = json_of(shapes);
    text += "\n" + text_of(shapes);
  }
  if (!flags.freeze.empty()) {
    const FreezeTable table = freeze_table(backbone, Freeze::parse(flags.freeze).trainable(backbone));
    json["trainable"] = table.trainable();
    text += "\nwith --freeze " + flags.freeze + ":\n" + table.text();
  }
  if (flags.plan) {
    const Fields inputs = example();
    const Plan found = plan(backbone, Freeze::parse(flags.freeze), inputs);
    json["plan"] = found.json();
    text += "\nfor inputs";
    for (const auto& [name, tensor] : inputs) text += " " + name + " " + shape_text(tensor.sizes());
    text += ", before pooling:\n" + found.text();
  }
  std::cout << (voice.json ? json_text(json) + "\n" : text);
  return 0;
}

}  // namespace

Run add_inspect(CLI::App& app, Voice& voice) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App* command = app.add_subcommand("inspect", "What a checkpoint holds, whether it can be trained, and what is to be mended first");
  command->footer(
      "Examples: graft inspect minilm.pt --freeze up_to=encoder.layer.3\n          graft inspect traced.pt --repair -o repaired.pt\n"
      "          graft inspect resnet.pt --features --shape 1x3x224x224\n"
      "          graft inspect resnet.pt --plan --freeze up_to=layer3 --shape 1x3x224x224");
  auto* file = command->add_option("FILE", flags->file, "A TorchScript file");
  command->add_flag("--repair", flags->repair, "Mend what can be mended, and show what is left");
  command->add_option("-o,--out", flags->out, "Where the repaired network goes");
  command->add_flag("--features", flags->features, "List what can be brought out of the network, with shapes");
  command->add_option("--shape", flags->shapes, "NAME=2x3x224x224: the input that shapes are told for; default: tried");
  command->add_option("--constant", flags->constants, "NAME=VALUE for other arguments of the network; may be repeated");
  command->add_option("--freeze", flags->freeze, "Show what trains under a policy: all, none, up_to=GROUP, PATTERN[,PATTERN]");
  command->add_flag("--plan", flags->plan,
                    "With --freeze: what is computed once, what in every epoch, what is kept of a sample, and the gain");
  auto* system = command->add_flag("--system", flags->system, "What this machine and LibTorch offer");
  command->add_flag("--trust", flags->trust, "Load without the check of the file's code (files, network, endless loops)");
  file->excludes(system);
  return [flags, &voice] { return run(*flags, voice); };
}

}  // namespace graft::cli
