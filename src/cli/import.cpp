#include <iostream>

#include "cli/command.h"
#include "core/file.h"
#include "core/names.h"
#include "graft/backbone/import.h"

namespace graft::cli {
namespace {

struct ImportFlags {
  std::string source, out, architecture;
};

int run(const ImportFlags& flags, const Voice& voice) {
  require_writable(flags.out);
  const backbone::ImportReport report = backbone::import_checkpoint(flags.source, flags.out, {.architecture = flags.architecture});
  if (voice.json) {
    std::cout << json_text(Json::object({{"architecture", report.architecture},
                                         {"parameters", report.parameters},
                                         {"unused", report.unused},
                                         {"tokenizer", report.has_tokenizer},
                                         {"preprocess", report.has_preprocess},
                                         {"out", flags.out}}))
              << "\n";
    return 0;
  }
  std::cout << flags.out << ": " << report.architecture << " with " << with_commas(report.parameters) << " parameters"
            << (report.has_tokenizer    ? ", its tokenizer inside"
                : report.has_preprocess ? ", inside how its pictures are prepared"
                                        : "")
            << "\n";
  if (!report.unused.empty()) std::cout << "not needed by the network: " << quoted_list(report.unused) << "\n";
  for (const Finding& finding : report.findings) {
    if (finding.code == "graft-F018") std::cout << finding.message << "\n  " << finding.remedy << "\n";
  }
  std::cout << "next: graft inspect " << flags.out << "\n";
  if (report.has_tokenizer)
    std::cout << "      graft train --backbone " << flags.out << " --train DATA.csv --text COLUMN --label COLUMN --out RUN\n";
  return 0;
}

}  // namespace

Run add_import(CLI::App& app, Voice& voice) {
  auto flags = std::make_shared<ImportFlags>();
  CLI::App* command = app.add_subcommand("import", "Turn a published model into a TorchScript checkpoint, without Python");
  command->footer("Example: graft import all-MiniLM-L6-v2 -o minilm.pt");
  command
      ->add_option("SOURCE", flags->source,
                   "A folder with config.json and weights, a state dict (.pth, .pt, .th, .safetensors), or a file of torch.export (.pt2)")
      ->required();
  command->add_option("--arch", flags->architecture, "The architecture, where the names of the tensors do not tell")
      ->check(CLI::IsMember(backbone::architecture_names()));
  command->add_option("-o,--out", flags->out, "The file to write")->required();
  return [flags, &voice] { return run(*flags, voice); };
}

}  // namespace graft::cli
