// Finds names of people, places, products in texts: fine-tunes a sentence encoder on tagged words, and marks a text of your own.
//
//   04_entities BACKBONE.pt TRAIN.conll TEST.conll TEXT...
//
// BACKBONE.pt is what graft import wrote; the others have a word and its tag a line (O, B-person, I-person), and an empty line between
// sentences. graft::data::entity_lines reads .jsonl files of texts with entities in their place.
#include <graft/graft.h>

#include <iostream>
#include <string>

namespace {

int run(int argc, char** argv) {
  if (argc < 5) {
    std::cerr << "usage: " << argv[0] << " BACKBONE.pt TRAIN.conll TEST.conll TEXT...\n";
    return 2;
  }
  const auto backbone = graft::Backbone::load(argv[1]);
  const auto words = graft::text::subwords_from_json(backbone.files().at("tokenizer.json"));
  auto data = graft::data::conll(argv[2]).split({.valid = 0.1, .seed = 1});
  data.test = graft::data::conll(argv[3]);

  // Most words are no entity. Where the rare kinds matter most, .focal_gamma = 2 or .class_weights shift the loss towards them.
  graft::Model model(backbone, graft::head::TokenClassifier({.labels = graft::head::TokenClassifier::labels_of(data.train)}),
                     graft::text::Words(words));
  std::cout << graft::fine_tune(model, data) << "\n";
  model.save("entities.pt");

  const auto predictor = graft::Predictor::load("entities.pt");
  for (int i = 4; i < argc; ++i) {
    const auto answer = predictor(std::string(argv[i]));
    std::cout << argv[i] << "\n";
    for (const auto& entity : answer.spans) std::cout << "  " << entity.text << ": " << entity.label << " (" << entity.score << ")\n";
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
