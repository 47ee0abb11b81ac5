#include "graft/data/coco.h"

#include "graft/data/boxes.h"
#include "support.h"

using namespace graft;

namespace {

struct File {
  explicit File(const Json& json) : path(folder.file("boxes.json")) { test::write(path, json.dump()); }
  std::vector<Problem> problems() const {
    return test::error_of<DataError>([&] { data::coco(path); }).problems();
  }
  test::TempDir folder;
  std::string path;
};

Json image(int id, const std::string& name) { return {{"id", id}, {"file_name", name}, {"width", 40}, {"height", 30}}; }
Json category(int id, const std::string& name) { return {{"id", id}, {"name", name}}; }
Json annotation(int id, int image, int category, const std::vector<double>& box) {
  return {{"id", id},     {"image_id", image}, {"category_id", category},      {"bbox", box},
          {"iscrowd", 0}, {"area", 7.5},       {"segmentation", Json::array()}};
}
Json file_of(const std::vector<Json>& images, const std::vector<Json>& annotations) {
  return {{"images", images}, {"annotations", annotations}, {"categories", std::vector<Json>{category(3, "cat"), category(90, "dog")}}};
}

}  // namespace

TEST_CASE("Coco: a record for each image, corners from x, y, width and height", "[coco]") {
  Json crowd = annotation(8, 2, 3, {1, 2, 10, 4.5}), bare = {{"image_id", 2}, {"category_id", 90}, {"bbox", {0, 0, 4, 5}}};
  crowd["iscrowd"] = 1;
  const File file(file_of({image(2, "a.jpg"), image(1, "sub/b.jpg"), {{"id", 5}, {"file_name", "c.jpg"}}},
                          {crowd, bare, annotation(9, 1, 3, {1, 1, 2, 2})}));
  const Data data = data::coco(file.path);
  REQUIRE(data.size() == 3);
  const Record a = data.get(0);
  CHECK(a.text("image") == file.folder.file("a.jpg"));
  CHECK(a.place == file.path + ":image 2 (a.jpg)");
  CHECK(a.number("width") == 40);
  CHECK(a.number("height") == 30);
  const auto boxes = boxes_of(a);
  REQUIRE(boxes.size() == 2);
  CHECK(std::tuple(boxes[0].x1, boxes[0].y1, boxes[0].x2, boxes[0].y2) == std::tuple(1, 2, 11, 6.5));
  CHECK(boxes[0].label == "cat");
  CHECK(boxes[0].ignored);
  CHECK(boxes[0].object_area == 7.5);
  CHECK(boxes[1].label == "dog");
  CHECK_FALSE(boxes[1].ignored);
  CHECK(boxes[1].object_area == 20);
  CHECK(data.get(1).text("image") == file.folder.file("sub/b.jpg"));
  CHECK(boxes_of(data.get(1)).size() == 1);
  CHECK(boxes_of(data.get(2)).empty());
  CHECK_FALSE(data.get(2).has("width"));
  CHECK(data::coco(file.path, {.images = "pictures"}).get(0).text("image") == "pictures/a.jpg");
}

TEST_CASE("Coco: outlines of any form are passed over", "[coco]") {
  const test::TempDir folder;
  const auto boxes_with = [&](const std::string& outline) {
    test::write(
        folder.file("x.json"),
        R"({"info": {"segmentation": 1}, "categories": [{"id": 1, "name": "cat", "keypoints": ["nose"]}], "images": [{"id": 1, "file_name": "a"}],
                    "annotations": [{"id": 1, "segmentation": )" +
            outline + R"(, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "keypoints": )" + outline +
            R"(}, {"id": 2, "image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]}]})");
    const auto boxes = boxes_of(data::coco(folder.file("x.json")).get(0));
    REQUIRE(boxes.size() == 2);
    CHECK(boxes[0].x2 == 4);
    CHECK(boxes[1].x2 == 1);
  };
  boxes_with("[[1.5, 2, 3, 4], [5, 6]]");
  boxes_with(R"({"counts": [1, 2], "size": [3, 4]})");
  boxes_with(R"({"segmentation": {"keypoints": [], "a": {}}, "bbox": 1})");
  boxes_with("null");
  boxes_with("[]");
}

TEST_CASE("Coco: mistakes are told together, each kind with its number and examples", "[coco][error]") {
  Json json = file_of({image(1, "a.jpg"), image(1, "b.jpg"), {{"id", 2}}},
                      {annotation(7, 1, 3, {0, 0, 1, 1}), annotation(7, 1, 3, {0, 0, 1, 1}), annotation(8, 4, 3, {0, 0, 1, 1}),
                       annotation(9, 5, 3, {0, 0, 1, 1}), annotation(10, 6, 3, {0, 0, 1, 1}), annotation(11, 7, 1, {0, 0, 1, 1}),
                       annotation(12, 1, 3, {0, 0, 1})});
  json["categories"].push_back(category(3, "cow"));
  json["categories"].push_back(category(4, "cat"));
  json["annotations"].push_back({{"image_id", 1}, {"category_id", 3}, {"bbox", {0, 0, "4", 4}}});
  const File file(json);
  const auto problems = file.problems();
  REQUIRE(problems.size() == 4);
  CHECK(problems[0].code == "graft-D062");
  CHECK(
      problems[0].message.ends_with(" are wanted, got 3 others: {\"id\":2}; "
                                    "{\"area\":7.5,\"bbox\":[0.0,0.0,1.0],\"category_id\":3,\"id\":12,\"image_id\":1,\"iscrowd\":...; "
                                    "{\"bbox\":[0,0,\"4\",4],\"category_id\":3,\"image_id\":1}."));
  CHECK(problems[1].code == "graft-D060");
  CHECK(problems[1].message ==
        "[Coco] ids and names of categories are wanted once, got 4 others: category 3; category \"cat\"; image 1; ...");
  CHECK(problems[1].place == file.path);
  CHECK(problems[2].code == "graft-D063");
  CHECK(problems[2].message ==
        "[Coco] annotations of the file's images are wanted, got 4 others: annotation 8 of image 4; annotation 9 of image 5; "
        "annotation 10 of image 6; ...");
  CHECK(problems[3].code == "graft-D063");
  CHECK(problems[3].message == "[Coco] annotations of the file's categories are wanted, got 1 others: annotation 11 of category 1.");
}

TEST_CASE("Coco: files of another shape", "[coco][error]") {
  CHECK(File(Json::array()).problems()[0].message == "[Coco] an array named \"categories\" is wanted, got [].");
  CHECK(File(Json{{"categories", Json::array()}, {"images", Json::array()}})
            .problems()[0]
            .message.starts_with("[Coco] an array named \"annotations\""));
  CHECK(File(file_of({}, {})).problems()[0].code == "graft-D010");
  test::TempDir folder;
  test::write(folder.file("x.json"), "{");
  CHECK(test::error_of<DataError>([&] { data::coco(folder.file("x.json")); }).code() == "graft-D003");
  CHECK(test::error_of<DataError>([&] { data::coco(folder.file("y.json")); }).remedy() == "Did you mean \"x.json\"?");
}
