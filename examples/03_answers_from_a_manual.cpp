// Answers questions from a manual: fine-tunes a sentence encoder on questions whose answers stand in texts, and asks it about a text of
// your own.
//
//   03_answers_from_a_manual BACKBONE.pt QUESTIONS.json MANUAL.txt QUESTION...
//
// BACKBONE.pt is what graft import wrote; QUESTIONS.json has the form of SQuAD, with or without questions that have no answer.
#include <graft/graft.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

namespace {

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Shows what is being done, on one line.
class Line final : public graft::Callback {
 public:
  void on_progress(const graft::Progress& progress) override {
    std::cerr << "\r" << progress.phase << " " << progress.done << "/" << progress.total << " " << progress.note << "   " << std::flush;
    if (progress.done == progress.total) std::cerr << "\n";
  }
};

int run(int argc, char** argv) {
  if (argc < 5) {
    std::cerr << "usage: " << argv[0] << " BACKBONE.pt QUESTIONS.json MANUAL.txt QUESTION...\n";
    return 2;
  }
  const auto backbone = graft::Backbone::load(argv[1]);
  const auto words = graft::text::subwords_from_json(backbone.files().at("tokenizer.json"));
  const auto data = graft::data::squad(argv[2]).split({.valid = 0.1, .seed = 1});

  // A long text is read in windows that overlap; the head finds the best span of all of them.
  graft::Model model(backbone,
                     graft::head::QuestionAnswering({.end_token = words->frame().end.value(), .separators = words->frame().separators}),
                     graft::text::QuestionWindows(words));
  const auto report = graft::fine_tune(model, data, {.callbacks = {std::make_shared<Line>()}});
  std::cout << report << "\n";
  model.save("manual.pt");

  // The saved file is all that an application needs.
  const auto predictor = graft::Predictor::load("manual.pt", {.top = 3});
  const std::string manual = read(argv[3]);
  for (int i = 4; i < argc; ++i) {
    const auto answer = predictor(graft::Record{{{"question", std::string(argv[i])}, {"context", manual}}, argv[3]});
    std::cout << argv[i] << "\n";
    if (answer.rejected) std::cout << "  no answer\n";
    for (const auto& span : answer.spans)
      std::cout << "  " << span.score << "  " << span.text << "  (bytes " << span.begin << " to " << span.end << ")\n";
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
