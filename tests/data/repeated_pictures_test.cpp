#include "graft/data/repeated_pictures.h"

#include "graft/data/records.h"
#include "support.h"

using namespace graft;

TEST_CASE("repeated_pictures: equal files in a part and in two, with both places", "[repeated_pictures]") {
  const test::TempDir folder;
  const auto data = [&](const std::vector<std::pair<std::string, std::string>>& files) {
    std::vector<Record> records;
    for (const auto& [name, content] : files) {
      if (!content.empty()) test::write(folder.file(name), content);
      records.push_back({{{"image", folder.file(name)}}, name});
    }
    return data::records(records);
  };
  const std::string long_end(5000, 'e');
  const Splits splits{data({{"a", "one"}, {"b", "two"}, {"c", "one"}, {"gone", ""}, {"x", "1" + long_end}}),
                      data({{"d", "six"}, {"e", "seven"}, {"y", "2" + long_end}}),
                      data({{"f", "two"}, {"g", "one"}, {"h", "seven"}, {"i", "six."}})};
  const auto warnings = data::repeated_pictures(splits);
  REQUIRE(warnings.size() == 3);
  for (const Problem& warning : warnings) CHECK(warning.code == "graft-W021");
  CHECK(warnings[0].message ==
        "[Pictures] 1 pictures of the training data are there before: " + folder.file("c") + " = " + folder.file("a") + ".");
  CHECK(warnings[1].message == "[Pictures] 2 pictures of the test data are training data too: " + folder.file("f") + " = " +
                                   folder.file("b") + "; " + folder.file("g") + " = " + folder.file("a") + ".");
  CHECK(warnings[2].message ==
        "[Pictures] 1 pictures of the test data are validation data too: " + folder.file("h") + " = " + folder.file("e") + ".");
  CHECK(data::repeated_pictures({splits.valid, {}, {}}).empty());
}
