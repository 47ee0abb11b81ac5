// --class-map of graft train, evaluate and preview.
#include <ATen/ATen.h>

#include "graft/image/picture.h"
#include "program.h"

using namespace graft;
using test::Program;
using test::Result;

TEST_CASE("graft train --class-map: learns the classes by their new names, and graft evaluate takes the same map", "[cli]") {
  const Program graft;
  std::string csv = "message,queue\n";
  const Data messages = test::toy_messages(120, 0);
  for (std::size_t i = 0; i < messages.size(); ++i)
    csv += messages.get(i).text("message") + "," + messages.get(i).text("queue") + (i % 2 == 0 ? "" : "_2") + "\n";
  csv += "nothing at all,noise\n";
  test::write(graft.folder.file("data.csv"), csv);
  const std::vector<std::string> classes = messages.labels("queue");
  std::string map = "noise=";
  for (const std::string& name : classes) map += "," + name + "_2=" + name;
  const std::string data = graft.folder.file("data.csv"), run = graft.folder.file("run");
  const Result trained =
      graft("train --backbone " + graft.imported() + " --train " + data + " --class-map " + map + " --out " + run + " --json");
  INFO(trained.err);
  REQUIRE(trained.code == 0);
  CHECK(Json::parse(trained.out).at("metrics").at("accuracy") > 0.8);
  CHECK(Json::parse(read_file(run + "/config.json")).at("class-map") == map);

  Json names = {{"noise", ""}, {"of another file", "queue"}};
  for (const std::string& name : classes) names[name + "_2"] = name;
  test::write(graft.folder.file("map.json"), names.dump());
  const std::string evaluate = "evaluate " + run + "/model.pt --data " + data;
  CHECK(graft(evaluate).code == 2);  // classes that the model does not have
  const Result measured = graft(evaluate + " --class-map " + graft.folder.file("map.json") + " --json");
  INFO(measured.err);
  REQUIRE(measured.code == 0);
  CHECK(Json::parse(measured.out).at("samples") == 120);
  CHECK(measured.err.find("graft-W024") != std::string::npos);
}

TEST_CASE("graft preview --class-map: classes of boxes are mapped before boxes are looked over", "[cli]") {
  const Program graft;
  image::write_png(graft.folder.file("one.png"), at::full({40, 40, 3}, 90, at::kByte));
  test::write(graft.folder.file("boxes.json"),
              R"({"images": [{"id": 1, "file_name": "one.png", "width": 40, "height": 40}],)"
              R"( "categories": [{"id": 1, "name": "cell"}, {"id": 2, "name": "background"}],)"
              R"( "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 20, 20], "area": 400, "iscrowd": 0},)"
              R"( {"id": 2, "image_id": 1, "category_id": 2, "bbox": [0, 0, 40, 40], "area": 1600, "iscrowd": 0}]})");
  const std::string preview = "preview " + graft.folder.file("boxes.json") + " --out " + graft.folder.file("sheet.png");
  CHECK(graft(preview).err.find("graft-D055") != std::string::npos);
  CHECK(graft(preview + " --class-map background=").code == 0);
}

TEST_CASE("graft: a class map that cannot be is told", "[cli][error]") {
  const Program graft;
  const std::string train = "train --check --backbone " + graft.imported() + " --train " + graft.messages("data.csv", 40, 0);
  const auto said = [&](const std::string& map) {
    const Result result = graft(train + " --class-map " + map);
    CHECK(result.code == 2);
    return result.err;
  };
  CHECK(said("refund").find("graft-C122") != std::string::npos);
  CHECK(said("a=b,a=c").find("got two") != std::string::npos);
  CHECK(said("nosuchqueue=b").find("graft-D073") != std::string::npos);
  CHECK(said(graft.folder.file("nowhere.json")).find("nowhere.json") != std::string::npos);
  test::write(graft.folder.file("numbers.json"), R"({"a": 1})");
  CHECK(said(graft.folder.file("numbers.json")).find("graft-C122") != std::string::npos);
  test::write(graft.folder.file("prices.csv"), "message,price\na b,1.5\nb c,2.5\n");
  const Result priced = graft("train --check --backbone " + graft.imported() + " --train " + graft.folder.file("prices.csv") +
                              " --label price --class-map 1.5=2");
  CHECK(priced.code == 2);
  CHECK(priced.err.find("graft-C123") != std::string::npos);
}
