#include "cli/inspect_report.h"

#include <algorithm>

#include "core/names.h"
#include "core/table.h"
#include "graft/core/error.h"
#include "graph/network.h"

namespace graft::cli {
namespace {

std::string signature(const Backbone& backbone) {
  std::string text;
  for (const auto& argument : backbone.arguments()) {
    text += (text.empty() ? "" : ", ") + argument.name + ": " + argument.type + (argument.has_default ? " (optional)" : "");
  }
  return "forward(" + text + ")";
}

/// Of pictures [N, C, H, W] in height, of sequences [N, C, L] in length; both are last but for the width.
double stride_of(const at::Tensor& input, const at::Tensor& output) {
  const bool pictures = input.dim() == 4 && output.dim() == 4, signals = input.dim() == 3 && output.dim() == 3;
  if (!pictures && !signals) return 0;
  return static_cast<double>(input.size(2)) / static_cast<double>(std::max<std::int64_t>(output.size(2), 1));
}

}  // namespace

std::vector<TapShape> tap_shapes(const Backbone& backbone, const Fields& example) {
  const auto taps = backbone.taps();
  std::vector<std::string> names;
  for (const auto& tap : taps) names.push_back(tap.name);
  const Fields outputs = backbone.features(names)(example);
  std::vector<TapShape> shapes;
  for (const auto& tap : taps) {
    const at::Tensor* output = outputs.find(tap.name);
    if (output == nullptr) continue;
    shapes.push_back({tap.name, tap.is_module, output->sizes().vec(), stride_of(example.begin()->second, *output)});
  }
  return shapes;
}

Json json_of(const std::vector<Finding>& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"code", finding.code},
                    {"kind", kind_name(finding.kind)},
                    {"message", finding.message},
                    {"remedy", finding.remedy},
                    {"place", finding.place}});
  }
  return list;
}

Json json_of(const std::vector<TapShape>& shapes) {
  Json list = Json::array();
  for (const TapShape& tap : shapes)
    list.push_back({{"name", tap.name}, {"module", tap.is_module}, {"shape", tap.shape}, {"stride", tap.stride}});
  return list;
}

Json json_of(const Backbone& backbone) {
  Json methods = Json::array(), groups = Json::array(), arguments = Json::array(), files = Json::array();
  for (const auto& argument : backbone.arguments())
    arguments.push_back({{"name", argument.name}, {"type", argument.type}, {"optional", argument.has_default}});
  for (const std::string& name : backbone.method_names()) {
    methods.push_back({{"name", name}, {"arguments", name == "forward" ? arguments : Json::array()}});
  }
  for (const LayerGroup& group : backbone.groups()) groups.push_back({{"name", group.name}, {"parameters", group.parameters}});
  for (const auto& [name, content] : backbone.files()) files.push_back(name);
  return {{"kind", backbone.source().origin().exported ? "torch.export" : "torchscript"},
          {"methods", methods},
          {"parameters", backbone.num_parameters()},
          {"trainable", backbone.num_trainable_as_saved()},
          {"groups", groups},
          {"files", files},
          {"findings", json_of(backbone.findings())}};
}

std::string text_of(const Backbone& backbone, const std::string& file) {
  std::string text = file + (backbone.source().origin().exported ? ": torch.export, " : ": TorchScript, ") +
                     with_commas(backbone.num_parameters()) + " parameters, " + with_commas(backbone.num_trainable_as_saved()) +
                     " of them saved as trainable\n  " + signature(backbone) + "\n";
  for (const auto& [name, content] : backbone.files()) text += "  holds " + name + "\n";
  if (backbone.groups().empty()) return text;
  Table table;
  table.add({"layer group", "parameters"});
  for (const LayerGroup& group : backbone.groups()) table.add({group.name, with_commas(group.parameters)});
  return text + "\n" + table.text();
}

std::string text_of(const std::vector<Finding>& findings, Remedies remedies) {
  std::string text;
  for (const Finding& finding : findings) {
    const std::string message = finding.message.substr(finding.message.find("] ") + 2);
    text += "  " + finding.code + "  " + message + (finding.place.empty() ? "" : " (" + finding.place + ")") + "\n";
    if (remedies == Remedies::Shown) text += "              " + finding.remedy + "\n";
  }
  return text;
}

std::string text_of(const std::vector<TapShape>& shapes) {
  Table table;
  table.add({"feature", "shape", "stride"});
  for (const TapShape& tap : shapes) {
    const std::string stride =
        tap.stride > 0 ? fixed(tap.stride, tap.stride == static_cast<double>(static_cast<int>(tap.stride)) ? 0 : 2) : "";
    table.add({tap.name, shape_text(tap.shape), stride});
  }
  return table.text();
}

std::string verdict(const Backbone& backbone, bool repaired) {
  const auto of_kind = [&](FindingKind kind) {
    std::vector<Finding> found;
    std::ranges::copy_if(backbone.findings(), std::back_inserter(found), [&](const Finding& finding) { return finding.kind == kind; });
    return found;
  };
  const auto obstacles = of_kind(FindingKind::Obstacle), repairable = of_kind(FindingKind::Repairable), notes = of_kind(FindingKind::Note);
  std::string text;
  if (!obstacles.empty()) text += "stands in the way of training it:\n" + text_of(obstacles);
  if (!repairable.empty()) text += "to be repaired (graft train does so where it matters):\n" + text_of(repairable);
  if (!notes.empty()) text += "good to know:\n" + text_of(notes);
  if (!obstacles.empty()) return text + "It can serve as a frozen backbone where it runs; see above for training it.\n";
  if (!repairable.empty())
    return text +
           (repaired ? "Not all could be repaired.\n" : "Next: graft inspect FILE --repair -o REPAIRED.pt, or train on it as it is.\n");
  return text + "It can be trained.\n";
}

}  // namespace graft::cli
