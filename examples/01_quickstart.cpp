// Routes support messages: a sentence encoder stays frozen, a linear head is solved on its features, and one file comes out.
// examples/quickstart.sh brings what it needs and runs it:
//   01_quickstart minilm.pt tickets.csv tickets.pt
// About 0.7 of the held-out messages reach the right queue; always naming the largest would reach 0.18.
#include <graft/graft.h>

#include <cstdio>
#include <exception>
#include <iostream>

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::cerr << "usage: 01_quickstart BACKBONE.pt MESSAGES.csv OUT.pt\n";
    return 2;
  }
  const auto backbone = graft::Backbone::load(argv[1]);
  const auto words = graft::text::subwords_from_json(backbone.files().at("tokenizer.json"));
  const auto data =
      graft::data::csv(argv[2], {.require = {"message", "queue"}}).split({.valid = 0.15, .test = 0.2, .stratify = "queue", .seed = 1});
  std::cout << data.train.size() << " messages train, " << data.valid.size() << " choose, " << data.test.size() << " test\n";

  graft::Model model(backbone, graft::head::Classifier({.label = "queue", .labels = data.labels("queue")}),
                     graft::text::Tokenizer(words, {.text = "message"}));
  const auto report = graft::fine_tune(model, data);
  std::cout << report;
  model.save(argv[3]);

  const auto predictor = graft::Predictor::load(argv[3]);
  std::cout << "\nSaved to " << argv[3] << " and loaded again:\n";
  for (const char* message : {"my parcel was due last week, where is it?", "the app logs me out every time i open it"}) {
    const auto answer = predictor(message);
    std::printf("  %.2f %-16s %s\n", answer.score, answer.label.c_str(), message);
  }
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
