#include "graft/data/class_map.h"

#include <ATen/ATen.h>

#include "graft/data/boxes.h"
#include "graft/data/records.h"
#include "heard.h"
#include "support.h"

using namespace graft;
using data::ClassMap;
using data::map_classes;

namespace {

using Names = std::vector<std::string>;

Data labels(const Names& names) {
  std::vector<Record> records;
  for (const std::string& name : names) records.push_back({{{"label", name}}, "row " + std::to_string(records.size() + 1)});
  return data::records(records);
}

Names texts(const Data& data, const std::string& field = "label") {
  Names found;
  for (std::size_t i = 0; i < data.size(); ++i) found.push_back(data.get(i).text(field));
  return found;
}

Record mapped(Record record, const ClassMap& map) { return map_classes(data::records({std::move(record)}), map).get(0); }

Names list(const Record& record, const std::string& field) { return std::get<Names>(record.values.at(field)); }

std::vector<Problem> problems_of(const Data& data, const ClassMap& map) {
  return test::error_of<DataError>([&] { map_classes(data, map); }).problems();
}

}  // namespace

TEST_CASE("map_classes: labels are renamed, joined and exchanged at once; those left out take their records along", "[class_map]") {
  const Data data = labels({"cat", "kitten", "dog", "noise", "puppy"});
  const Data named = map_classes(data, {.names = {{"cat", "dog"}, {"dog", "cat"}, {"kitten", "dog"}, {"noise", ""}}});
  CHECK(texts(named) == Names{"dog", "dog", "cat", "puppy"});
  CHECK(named.get(3).place == "row 5");
}

TEST_CASE("map_classes: a key stays, features of the record are the same", "[class_map]") {
  const Data data = labels({"a", "b"});
  CHECK(map_classes(data, {.names = {{"a", "c"}}}).key(0) == data.key(0));
}

TEST_CASE("map_classes: lists of labels and joined ones name a class once", "[class_map]") {
  ClassMap map{.names = {{"late", "delivery"}, {"lost", "delivery"}, {"spam", ""}}, .field = "tags", .separator = ";"};
  CHECK(list(mapped({{{"tags", Names{"late", "torn", "lost", "spam"}}}, ""}, map), "tags") == Names{"delivery", "torn"});
  CHECK(mapped({{{"tags", std::string("late; torn;lost;spam")}}, ""}, map).text("tags") == "delivery;torn");
  map.names = {{"a", ""}};
  CHECK(mapped({{{"tags", std::string("a")}}, ""}, map).text("tags").empty());  // a record without labels stays
}

TEST_CASE("map_classes: boxes, with what is said of them", "[class_map]") {
  Record record{{{"image", std::string("1.png")}}, "1"};
  GivenBox car{{0, 0, 4, 4, "car"}}, tree{{1, 1, 3, 3, "tree"}}, bus{{2, 2, 6, 8, "bus"}};
  car.object_area = car.area(), tree.object_area = tree.area(), bus.object_area = 5;
  tree.ignored = true;
  set_boxes(record, {tree, car, bus});
  const Record named = mapped(record, {.names = {{"car", "vehicle"}, {"bus", "vehicle"}, {"tree", ""}}, .field = "classes"});
  const std::vector<GivenBox> boxes = boxes_of(named);
  REQUIRE(boxes.size() == 2);
  CHECK(boxes[0].label == "vehicle");
  CHECK(boxes[1].label == "vehicle");
  CHECK(boxes[1].y2 == 8);
  CHECK(boxes[1].object_area == 5);
  CHECK_FALSE(named.has("ignored"));
}

TEST_CASE("map_classes: kinds of entities, by tags and by spans; tags that are classes of their own", "[class_map]") {
  const ClassMap map{.names = {{"city", "place"}, {"date", ""}}, .field = "tags"};
  const at::Tensor words = at::tensor({0, 1, 2, 3, 4, 5, 6, 7}, at::kLong).view({4, 2});
  const Record tagged = mapped({{{"tags", Names{"B-city", "I-city", "O", "B-date"}}, {"words", words}}, ""}, map);
  CHECK(list(tagged, "tags") == Names{"B-place", "I-place", "O", "O"});
  const at::Tensor spans = at::tensor({0, 3, 4, 5, 6, 7}, at::kLong).view({3, 2});
  const Record marked = mapped({{{"spans", spans}, {"span_labels", Names{"date", "city", "date"}}}, ""}, map);
  CHECK(list(marked, "span_labels") == Names{"place"});
  CHECK(marked.tensor("spans").equal(at::tensor({4, 5}, at::kLong).view({1, 2})));
  const Record plain{{{"tags", Names{"NOUN", "PROPN"}}, {"words", words.narrow(0, 0, 2)}}, "line 3"};
  CHECK(list(mapped(plain, {.names = {{"PROPN", "NOUN"}}, .field = "tags"}), "tags") == Names{"NOUN", "NOUN"});
  const Problem problem = problems_of(data::records({plain}), {.names = {{"PROPN", ""}}, .field = "tags"}).front();
  CHECK(problem.code == "graft-D075");
  CHECK(problem.place == "line 3");
}

TEST_CASE("map_classes: a name in one part is enough, one that is nowhere is told with near ones", "[class_map][error]") {
  const Splits splits{labels({"cat", "dog"}), labels({"kitten"}), {}};
  const Splits named = map_classes(splits, {.names = {{"kitten", "cat"}}});
  CHECK(texts(named.valid) == Names{"cat"});
  CHECK(named.test.empty());
  ClassMap wrong{.names = {{"kiten", "cat"}, {"dgo", "dog"}}};
  const auto problems = problems_of(splits.train, wrong);
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].code == "graft-D073");
  CHECK(problems[0].message == "[Classes] no record has the class \"dgo\"; there are \"cat\", \"dog\".");
  CHECK(problems[0].remedy == "Did you mean \"dog\"?");
  wrong.unknown = ClassMap::Unknown::Warn;
  const test::Heard heard;
  CHECK(texts(map_classes(splits.train, wrong)) == Names{"cat", "dog"});
  CHECK(heard.lines.size() == 1);
  CHECK_FALSE(heard.with("graft-W024").empty());
  CHECK(problems_of(splits.train, {.names = {{"cat", ""}, {"dog", ""}}}).front().code == "graft-D074");
}
