#include "graft/data/csv.h"

#include "support.h"

using namespace graft;

namespace {

/// A file of this content, read.
struct File {
  explicit File(const std::string& content, const std::string& name = "t.csv") : path(folder.file(name)) { test::write(path, content); }
  Data read(const data::CsvOptions& options = {}) const { return data::csv(path, options); }
  DataError error(const data::CsvOptions& options = {}) const {
    return test::error_of<DataError>([&] { read(options); });
  }

  test::TempDir folder;
  std::string path;
};

/// All rows as "place: field|field", by the columns a and b.
std::vector<std::string> rows_of(const Data& data) {
  std::vector<std::string> rows;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const Record record = data.get(i);
    rows.push_back(record.place + ": " + record.text("a") + "|" + record.text("b"));
  }
  return rows;
}

using Rows = std::vector<std::string>;

}  // namespace

TEST_CASE("Csv: rows become records of text, with their line", "[csv]") {
  const File file("a,b\n1,x\n2.5,\n");
  const Data data = file.read();
  CHECK(rows_of(data) == Rows{"t.csv:2: 1|x", "t.csv:3: 2.5|"});
  CHECK(std::holds_alternative<std::string>(data.get(0).values.at("a")));
  CHECK(data.get(0).values.size() == 2);
  CHECK(data.key(1) != data.key(0));
}

TEST_CASE("Csv: rows may be read in any order and again", "[csv]") {
  const File file("a,b\n1,x\n\"2\",y\n3,z\n");
  const Data data = file.read();
  CHECK(data.get(2).text("b") == "z");
  CHECK(data.get(0).text("b") == "x");
  CHECK(data.get(2).text("a") == "3");
}

TEST_CASE("Csv: quoted fields may hold delimiters, doubled quotes and nothing", "[csv]") {
  CHECK(rows_of(File("a,b\n\"1,2\",\"he said \"\"no\"\"\"\n\"\",\"\"\"\"\n").read()) ==
        Rows{"t.csv:2: 1,2|he said \"no\"", "t.csv:3: |\""});
  CHECK(rows_of(File("\"a\",\"b\"\n 1 , \n").read()) == Rows{"t.csv:2:  1 | "});
}

TEST_CASE("Csv: a quoted field may hold line ends, and later places still are right", "[csv]") {
  const File file("a,b\n\"one\ntwo\r\nthree\",x\n2,y\n3,\"\n\"\n4,z\n");
  CHECK(rows_of(file.read()) == Rows{"t.csv:2: one\ntwo\r\nthree|x", "t.csv:5: 2|y", "t.csv:6: 3|\n", "t.csv:8: 4|z"});
}

TEST_CASE("Csv: a header over two lines moves the places of the rows", "[csv]") {
  const Data data = File("a,b,\"long\nname\"\n1,2,3\n").read();
  CHECK(rows_of(data) == Rows{"t.csv:3: 1|2"});
  CHECK(data.get(0).text("long\nname") == "3");
}

TEST_CASE("Csv: CRLF, a lone CR, and a last line without an end are taken", "[csv]") {
  CHECK(rows_of(File("a,b\r\n1,2\r\n\"3\",\"4\"\r\n").read()) == Rows{"t.csv:2: 1|2", "t.csv:3: 3|4"});
  CHECK(rows_of(File("a,b\r1,2\r3,4").read()) == Rows{"t.csv:2: 1|2", "t.csv:3: 3|4"});
  CHECK(rows_of(File("a,b\n1,").read()) == Rows{"t.csv:2: 1|"});
  CHECK(rows_of(File("a,b\n1,\"2\"").read()) == Rows{"t.csv:2: 1|2"});
}

TEST_CASE("Csv: a byte-order mark is no part of the first column's name", "[csv]") {
  CHECK(rows_of(File("\xEF\xBB\xBF"
                     "a,b\n1,2\n")
                    .read()) == Rows{"t.csv:2: 1|2"});
  CHECK(rows_of(File("\xEF\xBB\xBF"
                     "\"a\",b\n1,2\n")
                    .read()) == Rows{"t.csv:2: 1|2"});
}

TEST_CASE("Csv: blank lines are passed over and counted", "[csv]") {
  CHECK(rows_of(File("\na,b\n\n\n1,2\n\r\n3,4\n\n").read()) == Rows{"t.csv:5: 1|2", "t.csv:7: 3|4"});
}

TEST_CASE("Csv: text beyond ASCII comes through", "[csv]") {
  CHECK(rows_of(File("a,b\nGröße,日本 🙂\n").read()) == Rows{"t.csv:2: Größe|日本 🙂"});
}

TEST_CASE("Csv: .tsv files are split at tabs, where quotes inside a bare field are text", "[csv]") {
  const Data data = File("a\tb\n1,5\t5\" nails\n\"x\ty\"\tz\n", "t.tsv").read();
  CHECK(rows_of(data) == Rows{"t.tsv:2: 1,5|5\" nails", "t.tsv:3: x\ty|z"});
}

TEST_CASE("Csv: the delimiter may be chosen", "[csv]") {
  CHECK(rows_of(File("a;b\n1,5;2\n").read({.delimiter = ';'})) == Rows{"t.csv:2: 1,5|2"});
  CHECK(rows_of(File("a,b\n1\t2,3\n", "t.tsv").read({.delimiter = ','})) == Rows{"t.tsv:2: 1\t2|3"});
}

TEST_CASE("Csv: what csv_field writes is read back", "[csv]") {
  const char delimiter = GENERATE(',', '\t', ';');
  const std::vector<std::string> texts{"plain",    "a,b",     "a\tb",    "a;b",           "\"", "say \"hi\"", "two\nlines",
                                       "cr\rhere", " space ", "ünïcode", "x,\"y\"\r\n\tz"};
  std::string content = std::string("a") + delimiter + "b\n";
  for (const std::string& text : texts) content += data::csv_field(text, delimiter) + delimiter + data::csv_field("", delimiter) + "\n";
  const Data data = File(content).read({.delimiter = delimiter});
  REQUIRE(data.size() == texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    CHECK(data.get(i).text("a") == texts[i]);
    CHECK(data.get(i).text("b").empty());
  }
}

TEST_CASE("Csv: csv_field quotes only what needs it", "[csv]") {
  CHECK(data::csv_field("plain text") == "plain text");
  CHECK(data::csv_field("a,b") == "\"a,b\"");
  CHECK(data::csv_field("a,b", '\t') == "a,b");
  CHECK(data::csv_field("a\tb", '\t') == "\"a\tb\"");
  CHECK(data::csv_field("say \"hi\"") == "\"say \"\"hi\"\"\"");
  CHECK(data::csv_field("a\rb") == "\"a\rb\"");
}

TEST_CASE("Csv: text after a closing quote is told with the line that opened the field", "[csv][error]") {
  const File file("a,b\n\"x\ny\"z,1\n");
  const auto error = file.error();
  CHECK(error.code() == "graft-D006");
  CHECK(error.message() ==
        "[Csv] a quoted field must end before the delimiter, got more text after its closing quote in line 3; the field was opened here.");
  CHECK(error.remedy() == "Close the field where it should end, or double the quotes that belong to the text.");
  CHECK(error.place() == file.path + ":2");
}

TEST_CASE("Csv: a quote that is never closed is told with the line that opened it", "[csv][error]") {
  const File file("a,b\n1,2\n3,\"open\nand more\n4,5\n");
  const auto error = file.error();
  CHECK(error.code() == "graft-D006");
  CHECK(error.message() == "[Csv] the quote opened in this line is never closed.");
  CHECK(error.remedy() == "Close it, or double the quotes that belong to the text.");
  CHECK(error.place() == file.path + ":3");
}

TEST_CASE("Csv: a quote inside a bare field is told with its line", "[csv][error]") {
  const File file("a,b\n1,2\n3,5\" nails\n");
  const auto error = file.error();
  CHECK(error.code() == "graft-D006");
  CHECK(error.message() == "[Csv] a quote stands inside a field that does not start with one.");
  CHECK(error.remedy() == "Quote the whole field and double the quotes in it.");
  CHECK(error.place() == file.path + ":3");
}

TEST_CASE("Csv: a row of another width is told with the line it starts at", "[csv][error]") {
  const File narrow("a,b\n\"1\n1\",2\n3\n");
  CHECK(narrow.error().code() == "graft-D009");
  CHECK(narrow.error().message() == "[Csv] 2 fields are wanted, as in the header, got 1.");
  CHECK(narrow.error().remedy() == "Quote fields that hold a delimiter, or give the row as many fields as the header.");
  CHECK(narrow.error().place() == narrow.path + ":4");
  const File wide("a,b\n1,2\n\"x\ny\",2,3\n");
  CHECK(wide.error().message() == "[Csv] 2 fields are wanted, as in the header, got 3.");
  CHECK(wide.error().place() == wide.path + ":3");
}

TEST_CASE("Csv: a NUL byte is told with its line", "[csv][error]") {
  const File file(std::string("a,b\n1,2\n3,\0\n", 12));
  CHECK(file.error().code() == "graft-D007");
  CHECK(file.error().message() == "[Csv] text is wanted, got a NUL byte.");
  CHECK(file.error().remedy() == "Save the file as UTF-8 text; UTF-16 files hold NUL bytes.");
  CHECK(file.error().place() == file.path + ":3");
}

TEST_CASE("Csv: text that is not UTF-8 is told with its line", "[csv][error]") {
  const std::string bad = GENERATE("\xE9", "\xC0\xAF", "\xED\xA0\x80", "\xE2\x82");  // Latin-1, overlong, surrogate, cut off
  const File file("a,b\n\"ü\nü\",2\n3," + bad + "\n");
  CHECK(file.error().code() == "graft-D008");
  CHECK(file.error().message() == "[Csv] UTF-8 is wanted, got a byte that does not belong to it.");
  CHECK(file.error().remedy() == "Mend the line; or, if the whole file is in another encoding, convert it: iconv -f latin1 -t utf-8.");
  CHECK(file.error().place() == file.path + ":4");
}

TEST_CASE("Csv: a file without a row is refused", "[csv][error]") {
  const std::string content = GENERATE("", "\n\n", "\xEF\xBB\xBF", "a,b", "a,b\n\n");
  const File file(content);
  CHECK(file.error().code() == "graft-D010");
  CHECK(file.error().message() == "[Csv] a header line and at least one row are wanted, there is no row.");
  CHECK(file.error().remedy() == "Check that this is the right file.");
  CHECK(file.error().place() == file.path);
}

TEST_CASE("Csv: columns named twice and columns that are missing are told together", "[csv][error]") {
  const File file("mesage,label,label\n1,2,3\n");
  const auto problems = file.error({.require = {"message", "label", "colour"}}).problems();
  REQUIRE(problems.size() == 3);
  CHECK(problems[0].code == "graft-D011");
  CHECK(problems[0].message == "[Csv] the header names the column \"label\" twice.");
  CHECK(problems[0].remedy == "Rename one of them.");
  CHECK(problems[0].place == file.path + ":1");
  CHECK(problems[1].code == "graft-D012");
  CHECK(problems[1].message == "[Csv] a column \"message\" is wanted; the file has: \"mesage\", \"label\", \"label\".");
  CHECK(problems[1].remedy == "Did you mean \"mesage\"?");
  CHECK(problems[1].place == file.path);
  CHECK(problems[2].remedy == "Name the columns with --text and --label, or rename them in the file.");
}

TEST_CASE("Csv: required columns that are there are no problem", "[csv]") {
  CHECK(File("a,b\n1,2\n").read({.require = {"b", "a"}}).size() == 1);
}

TEST_CASE("Csv: a missing file is told with near names", "[csv][error]") {
  const File file("a,b\n1,2\n", "tickets.csv");
  const auto error = test::error_of<DataError>([&] { data::csv(file.folder.file("ticket.csv")); });
  CHECK(error.code() == "graft-D002");
  CHECK(error.remedy() == "Did you mean \"tickets.csv\"?");
}
