// Finds and counts blood cells: an anchor-free detector (FCOS) on the maps of a frozen published network. The network sees each picture
// once as it is and in four variants, flipped or not, whose features are kept; only the detector trains.
//
// The data is BCCD in the form of Pascal VOC (https://github.com/Shenggan/BCCD_Dataset, folder BCCD: 364 pictures of 640 x 480 with red
// cells, white cells and platelets), the network EfficientNet-Lite0 (graft import):
//   07_blood_cells lite0.pt BCCD cells.pt cells.jpg [EPOCHS]
// 25 epochs give an AP of about 0.57 and an AP50 of 0.90 on the 72 test pictures. The last file is a test picture with what was found.
#include <graft/graft.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace {

/// How many there are of each class.
std::map<std::string, int> counted(const auto& boxes) {
  std::map<std::string, int> counts;
  for (const auto& box : boxes) ++counts[box.label];
  return counts;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 5 || argc > 6) {
    std::cerr << "usage: 07_blood_cells BACKBONE.pt BCCD OUT.pt PICTURE.jpg [EPOCHS]\n";
    return 2;
  }
  const int epochs = argc == 6 ? std::stoi(argv[5]) : 25;
  // Two boxes of the data have no area: they are dropped, and told in the log.
  const auto checked = graft::data::check_boxes(graft::data::vision_splits(argv[2]));
  const graft::Splits& data = checked.splits;
  std::cout << checked.boxes << " boxes, " << checked.dropped << " dropped; " << data.train.size() << " pictures train, "
            << data.valid.size() << " choose, " << data.test.size() << " test\n";

  const auto backbone = graft::Backbone::load(argv[1]);
  auto options = graft::image::Pictures::options_from(nlohmann::json::parse(backbone.files().at("preprocess.json")));
  options.width = 416, options.height = 320;  // nearly the proportions of 640 x 480, and multiples of 32
  options.fit = graft::image::Fit::Stretch;
  options.augment = {.horizontal_flip = 0.5, .vertical_flip = 0.5};  // cells have no upside
  options.places = true;                                             // boxes move with the picture
  const graft::image::Pictures pictures(options);

  graft::Model model(backbone,
                     graft::head::Detector({.labels = graft::head::Detector::labels_of(data.train),
                                            .levels = graft::backbone::pyramid_levels(backbone, pictures)}),
                     pictures);
  const auto report =
      graft::fine_tune(model, data, {.trainer = {.epochs = epochs, .batch_size = 8, .store = graft::FeatureStore({.views = 4})}});
  std::cout << report.plan << "\n";
  for (const char* metric : {"ap", "ap50", "ap75"}) std::printf("%-5s %.4f\n", metric, report.evaluation.metric(metric));
  model.save(argv[3]);

  const auto predictor = graft::Predictor::load(argv[3]);
  const graft::Record record = data.test.get(0);
  const std::string file = record.text("image");
  auto answer = predictor(graft::Record{{{"image", file}}, file});
  std::erase_if(answer.boxes, [](const graft::Box& box) { return box.score < 0.5; });  // the file answers with all above 0.05
  auto found = counted(answer.boxes), there = counted(graft::boxes_of(record));
  auto picture = graft::image::read_picture(file);
  const auto labels = predictor.labels();
  std::cout << "\n" << file << "\n";
  for (std::size_t i = 0; i < labels.size(); ++i) {
    std::printf("  %-10s %d found, %d there\n", labels[i].c_str(), found[labels[i]], there[labels[i]]);
    for (const auto& box : answer.boxes) {
      if (box.label == labels[i]) graft::image::draw_box(picture, box, graft::image::class_colour(static_cast<int>(i)), box.label);
    }
  }
  graft::image::write_jpeg(argv[4], picture);
  std::cout << "drawn in " << argv[4] << "\n";
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
