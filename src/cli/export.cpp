#include <iostream>

#include "cli/command.h"
#include "core/file.h"
#include "graft/backbone/import.h"

namespace graft::cli {

Run add_export(CLI::App& app, Voice& voice) {
  struct Flags {
    std::string file, weights;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("export", "Write the weights of a saved model's backbone under their original names, for Python");
  command->footer("Example: graft export run/model.pt --weights tuned.safetensors");
  command->add_option("MODEL", flags->file, "A model saved by graft, or a backbone")->required();
  command->add_option("--weights", flags->weights, "The safetensors file to write, for load_state_dict()")->required();
  return [flags, &voice] {
    require_writable(flags->weights);
    const std::size_t count = backbone::export_weights(flags->file, flags->weights);
    if (voice.json) {
      std::cout << json_text(Json::object({{"tensors", count}, {"out", flags->weights}})) << "\n";
    } else {
      std::cout << flags->weights << ": " << count << " tensors\nnext, in Python: network.load_state_dict(safetensors.torch.load_file(\""
                << flags->weights << "\"))\n";
    }
    return 0;
  };
}

}  // namespace graft::cli
