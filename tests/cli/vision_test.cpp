// Commands on pictures that are made here.
#include <ATen/ATen.h>

#include <filesystem>

#include "graft/image/picture.h"
#include "program.h"

using namespace graft;
using test::Program;
using test::Result;

namespace {

constexpr std::int64_t side = 40;

/// Folders "blue" and "red" of pictures of their colour, whose left half is dark.
std::string colours(const Program& graft, int each) {
  for (const auto& [name, channel] : {std::pair("blue", 2), std::pair("red", 0)}) {
    std::filesystem::create_directories(graft.folder.file(std::string("colours/") + name));
    for (int i = 0; i < each; ++i) {
      at::Tensor picture = at::zeros({side, side, 3}, at::kByte);
      picture.narrow(1, side / 2, side / 2).select(2, channel).fill_(200 + i);
      image::write_png(graft.folder.file(std::string("colours/") + name + "/" + std::to_string(i) + ".png"), picture);
    }
  }
  return graft.folder.file("colours");
}

/// One picture with a box about its upper left quarter, in the form of COCO.
std::string boxed(const Program& graft) {
  image::write_png(graft.folder.file("one.png"), at::full({side, side, 3}, 90, at::kByte));
  test::write(graft.folder.file("boxes.json"),
              R"({"images": [{"id": 1, "file_name": "one.png", "width": 40, "height": 40}], "categories": [{"id": 1, "name": "cell"}],)"
              R"( "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 20, 20], "area": 400, "iscrowd": 0}]})");
  return graft.folder.file("boxes.json");
}

/// Of the pixels of this colour: how many, and the middle of them, [y, x].
struct Found {
  std::int64_t count = 0;
  double y = 0, x = 0;
};

Found find(const at::Tensor& picture, int red, int green, int blue) {
  const at::Tensor colour = at::tensor({red, green, blue}, at::kByte);
  const at::Tensor places = picture.eq(colour).all(2).nonzero().to(at::kDouble);
  if (places.size(0) == 0) return {};
  const at::Tensor middle = places.mean(0);
  return {places.size(0), middle[0].item<double>(), middle[1].item<double>()};
}

}  // namespace

TEST_CASE("graft preview: a sheet of pictures in the network's size, drawn by the seed", "[cli]") {
  const Program graft;
  const std::string data = colours(graft, 3), out = graft.folder.file("sheet.png");
  const std::string command = "preview " + data + " --image-size 50x30 --fit stretch --augment none --count 4 --out " + out;
  const Result result = graft(command + " --json");
  INFO(result.err);
  REQUIRE(result.code == 0);
  const Json report = Json::parse(result.out);
  CHECK(report.at("records") == 6);
  CHECK(report.at("shown") == 4);
  CHECK(report.at("task") == "classify");
  const at::Tensor sheet = image::read_picture(out);
  CHECK(sheet.size(1) == 4 + 2 * (50 + 4));
  CHECK(sheet.size(0) > 4 + 2 * (30 + 4));  // captions are below the pictures
  const std::string bytes = read_file(out);
  CHECK(graft(command).code == 0);
  CHECK(read_file(out) == bytes);
  CHECK(graft(command + " --seed 1").code == 0);
  CHECK(read_file(out) != bytes);
}

TEST_CASE("graft preview: each variant of a picture is drawn anew, as training would draw it", "[cli]") {
  const Program graft;
  const std::string data = colours(graft, 1), out = graft.folder.file("sheet.png");
  const auto looks = [&](const std::string& augment) {
    const Result result = graft("preview " + data + " --image-size 40 --fit stretch --count 1 --variants 8 --out " + out + augment);
    INFO(result.err);
    REQUIRE(result.code == 0);
    const at::Tensor sheet = image::read_picture(out);
    REQUIRE(sheet.size(1) == 4 + 8 * (side + 4));
    int mirrored = 0;
    for (std::int64_t i = 0; i < 8; ++i) mirrored += sheet[20][4 + i * (side + 4) + 2].sum().item<int>() > 0 ? 1 : 0;  // the dark half
    return mirrored;
  };
  CHECK(looks(" --augment none") == 0);
  const int mirrored = looks(" --augment flip");
  CHECK(mirrored > 0);
  CHECK(mirrored < 8);
}

TEST_CASE("graft preview: boxes lie where their objects are after augmentation", "[cli]") {
  const Program graft;
  const std::string data = boxed(graft), out = graft.folder.file("sheet.png");
  const auto look = [&](const std::string& flags) {
    const Result result = graft("preview " + data + " --image-size 80 --variants 12 --out " + out + flags);
    INFO(result.err);
    REQUIRE(result.code == 0);
    return image::read_picture(out);
  };
  const at::Tensor plain = look(" --augment none"), flipped = look(" --augment vflip");
  int upper = 0, lower = 0;
  for (std::int64_t i = 0; i < 12; ++i) {
    const std::int64_t left = 4 + i * 84;
    const Found as_is = find(plain.narrow(1, left, 80).narrow(0, 4, 80), 230, 159, 0);  // the first colour of classes
    CHECK(as_is.count > 0);
    CHECK(as_is.y < 30);
    CHECK(as_is.x < 30);
    const Found moved = find(flipped.narrow(1, left, 80).narrow(0, 4, 80), 230, 159, 0);
    CHECK(moved.x < 30);
    (moved.y < 40 ? upper : lower)++;
  }
  CHECK(upper > 0);
  CHECK(lower > 0);
}

TEST_CASE("graft train mixes pictures; graft evaluate and predict ask their mirror images too", "[cli]") {
  const Program graft;
  const std::string data = colours(graft, 12), run = graft.folder.file("run"), model = run + "/model.pt";
  const Result trained = graft("train --backbone " + test::golden_path("vision_script.pt") + " --train " + data +
                               " --image-size 16 --preset full --epochs 8 --lr 0.01 --mixup 0.2 --cutmix 1 --out " + run + " --json");
  INFO(trained.err);
  REQUIRE(trained.code == 0);
  CHECK(Json::parse(read_file(run + "/config.json")).at("cutmix") == 1);
  const Result plain = graft("evaluate " + model + " --data " + data + " --json");
  const Result mirrored = graft("evaluate " + model + " --data " + data + " --tta flip --json");
  REQUIRE(mirrored.code == 0);
  const Json metrics = Json::parse(mirrored.out).at("metrics");
  CHECK(metrics.at("accuracy") == 1);
  CHECK(metrics.at("loss") != Json::parse(plain.out).at("metrics").at("loss"));
  const auto score = [&](const std::string& flags) {
    const Result asked = graft("predict " + model + " " + data + "/red/0.png --json" + flags);
    REQUIRE(asked.code == 0);
    const Json answer = Json::parse(asked.out).at("predictions").at(0);
    CHECK(answer.at("label") == "red");
    return answer.at("score").get<double>();
  };
  CHECK(score(" --tta flip") != score(""));
}

TEST_CASE("graft: only pictures are mixed and mirrored", "[cli][error]") {
  const Program graft;
  const std::string model = graft.trained() + "/model.pt";
  const Result asked = graft("predict " + model + " hello --tta flip --json");
  CHECK(asked.code == 2);
  CHECK(Json::parse(asked.out).at("errors").at(0).at("code") == "graft-C116");
  const Result measured = graft("evaluate " + model + " --data " + graft.folder.file("test.csv") + " --tta flip --json");
  CHECK(Json::parse(measured.out).at("errors").at(0).at("code") == "graft-C116");
  const Result trained = graft("train --backbone " + graft.imported() + " --train " + graft.folder.file("train.csv") +
                               " --preset full --mixup 0.2 --check --out " + graft.folder.file("other") + " --json");
  CHECK(trained.code == 2);
  CHECK(Json::parse(trained.out).at("errors").at(0).at("code") == "graft-C114");
}

TEST_CASE("graft preview says that it is for pictures", "[cli][error]") {
  const Program graft;
  const Result texts = graft("preview " + graft.messages("train.csv", 20, 0) + " --out " + graft.folder.file("sheet.png") + " --json");
  CHECK(texts.code == 2);
  const Json problem = Json::parse(texts.out).at("errors").at(0);
  CHECK(problem.at("code") == "graft-D072");
  CHECK(problem.at("message") == "[graft preview] pictures are wanted, got texts in \"message\".");
  CHECK_FALSE(std::filesystem::exists(graft.folder.file("sheet.png")));

  const Result flags =
      graft("preview --augment flop --fit round --image-size big --task detekt --out " + graft.folder.file("no/sheet.png") + " --json");
  CHECK(flags.code == 2);
  const Json problems = Json::parse(flags.out).at("errors");
  REQUIRE(problems.size() == 6);
  CHECK(problems[4].at("remedy").get<std::string>().find("\"detect\"") != std::string::npos);
}
