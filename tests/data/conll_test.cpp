#include "graft/data/conll.h"

#include <chrono>

#include "heard.h"
#include "support.h"

using namespace graft;

namespace {

using List = std::vector<std::string>;

/// A file of this content, read.
struct File {
  explicit File(const std::string& content, const std::string& name = "t.conll") : path(folder.file(name)) { test::write(path, content); }
  Data read(const data::ConllOptions& options = {}) { return data::conll(path, options, &warnings); }
  std::vector<Problem> problems(const data::ConllOptions& options = {}) {
    return test::error_of<DataError>([&] { read(options); }).problems();
  }

  test::TempDir folder;
  std::string path;
  std::vector<Problem> warnings;
};

List tags_of(const Record& record) { return std::get<List>(record.values.at("tags")); }

/// The tags of one sentence after reading, with one space between them; and how many warnings there were.
std::string read_tags(const std::string& tags, std::size_t warnings = 0) {
  std::string content;
  for (const char c : tags)
    content += c == ' ' ? std::string("\n") : (content.empty() || content.back() == '\n' ? "w\t" : "") + std::string(1, c);
  File file(content);
  std::string read;
  const Data data = file.read();
  for (const std::string& tag : tags_of(data.get(0))) read += (read.empty() ? "" : " ") + tag;
  CHECK(file.warnings.size() == warnings);
  return read;
}

}  // namespace

TEST_CASE("Conll: words, their bytes, tags and places", "[conll]") {
  File file("\xEF\xBB\xBF-DOCSTART- -X- O\n\nZoë\tB-person\r\nsings\tO\r\n \t\r\n\n#\tO\n#\tB-x\n");
  const Data data = file.read();
  REQUIRE(data.size() == 2);
  const Record record = data.get(0);
  CHECK(record.text("text") == "Zoë sings");
  CHECK(at::equal(record.tensor("words"), at::tensor({0, 4, 5, 10}, at::kLong).view({2, 2})));
  CHECK((tags_of(record) == List{"B-person", "O"}));
  CHECK(record.place == "t.conll:3");
  CHECK(data.get(1).text("text") == "# #");
  CHECK(data.get(1).place == "t.conll:7");
  CHECK(file.warnings.empty());
}

TEST_CASE("Conll: any columns, between tabs or white space; comments are passed over", "[conll]") {
  const Data data = File("# id = 5\n1  Bonn  NNP B-city\n2  is  VB  O\n# more\n# O NN O\n").read({.token_column = 1, .tag_column = 3});
  CHECK(data.get(0).text("text") == "Bonn is O");
  CHECK(data.get(0).place == "t.conll:2");
  const Data tabs = File("O\tx y\tz\nB-a b\tNew York\t\n").read({.token_column = -2, .tag_column = 0});
  CHECK(tabs.get(0).text("text") == "x y New York");
  CHECK((tags_of(tabs.get(0)) == List{"O", "B-a b"}));
}

TEST_CASE("Conll: BIO2, BIO1, BIOES and BILOU become BIO2", "[conll]") {
  CHECK(read_tags("B-a I-a O B-a B-a B-b I-b") == "B-a I-a O B-a B-a B-b I-b");
  CHECK(read_tags("I-a I-a O I-a B-a I-a I-b") == "B-a I-a O B-a B-a I-a B-b");
  CHECK(read_tags("I-a I-a O I-b") == "B-a I-a O B-b");
  CHECK(read_tags("B-a I-a E-a S-a O S-b B-a E-a") == "B-a I-a I-a B-a O B-b B-a I-a");
  CHECK(read_tags("B-a I-a L-a U-a O U-b B-a L-a") == "B-a I-a I-a B-a O B-b B-a I-a");
  CHECK(read_tags("B I O B-x-y I-x-y") == "B I O B-x-y I-x-y");
}

TEST_CASE("Conll: tags out of order are mended as BIO2 reads them, and counted", "[conll]") {
  CHECK(read_tags("B-a O I-a I-a B-b I-a", 1) == "B-a O B-a I-a B-b B-a");
  CHECK(read_tags("S-a I-a E-a B-b O E-a E-a", 1) == "B-a B-a I-a B-b O B-a B-a");
  File file("a\tB-x\nb\tO\nc\tI-x\nd\tI-y\n\ne\tI-x\nf\tO\ng\tI-z\n");
  file.read();
  REQUIRE(file.warnings.size() == 1);
  CHECK(file.warnings[0].code == "graft-D038");
  CHECK(
      file.warnings[0].message ==
      "[Conll] 4 tags out of order: I-x after O (line 3); I-y after I-x (line 4); I-x after O (line 6); .... Each of them is read as BIO2 "
      "reads it, an I- or E- as the first of its entity.");
  CHECK(file.warnings[0].place == file.path + ":3");
  test::Heard heard;
  data::conll(file.path);
  CHECK(heard.with("graft-D038: [Conll] 4 tags").ends_with("Mend them, or have them refused: .strict = true (--strict-tags).\n"));
}

TEST_CASE("Conll: a line with a token alone is O, and counted", "[conll]") {
  File file("a\tB-x\nb\nc\t\nd\tO\n");
  const Data data = file.read();
  CHECK((tags_of(data.get(0)) == List{"B-x", "O", "O", "O"}));
  REQUIRE(file.warnings.size() == 1);
  CHECK(file.warnings[0].code == "graft-D036");
  CHECK(file.warnings[0].message == "[Conll] 2 lines with a token alone: \"b\" (line 2); \"c\" (line 3). They are read as O.");
  File words("a\nb\n");
  CHECK((tags_of(words.read().get(0)) == List{"O", "O"}));
}

TEST_CASE("Conll: strict refuses what is mended otherwise, each with its line", "[conll][error]") {
  File file("a\tB-x\nb\nc\tI-x\nd\tB-x\n");
  const auto problems = file.problems({.strict = true});
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].code == "graft-D036");
  CHECK(problems[0].place == file.path + ":2");
  CHECK(problems[1].code == "graft-D038");
  CHECK(problems[1].message == "[Conll] no tags out of order are wanted, got I-x after O.");
  CHECK(problems[1].place == file.path + ":3");
  CHECK(File("a\tI-x\nb\tI-x\n").read({.strict = true}).size() == 1);
}

TEST_CASE("Conll: where no tag marks entities, tags are labels as they stand", "[conll]") {
  const Record record = File("The DT\ncat NN\nsat O\n").read().get(0);
  CHECK(std::get<std::vector<std::string>>(record.values.at("tags")) == std::vector<std::string>{"DT", "NN", "O"});
}

TEST_CASE("Conll: missing columns, missing tokens and other tags are told together", "[conll][error]") {
  File file("a NN B-x\nb O\n\tNN\tO\nc NN PER\nd NN B-\n");
  const auto problems = file.problems();
  REQUIRE(problems.size() == 4);
  CHECK(problems[0].code == "graft-D036");
  CHECK(problems[0].message == "[Conll] 3 columns are wanted, as in the first line, got 2.");
  CHECK(problems[0].place == file.path + ":2");
  CHECK(problems[1].message == "[Conll] a token is wanted, got nothing.");
  CHECK(problems[1].place == file.path + ":3");
  CHECK(problems[2].code == "graft-D037");
  CHECK(problems[2].message == "[Conll] a tag such as O, B-person or I-person is wanted, as others of the file are, got \"PER\".");
  CHECK(problems[3].message == "[Conll] a tag such as O, B-person or I-person is wanted, as others of the file are, got \"B-\".");
  const auto no_column = File("a O\n").problems({.token_column = 0, .tag_column = 4});
  CHECK(no_column[0].message == "[Conll] a token in column 0 and a tag in column 4 are wanted, got 2.");
  CHECK(File("a O\n").problems({.token_column = 1, .tag_column = -1})[0].code == "graft-D036");
}

TEST_CASE("Conll: a line with more columns than the first one is told with its line", "[conll][error]") {
  File file("a\tB-x\nb\tNN\tO\nc d O\n");
  const auto problems = file.problems();
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].code == "graft-D036");
  CHECK(problems[0].message == "[Conll] 2 columns are wanted, as in the first line, got 3.");
  CHECK(problems[0].place == file.path + ":2");
  CHECK(problems[1].place == file.path + ":3");
  CHECK(problems[0].remedy.find("--tag-column") != std::string::npos);
}

TEST_CASE("Conll: of .conllu files the form and its universal part of speech are read, no ranges and no empty nodes", "[conll]") {
  const std::string content =
      "# sent_id = 1\n#\ttext = vámonos al mar\n1-2\tvámonos\t_\t_\t_\t_\t_\t_\t_\t_\n"
      "1\tvamos\tir\tVERB\t_\t_\t0\troot\t_\t_\n2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_\n"
      "2.1\tya\tya\tADV\t_\t_\t_\t_\t1:advmod\t_\n3\t#\t#\tSYM\t_\t_\t1\tobl\t_\tSpaceAfter=No\n\n"
      "1\tO\to\tX\t_\t_\t0\troot\t_\t_\n";
  const Data data = File(content, "t.conllu").read();
  REQUIRE(data.size() == 2);
  CHECK(data.get(0).text("text") == "vamos nos #");
  CHECK((tags_of(data.get(0)) == List{"VERB", "PRON", "SYM"}));
  CHECK((tags_of(data.get(1)) == List{"X"}));
  const Data roles = File(content, "t.conllu").read({.tag_column = 7});
  CHECK((tags_of(roles.get(0)) == List{"root", "obj", "obl"}));
}

TEST_CASE("Conll: files without a word, and text that is not clean, are refused; after a hundred problems it ends", "[conll][error]") {
  const std::string content = GENERATE("", "\n\n", "# x\n", "-DOCSTART- O\n\n");
  CHECK(File(content).problems()[0].code == "graft-D010");
  CHECK(File("a\tO\n\xE9\tO\n").problems()[0].code == "graft-D008");
  std::string bad = "a\tB-x\n";
  for (int i = 0; i < 150; ++i) bad += "a\tNN\n";
  CHECK(File(bad).problems().size() == 100);
}

TEST_CASE("Conll: a sentence of 100,000 words is read in less than a second", "[conll]") {
  std::string content;
  for (int i = 0; i < 100'000; ++i) content += "word" + std::to_string(i) + "\t" + (i % 3 == 0 ? "B-a" : "I-a") + "\n";
  File file(content);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(file.read().get(0).tensor("words").size(0) == 100'000);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));
}

TEST_CASE("Conll: published files read", "[conll][data]") {
  CHECK(data::conll(test::test_data("wnut17/wnut17train.conll")).size() == 3394);
  CHECK(data::conll(test::test_data("wnut17/emerging.dev.conll")).size() == 1009);
  CHECK(data::conll(test::test_data("wnut17/emerging.test.annotated")).size() == 1287);
}
