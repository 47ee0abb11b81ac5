// Tells your own pictures apart. A published network stays as it is, its features of each picture are computed once, and a linear head is
// solved on them: a few dozen pictures a class are enough for a first answer, and a few hundred take a minute or two.
//
// The data is a folder with a folder of pictures for each class, such as pets/cat/1.jpg and pets/dog/2.jpg; the network comes from
// `graft import` with its preprocessing, such as EfficientNet-Lite0 (docs/backbones.md):
//   06_your_pictures lite0.pt pets pets.pt [new.jpg]
// A fifth of the pictures is kept out as test data. What to expect depends on your classes: the report shows it beside the share of the
// largest class, with a table of what is taken for what. The surest mistakes at its end are often wrong labels: look at those files.
#include <graft/graft.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>

int main(int argc, char** argv) try {
  if (argc < 4 || argc > 5) {
    std::cerr << "usage: 06_your_pictures BACKBONE.pt FOLDER OUT.pt [PICTURE]\n";
    return 2;
  }
  const auto published = graft::Backbone::load(argv[1]);
  // How pictures are prepared is part of what was published: size, range of the colours, interpolation.
  const auto pictures = graft::image::Pictures::options_from(nlohmann::json::parse(published.files().at("preprocess.json")));

  const auto data = graft::data::image_folder(argv[2]).split({.valid = 0, .test = 0.2, .stratify = "label", .seed = 1});
  std::cout << data.train.size() << " pictures train, " << data.test.size() << " test; classes:";
  for (const auto& label : data.labels("label")) std::cout << " " << label;
  std::cout << "\n";

  // What the network's last layer read says more about a picture than its scores for the classes of somebody else.
  graft::Model model(graft::backbone::without_classifier(published), graft::head::Classifier({.labels = data.labels("label")}),
                     graft::image::Pictures(pictures));
  const auto report = graft::fine_tune(model, data, {.preset = graft::Preset::Probe});
  std::cout << report << "\n";

  // The same as a list, to go on from: copy them, look at them, move them to another folder.
  std::cout << "Surest mistakes:\n";
  for (const auto& mistake : report.evaluation.mistakes)
    std::printf("  %.2f %s, labelled %s: %s\n", mistake.score, mistake.predicted.c_str(), mistake.expected.c_str(), mistake.place.c_str());

  model.save(argv[3]);
  const auto predictor = graft::Predictor::load(argv[3]);
  const std::string picture = argc == 5 ? argv[4] : data.test.get(0).text("image");
  const auto answer = predictor(graft::Record{{{"image", picture}}, picture});
  std::cout << "\nSaved to " << argv[3] << " and loaded again:\n" << picture << "\n";
  for (const auto& [label, score] : answer.top) std::printf("  %.2f %s\n", score, label.c_str());
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
