// What the program does with pictures, from folders to copies with answers drawn in.
#include <ATen/ATen.h>

#include <map>
#include <set>

#include "graft/image/picture.h"
#include "program.h"

using namespace graft;
using test::Program;
using test::Result;

namespace {

const std::vector<std::string> colours{"blue", "green", "red"};

/// 32 x 32, mostly of one colour, with noise.
at::Tensor coloured(std::int64_t channel, std::int64_t seed) {
  at::manual_seed(seed);
  at::Tensor picture = at::randint(0, 60, {32, 32, 3}, at::kByte);
  picture.select(2, 2 - channel).add_(150);
  return picture;
}

struct Pictures {
  Program graft;
  std::string backbone = test::golden_path("vision_script.pt");

  /// A folder for each class.
  std::string classes(const std::string& name, int each) const {
    for (std::size_t i = 0; i < colours.size(); ++i) {
      const std::string folder = graft.folder.file(name) + "/" + colours[i];
      std::filesystem::create_directories(folder);
      for (int k = 0; k < each; ++k) {
        image::write_png(folder + "/" + colours[i] + std::to_string(k) + ".png",
                         coloured(static_cast<std::int64_t>(i), static_cast<std::int64_t>(100 * each + k)));
      }
    }
    return graft.folder.file(name);
  }
  /// Pascal VOC with its lists: a bright square on noise.
  std::string squares() const {
    const std::string root = graft.folder.file("squares");
    for (const char* part : {"Annotations", "JPEGImages", "ImageSets/Main"}) std::filesystem::create_directories(root + "/" + part);
    std::map<std::string, std::string> lists;
    for (int i = 0; i < 10; ++i) {
      const std::string name = "s" + std::to_string(i);
      const std::int64_t left = 3 + i, top = 12 - i, side = 12;
      at::Tensor picture = coloured(0, i);
      picture.narrow(0, top, side).narrow(1, left, side).fill_(250);
      image::write_png(root + "/JPEGImages/" + name + ".png", picture);
      const auto tag = [](const std::string& what, std::int64_t value) {
        return "<" + what + ">" + std::to_string(value) + "</" + what + ">";
      };
      test::write(root + "/Annotations/" + name + ".xml", "<annotation><filename>" + name + ".png</filename><size>" + tag("width", 32) +
                                                              tag("height", 32) + "</size><object><name>square</name><bndbox>" +
                                                              tag("xmin", left) + tag("ymin", top) + tag("xmax", left + side) +
                                                              tag("ymax", top + side) + "</bndbox></object></annotation>");
      lists[i < 6 ? "train" : i < 8 ? "val" : "test"] += name + "\n";
    }
    for (const auto& [part, names] : lists) test::write(root + "/ImageSets/Main/" + part + ".txt", names);
    return root;
  }
  Json train(const std::string& flags) const {
    const Result result = graft("train --backbone " + backbone + " --image-size 32 --out " + graft.folder.file("run") + " --json " + flags);
    INFO(result.err);
    REQUIRE(result.code == 0);
    return Json::parse(result.out);
  }
  std::string model() const { return graft.folder.file("run/model.pt"); }
};

}  // namespace

TEST_CASE("graft: a folder of class folders is learned, measured and asked", "[cli]") {
  const Pictures p;
  const std::string train = p.classes("train", 12), test = p.classes("test", 4);
  const Json trained = p.train("--train " + train + " --test " + test);
  CHECK(trained.at("metrics").at("accuracy") == 1.0);
  CHECK(trained.at("phases").contains("prepare"));  // no picture is tokenized
  CHECK_FALSE(trained.at("phases").contains("tokenize"));

  const Result measured = p.graft("evaluate " + p.model() + " --data " + test + " --json");
  REQUIRE(measured.code == 0);
  CHECK(Json::parse(measured.out).at("samples") == 12);
  CHECK(Json::parse(measured.out).at("metrics").at("accuracy") == 1.0);

  SECTION("pictures and folders may be mixed; each is answered in the order of its path") {
    const Result asked = p.graft("predict " + p.model() + " " + test + "/red/red0.png " + test + " --json");
    REQUIRE(asked.code == 0);
    const Json answers = Json::parse(asked.out).at("predictions");
    REQUIRE(answers.size() == 13);
    CHECK(answers.at(0).at("image") == test + "/red/red0.png");
    CHECK(answers.at(0).at("label") == "red");
    CHECK(answers.at(0).at("score") > 0.5);
    CHECK(answers.at(0).at("top").size() == 3);
    CHECK(answers.at(1).at("image") == test + "/blue/blue0.png");
    for (std::size_t i = 1; i < 13; ++i) CHECK(answers.at(i).at("label") == colours[(i - 1) / 4]);
    const Result spoken = p.graft("predict " + p.model() + " " + test + "/green/green1.png");
    CHECK(spoken.out.find("green1.png: ") != std::string::npos);
    CHECK(spoken.out.find(" green  (") != std::string::npos);
  }
  SECTION("a broken picture is told and passed over, and the exit code says so") {
    test::write(test + "/red/broken.jpg", "no picture");
    const Result asked = p.graft("predict " + p.model() + " " + test + "/red --json");
    CHECK(asked.code == 1);
    CHECK(asked.err.find("red/broken.jpg") != std::string::npos);
    CHECK(asked.err.find("1 of 5 pictures could not be read") != std::string::npos);
    CHECK(Json::parse(asked.out).at("predictions").size() == 4);
  }
  SECTION("copies have the answer below, in a folder beside predictions.json") {
    const std::string out = p.graft.folder.file("found");
    std::filesystem::copy_file(test + "/red/red0.png", test + "/green/red0.png");
    REQUIRE(p.graft("predict " + p.model() + " " + test + " --out " + out).code == 0);
    const Json answers = Json::parse(read_file(out + "/predictions.json")).at("predictions");
    REQUIRE(answers.size() == 13);
    std::set<std::string> drawn;
    for (const Json& answer : answers) {
      drawn.insert(answer.at("drawn"));
      const auto size = image::read_size(answer.at("drawn"));
      CHECK(size.width == 224 + 8);
      CHECK(size.height > 224 + 8);
    }
    CHECK(drawn.size() == 13);
    CHECK(drawn.contains(out + "/red0.jpg"));
    CHECK(drawn.contains(out + "/1_red0.jpg"));
  }
}

TEST_CASE("graft train: a saved model finds its column of pictures again", "[cli]") {
  const Pictures p;
  const std::string folder = p.classes("train", 6), table = p.graft.folder.file("photos.csv");
  std::string csv = "photo,colour\n";
  for (const std::string& colour : colours) {
    for (int k = 0; k < 6; ++k) csv += folder + "/" + colour + "/" + colour + std::to_string(k) + ".png," + colour + "\n";
  }
  test::write(table, csv);
  p.train("--train " + table + " --text photo --label colour");
  const Result again = p.graft("train --check --backbone " + p.model() + " --train " + table);
  INFO(again.err);
  CHECK(again.code == 0);
  CHECK(again.err.find("pictures \"photo\"") != std::string::npos);
}

TEST_CASE("graft: the classifier that a network was published with is left out", "[cli]") {
  Pictures p;
  p.backbone = test::golden_path("checkpoints/resnet_script.pt");
  const Result result = p.graft("train --backbone " + p.backbone + " --image-size 32 --train " + p.classes("train", 6) + " --out " +
                                p.graft.folder.file("run"));
  REQUIRE(result.code == 0);
  CHECK(result.err.find("pictures \"image\"") != std::string::npos);
  CHECK(result.err.find("own classifier is left out") != std::string::npos);
  CHECK(Model::load(p.model()).head().parameters()["weight"].size(1) == 16);  // of the scores there are 5
}

TEST_CASE("graft: objects of a Pascal VOC folder are learned, measured and drawn", "[cli]") {
  const Pictures p;
  const std::string data = p.squares();
  const Json report = p.train("--train " + data + " --fit stretch --epochs 2 --batch 2 --precision fp32");
  CHECK(report.at("metrics").contains("ap50"));
  CHECK(report.at("samples") == 2);

  const std::string seen = p.graft.folder.file("seen");
  const Result measured = p.graft("evaluate " + p.model() + " --data " + data + " --min-score 0.99 --out " + seen + " --json");
  INFO(measured.err);
  REQUIRE(measured.code == 0);
  CHECK(Json::parse(measured.out).at("samples") == 2);
  const Json pictures = Json::parse(read_file(seen + "/pictures.json")).at("pictures");
  REQUIRE(pictures.size() == 2);
  CHECK(pictures.at(0).at("drawn") == seen + "/1_s8.jpg");
  CHECK(pictures.at(0).at("missed") == 1);
  CHECK(pictures.at(0).at("wrong") == 0);
  // The true box of the picture, from (11, 4) to (23, 16), is a white line with a dark one inside.
  const at::Tensor drawn = image::read_picture(pictures.at(0).at("drawn")).to(at::kFloat).mean(2);
  CHECK(drawn[4].narrow(0, 13, 8).mean().item<float>() > 200);
  CHECK(drawn[5].narrow(0, 13, 8).mean().item<float>() < 120);

  const std::string out = p.graft.folder.file("found");
  const Result asked = p.graft("predict " + p.model() + " " + data + "/JPEGImages/s9.png --min-score 0 --out " + out);
  INFO(asked.err);
  REQUIRE(asked.code == 0);
  const Json answer = Json::parse(read_file(out + "/predictions.json")).at("predictions").at(0);
  REQUIRE(answer.at("boxes").size() > 0);
  CHECK(answer.at("boxes").at(0).at("label") == "square");
  CHECK(answer.at("boxes").at(0).at("box").size() == 4);
  CHECK(image::read_size(out + "/s9.jpg") == image::PictureSize{.height = 32, .width = 32});
}

TEST_CASE("graft: what cannot be done with pictures is told before the work", "[cli][error]") {
  const Pictures p;
  const std::string data = p.classes("pictures", 6), out = p.graft.folder.file("run");
  const auto train = [&](const std::string& flags) {
    return p.graft("train --backbone " + p.backbone + " --train " + data + " --out " + out + " " + flags);
  };
  const auto is_told = [](const Result& result, const std::string& what) {
    INFO(result.err);
    CHECK(result.code == 2);
    CHECK(result.err.find(what) != std::string::npos);
  };
  is_told(train("--task detect"), "graft-D045");
  is_told(train("--image-size 32by32"), "--image-size like 224 or 416x320");
  is_told(train("--augment flip,mirror"), "\"mirror\"");
  is_told(p.graft("train --backbone " + p.backbone + " --train " + data + "/nowhere --out " + out), "nowhere");
  p.train("--train " + data);
  is_told(p.graft("predict " + p.model() + " " + data + "/nowhere"), "graft-D053");
  is_told(p.graft("predict " + p.model() + " " + data + "/red --out " + data + "/red"), "graft-C120");
  is_told(p.graft("predict " + p.model() + " " + data + "/red --out " + p.model()), "graft-C107");
  is_told(p.graft("evaluate " + p.model() + " --data " + data + " --out " + p.graft.folder.file("seen")), "graft-C121");
}
