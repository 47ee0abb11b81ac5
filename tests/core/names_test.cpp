#include "core/names.h"

#include <limits>

#include "core/table.h"
#include "support.h"

using namespace graft;
using Names = std::vector<std::string>;

TEST_CASE("Names: a glob matches whole names", "[core]") {
  CHECK(glob_match("encoder.layer.0", "encoder.layer.0"));
  CHECK_FALSE(glob_match("encoder.layer", "encoder.layer.0"));
  CHECK_FALSE(glob_match("layer.0", "encoder.layer.0"));
  CHECK_FALSE(glob_match("Encoder", "encoder"));
  CHECK(glob_match("", ""));
  CHECK_FALSE(glob_match("", "a"));
  CHECK_FALSE(glob_match("a", ""));
}

TEST_CASE("Names: a star takes any run of characters, dots and nothing too", "[core]") {
  CHECK(glob_match("*", ""));
  CHECK(glob_match("**", "abc"));
  CHECK(glob_match("encoder.*", "encoder.layer.0.weight"));
  CHECK_FALSE(glob_match("encoder.*", "encoder"));
  CHECK(glob_match("*.bias", "encoder.layer.0.bias"));
  CHECK_FALSE(glob_match("*.bias", "encoder.layer.0.bias2"));
  CHECK(glob_match("*layer*weight", "a.layer.layer.weight.weight"));
  CHECK_FALSE(glob_match("*layer*weight*x", "a.layer.weight"));
  CHECK(glob_match("a*b*a", "abba"));
  CHECK_FALSE(glob_match("a*b*a", "abb"));
}

TEST_CASE("Names: a question mark takes exactly one character", "[core]") {
  CHECK(glob_match("layer.?", "layer.7"));
  CHECK_FALSE(glob_match("layer.?", "layer."));
  CHECK_FALSE(glob_match("layer.?", "layer.11"));
  CHECK(glob_match("?*", "a"));
  CHECK_FALSE(glob_match("?*", ""));
}

TEST_CASE("Names: a glob with many stars takes no time", "[core]") {
  CHECK_FALSE(glob_match("*a*a*a*a*a*a*a*a*a*a*b", std::string(2000, 'a')));
}

TEST_CASE("Names: near names come nearest first, without regard to case", "[core]") {
  const Names columns{"message", "Queues", "queue", "date"};
  CHECK(near_names("queu", columns) == Names{"queue", "Queues"});
  CHECK(near_names("QUEUE", columns) == Names{"queue", "Queues"});
  CHECK(near_names("mesage", columns) == Names{"message"});
  CHECK(near_names("embedding", columns).empty());
}

TEST_CASE("Names: a name that contains what was wanted is near", "[core]") {
  const Names columns{"ticket_message_text", "queue"};
  CHECK(near_names("message", columns) == Names{"ticket_message_text"});
  CHECK(near_names("ex", Names{"a long text"}).empty());  // two characters are in too many names
}

TEST_CASE("Names: no more near names than asked for", "[core]") {
  const Names names{"aa", "ab", "ac", "ad", "ae"};
  CHECK(near_names("aa", names) == Names{"aa", "ab", "ac"});
  CHECK(near_names("aa", names, 1) == Names{"aa"});
}

TEST_CASE("Names: did_you_mean asks, or says what else to do", "[core]") {
  const Names names{"linear", "cosine"};
  CHECK(did_you_mean("liner", names, "Use one.") == "Did you mean \"linear\"?");
  CHECK(did_you_mean("exponential", names, "Use one.") == "Use one.");
  CHECK(did_you_mean("a", Names{}, "Use one.") == "Use one.");
}

TEST_CASE("Names: a list of names is quoted and cut", "[core]") {
  CHECK(quoted_list(Names{"a", "b c"}) == "\"a\", \"b c\"");
  CHECK(quoted_list(Names{}) == "none");
  CHECK(quoted_list(Names{"a", "b", "c", "d"}, 2) == "\"a\", \"b\" and 2 more");
  CHECK(quoted_list(Names(12, "x")).find("more") == std::string::npos);
  CHECK(quoted_list(Names(13, "x")).ends_with("\"x\" and 1 more"));
}

TEST_CASE("Names: with_commas groups digits by three, whatever the sign", "[core]") {
  CHECK(with_commas(0) == "0");
  CHECK(with_commas(999) == "999");
  CHECK(with_commas(1000) == "1,000");
  CHECK(with_commas(22567301) == "22,567,301");
  CHECK(with_commas(-1) == "-1");
  CHECK(with_commas(-123) == "-123");
  CHECK(with_commas(-1234) == "-1,234");
  CHECK(with_commas(-123456) == "-123,456");
  CHECK(with_commas(std::numeric_limits<long long>::min()) == "-9,223,372,036,854,775,808");
}

TEST_CASE("Table: the first column is left-aligned, columns of numbers right-aligned", "[core]") {
  Table table;
  table.add({"class", "F1", "note"});
  table.add({"a", "0.5", "first"});
  table.add({"longer", "10.25", "x"});
  CHECK(table.text() ==
        "  class     F1 note\n"
        "  a        0.5 first\n"
        "  longer 10.25 x\n");
}

TEST_CASE("Table: a header alone is text, and one word among numbers makes the column text", "[core]") {
  Table header;
  header.add({"a", "12"});
  CHECK(header.text() == "  a 12\n");
  Table mixed;
  mixed.add({"a", "value"});
  mixed.add({"x", "12"});
  mixed.add({"y", "none"});
  CHECK(mixed.text() == "  a value\n  x 12\n  y none\n");
  Table numbers;
  numbers.add({"1", "n"});
  numbers.add({"22", "-1e-05"});
  numbers.add({"3", "."});
  numbers.add({"4", "1,234"});
  CHECK(numbers.text() == "  1       n\n  22 -1e-05\n  3       .\n  4   1,234\n");
}

TEST_CASE("Table: widths count characters, and rows may be short", "[core]") {
  Table table;
  table.add({"name", "n", "mm"});
  table.add({"Größe", "1", "2"});
  table.add({"größere", "22"});
  CHECK(table.text() ==
        "  name     n mm\n"
        "  Größe    1  2\n"
        "  größere 22\n");
  CHECK(Table().text().empty());
}

TEST_CASE("Table: fixed has that many digits after the point", "[core]") {
  CHECK(fixed(0.12345, 3) == "0.123");
  CHECK(fixed(2, 2) == "2.00");
  CHECK(fixed(-0.5, 0) == "-0");
  CHECK(fixed(1e6, 1) == "1000000.0");
}

TEST_CASE("Table: shortened cuts between characters and marks the cut", "[core]") {
  CHECK(shortened("abcdef", 6) == "abcdef");
  CHECK(shortened("abcdefg", 6) == "abcdef...");
  CHECK(shortened("äöüß", 4) == "äöüß");
  CHECK(shortened("äöüß€", 3) == "äöü...");
  CHECK(shortened("€€", 1) == "€...");
  CHECK(shortened("", 3).empty());
  CHECK(shortened("a\nb\tc\rd", 20) == "a b c d");
}
