#include "graft/data/jsonl.h"

#include "support.h"

using namespace graft;

namespace {

/// A file of this content, read.
struct File {
  explicit File(const std::string& content) : path(folder.file("t.jsonl")) { test::write(path, content); }
  Data read(const data::JsonlOptions& options = {}) const { return data::jsonl(path, options); }
  DataError error(const data::JsonlOptions& options = {}) const {
    return test::error_of<DataError>([&] { read(options); });
  }

  test::TempDir folder;
  std::string path;
};

/// The value of the column "v" in a file whose only line holds it.
Value read_value(const std::string& json) { return File("{\"v\": " + json + "}").read().get(0).values.at("v"); }

using List = std::vector<std::string>;

}  // namespace

TEST_CASE("Jsonl: each kind of value becomes what records have", "[jsonl]") {
  CHECK((std::get<std::string>(read_value("\"Gr\\u00f6\\u00dfe \\\"x\\\"\"")) == "Größe \"x\""));
  CHECK(std::get<std::int64_t>(read_value("-7")) == -7);
  CHECK(std::get<std::int64_t>(read_value("9223372036854775807")) == std::numeric_limits<std::int64_t>::max());
  CHECK(std::get<double>(read_value("9223372036854775808")) == 9223372036854775808.0);
  CHECK(std::get<double>(read_value("2.5e-1")) == 0.25);
  CHECK(std::get<double>(read_value("1.0")) == 1.0);
  CHECK(std::get<std::int64_t>(read_value("true")) == 1);
  CHECK(std::get<std::int64_t>(read_value("false")) == 0);
  CHECK(std::holds_alternative<std::monostate>(read_value("null")));
  CHECK((std::get<List>(read_value("[\"a;b\", \"c\"]")) == List{"a;b", "c"}));
  CHECK(std::get<List>(read_value("[]")).empty());
  const at::Tensor whole = std::get<at::Tensor>(read_value("[1, -2]")), real = std::get<at::Tensor>(read_value("[1, 0.5]"));
  CHECK(at::equal(whole, at::tensor({1, -2}, at::kLong)));
  CHECK(at::equal(real, at::tensor({1.0F, 0.5F})));
  CHECK(real.scalar_type() == at::kFloat);
}

TEST_CASE("Jsonl: records know their line, whatever lies between", "[jsonl]") {
  const Data data = File("\xEF\xBB\xBF{\"a\": 1}\r\n\n  \t\n{\"a\": 2}\n{\"a\": 3}").read();
  REQUIRE(data.size() == 3);
  CHECK(data.get(0).place == "t.jsonl:1");
  CHECK(data.get(2).place == "t.jsonl:5");
  CHECK(data.get(1).place == "t.jsonl:4");
  CHECK(data.key(1) != data.key(0));
  CHECK(data.get(2).text("a") == "3");
  CHECK(data.get(0).text("a") == "1");
}

TEST_CASE("Jsonl: what a line lacks is an empty value, as the columns are those of all lines", "[jsonl]") {
  const Data data = File("{\"a\": \"x\"}\n{\"b\": \"y\", \"a\": null}\n").read();
  const Record first = data.get(0), second = data.get(1);
  CHECK(first.has("b"));
  CHECK(second.has("a"));
  CHECK(second.text("b") == "y");
  const auto error = test::error_of<DataError>([&] { second.text("a"); });
  CHECK(error.code() == "graft-D004");
  CHECK(error.place() == "t.jsonl:2");
}

TEST_CASE("Jsonl: broken lines are told together, each with its line", "[jsonl][error]") {
  const File file("{\"a\": 1}\n{\"a\": \n[1]\n\n{\"a\": {\"b\": 1}}\n{\"a\": [1, \"x\"]}\n{\"a\": 1e999}\n{\"a\": NaN}\n");
  const auto problems = file.error().problems();
  REQUIRE(problems.size() == 6);
  CHECK(problems[0].code == "graft-D003");
  CHECK(problems[0].message == "[Json] not valid JSON at byte 7.");
  CHECK(problems[0].place == file.path + ":2");
  CHECK(problems[1].code == "graft-D022");
  CHECK(problems[1].message == "[Jsonl] one object a line is wanted, got [1].");
  CHECK(problems[1].remedy == "Write lines such as {\"text\": \"...\", \"label\": \"...\"}.");
  CHECK(problems[1].place == file.path + ":3");
  CHECK(problems[2].message == "[Jsonl] a text, a number, true, false, null or an array of these in \"a\" is wanted, got {\"b\":1}.");
  CHECK(problems[2].place == file.path + ":5");
  CHECK(problems[3].code == "graft-D022");
  CHECK(problems[3].message == "[Jsonl] texts alone or numbers alone in the array \"a\" are wanted, got [1,\"x\"].");
  CHECK(problems[4].code == "graft-D003");
  CHECK(problems[5].place == file.path + ":8");
}

TEST_CASE("Jsonl: after a hundred broken lines it ends", "[jsonl][error]") {
  std::string content;
  for (int i = 0; i < 150; ++i) content += "{\n";
  CHECK(File(content).error().problems().size() == 100);
}

TEST_CASE("Jsonl: missing columns are told with those there are", "[jsonl][error]") {
  const File file("{\"mesage\": \"x\"}\n{\"label\": \"y\"}\n");
  CHECK(file.read({.require = {"label"}}).size() == 2);
  const auto problems = file.error({.require = {"message", "label", "colour"}}).problems();
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].code == "graft-D012");
  CHECK(problems[0].message == "[Jsonl] a column \"message\" is wanted; the file has: \"label\", \"mesage\".");
  CHECK(problems[0].remedy == "Did you mean \"mesage\"?");
  CHECK(problems[0].place == file.path);
  CHECK(problems[1].remedy == "Name the columns with --text and --label, or rename them in the file.");
}

TEST_CASE("Jsonl: text that is not clean, and files without a line, are refused", "[jsonl][error]") {
  const File nul(std::string("{\"a\": 1}\n{\"a\": \"\0\"}\n", 19));
  CHECK(nul.error().code() == "graft-D007");
  CHECK(nul.error().message() == "[Jsonl] text is wanted, got a NUL byte.");
  CHECK(nul.error().place() == nul.path + ":2");
  const File latin("{\"a\": \"\xE9\"}\n");
  CHECK(latin.error().code() == "graft-D008");
  CHECK(latin.error().place() == latin.path + ":1");
  const std::string content = GENERATE("", "\n \n", "\xEF\xBB\xBF");
  CHECK(File(content).error().code() == "graft-D010");
  CHECK(File(content).error().message() == "[Jsonl] at least one line with an object is wanted, there is none.");
}

TEST_CASE("Jsonl: a missing file is told with near names", "[jsonl][error]") {
  const File file("{}");
  const auto error = test::error_of<DataError>([&] { data::jsonl(file.folder.file("u.jsonl")); });
  CHECK(error.code() == "graft-D002");
  CHECK(error.remedy() == "Did you mean \"t.jsonl\"?");
}
