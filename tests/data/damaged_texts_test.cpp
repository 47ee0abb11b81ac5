#include <filesystem>
#include <optional>
#include <random>

#include "graft/data/coco.h"
#include "graft/data/conll.h"
#include "graft/data/entity_lines.h"
#include "graft/data/idx.h"
#include "graft/data/squad.h"
#include "graft/data/voc.h"
#include "graft/data/yolo.h"
#include "support.h"

using namespace graft;

namespace {

/// A few bytes changed, taken out, doubled or cut off.
std::string damaged(std::string text, std::mt19937& random) {
  constexpr std::string_view likely = "\"\\{}[],:- \t\n019BIOE#\xC3\xA9\xF0\x80";
  for (auto changes = 1 + random() % 3; changes > 0 && !text.empty(); --changes) {
    const std::size_t at = random() % text.size();
    switch (random() % 5) {
      case 0:
        text[at] = likely[random() % likely.size()];
        break;
      case 1:
        text.erase(at, 1 + random() % 8);
        break;
      case 2:
        text.insert(at, 1, likely[random() % likely.size()]);
        break;
      case 3:
        text.insert(at, text.substr(at, random() % 20));
        break;
      default:
        if (random() % 4 == 0) text.resize(at);
    }
  }
  return text;
}

/// Reads damaged files; counts what becomes of them.
struct Damages {
  /// What is refused has a place that begins so.
  template <class Reader>
  void check(const std::string& text, const Reader& reader, const std::optional<std::string>& place = std::nullopt) {
    const std::string content = damaged(text, random);
    test::write(path, content);
    INFO(content);
    try {
      const Data data = reader(path);
      for (std::size_t i = 0; i < data.size(); ++i) data.get(i);
      ++read;
    } catch (const DataError& error) {
      ++refused;
      CHECK(error.place().starts_with(place.value_or(path)));
    }
  }

  test::TempDir folder;
  std::string path = folder.file("damaged");
  std::mt19937 random{1};
  int read = 0, refused = 0;
};

}  // namespace

TEST_CASE("Damaged files of questions, tags and entities are read or refused", "[squad][conll][entity_lines][error]") {
  const std::string questions =
      R"({"data": [{"title": "T", "paragraphs": [{"context": "Zoë met Bo in Köln.", "qas": [{"id": "a", "question": "Who?", "is_impossible": false,)"
      R"( "answers": [{"text": "Zoë", "answer_start": 0}, {"text": "Bo", "answer_start": 8}]}, {"id": "b", "question": "Why?", "answers": []}]}]}]})";
  const std::string words = "# x\n-DOCSTART- O\n\nZoë\tB-per\nmet\tO\n\nKöln O B-a\n. O O\nx y E-a\n";
  const std::string entities =
      "{\"text\": \"Zoë in Köln\", \"entities\": [{\"start\": 0, \"end\": 3, \"label\": \"p\"}]}\n{\"text\": \"a🙂b\", \"label\": [[1, "
      "2, \"x\"]]}\n";
  Damages damages;
  for (int i = 0; i < 700; ++i) {
    damages.check(questions, data::squad);
    damages.check(words, [](const std::string& file) { return data::conll(file); });
    damages.check(entities, data::entity_lines);
  }
  CHECK(damages.read > 100);
  CHECK(damages.refused > 100);
}

TEST_CASE("Damaged annotations of pictures are read or refused", "[coco][voc][yolo][idx][error]") {
  const std::string json =
      R"({"categories": [{"id": 1, "name": "cat"}], "images": [{"id": 1, "file_name": "a.jpg", "width": 9, "height": 8}], "annotations": )"
      R"([{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4.5], "iscrowd": 0, "area": 3, "segmentation": [[1, 2], {"counts": "a"}]}]})";
  const std::string xml =
      "<annotation><filename>a.jpg</filename><size><width>9</width><height>8</height></size><object><name>cat</name><difficult>0</"
      "difficult>"
      "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4.5</ymax></bndbox></object></annotation>";
  const std::string yaml = "path: .\ntrain: images\nval: [images, images]\nnames:\n  0: cat\n  1: dog\n";
  const std::string lines = "0 0.5 0.5 0.25 0.5\n1 0.1 0.2 0.2 0.4\n";
  const std::string bytes("\0\0\x08\x01\0\0\0\x02\x01\x00", 10), pixels("\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\1ab", 18);
  Damages damages;
  const std::string folder = damages.folder.path();
  for (const char* name : {"images", "labels", "voc"}) std::filesystem::create_directory(folder + "/" + name);
  test::write(folder + "/images/a.jpg", "x");
  test::write(folder + "/labels/classes.txt", "cat\ndog\n");
  test::write(folder + "/bytes", bytes);
  const data::YoloOptions options{.size_of = [](const std::string&) { return std::pair(8L, 9L); }, .split = "train", .names = {}};
  for (int i = 0; i < 300; ++i) {
    damages.check(json, [](const std::string& file) { return data::coco(file); });
    damages.check(
        yaml, [&](const std::string& file) { return data::yolo(file, options); }, "");
    damages.check(
        xml,
        [&](const std::string& file) {
          std::filesystem::rename(file, folder + "/voc/a.xml");
          return data::voc(folder + "/voc");
        },
        folder);
    damages.check(
        lines,
        [&](const std::string& file) {
          std::filesystem::rename(file, folder + "/labels/a.txt");
          return data::yolo(folder + "/images", options);
        },
        folder);
    damages.check(
        pixels, [&](const std::string& file) { return data::idx(file, folder + "/bytes"); }, folder);
  }
  CHECK(damages.read > 100);
  CHECK(damages.refused > 100);
}
