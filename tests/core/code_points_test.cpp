#include "core/code_points.h"

#include <string>

#include "support.h"

using graft::CodePoints;

TEST_CASE("CodePoints: characters of one to four bytes, and the end", "[code_points]") {
  const std::string text = "aé日🙂b";
  const CodePoints characters(text);
  REQUIRE(characters.size() == 5);
  const std::vector<std::int64_t> bytes{0, 1, 3, 6, 10, 11};
  for (std::int64_t i = 0; i <= 5; ++i) {
    CHECK(*characters.byte_of(i) == bytes[static_cast<std::size_t>(i)]);
    CHECK(characters.at_byte(bytes[static_cast<std::size_t>(i)]) == i);
  }
  CHECK(characters.at_byte(4) == 3);
  CHECK_FALSE(characters.byte_of(6));
  CHECK_FALSE(characters.byte_of(-1));
}

TEST_CASE("CodePoints: in ASCII bytes are characters", "[code_points]") {
  const CodePoints characters("abc"), none("");
  CHECK(characters.size() == 3);
  CHECK(*characters.byte_of(3) == 3);
  CHECK(characters.at_byte(2) == 2);
  CHECK_FALSE(characters.byte_of(4));
  CHECK(*none.byte_of(0) == 0);
  CHECK_FALSE(none.byte_of(1));
}
