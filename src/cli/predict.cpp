#include <iostream>

#include "cli/command.h"
#include "cli/data.h"
#include "core/table.h"
#include "graft/predict/predictor.h"

namespace graft::cli {
namespace {

struct PredictFlags {
  std::string model, device = "auto";
  std::vector<std::string> texts;
  int top = 3;
};

Json json_of(const Decoded& answer, int top) {
  Json best = Json::array();
  for (std::size_t i = 0; i < std::min(answer.top.size(), static_cast<std::size_t>(top)); ++i) {
    best.push_back({{"label", answer.top[i].first}, {"score", answer.top[i].second}});
  }
  Json json{{"label", answer.label}, {"score", answer.score}, {"top", best}};
  for (const auto& [name, tensor] : answer.values) {
    const at::Tensor flat = tensor.to(at::kDouble).contiguous().view(-1);
    json["values"][name] = std::vector<double>(flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel());
  }
  return json;
}

std::string text_of(const Decoded& answer, int top) {
  if (answer.top.empty()) return json_of(answer, top).value("values", Json::object()).dump();
  std::string text = fixed(answer.score, 2) + " " + answer.label;
  std::string others;
  for (std::size_t i = 1; i < std::min(answer.top.size(), static_cast<std::size_t>(top)); ++i) {
    others += (others.empty() ? "" : ", ") + answer.top[i].first + " " + fixed(answer.top[i].second, 2);
  }
  return text + (others.empty() ? "" : "  (" + others + ")");
}

/// Answers each line as it comes, so that a person can type and a pipe can stream.
int answer_lines(const Predictor& predictor, const PredictFlags& flags, const Voice& voice) {
  if (is_terminal(0) && !voice.quiet) std::cerr << "Type a message and press Enter; Ctrl-D ends.\n";
  Json all = Json::array();
  for (std::string line; std::getline(std::cin, line);) {
    if (line.empty()) continue;
    const Decoded answer = predictor(line);
    if (voice.json) {
      all.push_back(json_of(answer, flags.top));
    } else {
      std::cout << text_of(answer, flags.top) << std::endl;
    }
  }
  if (voice.json) std::cout << Json{{"predictions", all}}.dump(2) << "\n";
  return 0;
}

int run(const PredictFlags& flags, const Voice& voice) {
  start_runtime(0);
  const Predictor predictor = Predictor::load(flags.model, {.device = flags.device});
  if (flags.texts == std::vector<std::string>{"-"} || flags.texts.empty()) return answer_lines(predictor, flags, voice);
  ProgressLine line(voice);
  const std::vector<Decoded> answers = predictor.batch(flags.texts, line.function());
  line.clear();
  Json all = Json::array();
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (voice.json) {
      all.push_back(json_of(answers[i], flags.top));
    } else {
      std::cout << text_of(answers[i], flags.top) << "  <- " << shortened(flags.texts[i], 60) << "\n";
    }
  }
  if (voice.json) std::cout << Json{{"predictions", all}}.dump(2) << "\n";
  return 0;
}

}  // namespace

Run add_predict(CLI::App& app, Voice& voice) {
  auto flags = std::make_shared<PredictFlags>();
  CLI::App* command = app.add_subcommand("predict", "Answers of a saved model");
  command->footer(
      "Examples: graft predict run/model.pt \"where is my parcel?\"\n          cat messages.txt | graft predict run/model.pt -");
  command->add_option("MODEL", flags->model, "A model saved by graft")->required();
  command->add_option("INPUT", flags->texts, "Texts; - or nothing: lines from stdin");
  command->add_option("--top", flags->top, "How many of the best answers to show")->capture_default_str()->check(CLI::PositiveNumber);
  command->add_option("--device", flags->device, "auto, cpu or cuda:N")->capture_default_str();
  return [flags, &voice] { return run(*flags, voice); };
}

}  // namespace graft::cli
