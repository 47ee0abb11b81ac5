#include "graft/head/class_weights.h"

#include "graft/data/tensors.h"
#include "support.h"

using namespace graft;
using head::balanced_weights;

namespace {

/// Six records of "0", two of "1" and one of "2".
Data nine() { return data::tensors({{"class", at::tensor({0, 0, 1, 0, 2, 0, 1, 0, 0}, at::kLong)}}); }

}  // namespace

TEST_CASE("balanced_weights: each label counts alike, as in scikit-learn", "[head]") {
  // compute_class_weight("balanced", classes=[2, 0, 1], y=[0, 0, 1, 0, 2, 0, 1, 0, 0])
  const std::vector<double> weights = balanced_weights(nine(), "class", {"2", "0", "1"});
  REQUIRE(weights.size() == 3);
  CHECK(weights[0] == Approx(3.0));
  CHECK(weights[1] == Approx(0.5));
  CHECK(weights[2] == Approx(1.5));
}

TEST_CASE("balanced_weights: labels without a record and records without a label are told", "[head][error]") {
  SECTION("labels without a record") {
    const auto error = test::error_of<DataError>([] { balanced_weights(nine(), "class", {"0", "3", "1", "2", "4"}); });
    CHECK(error.code() == "graft-D026");
    CHECK(error.message() == "[ClassWeights] a record of each of the 5 labels is wanted, the 9 records have none of \"3\", \"4\".");
    CHECK(error.remedy() == "Leave these labels out, bring records of them, or give class_weights by hand.");
    CHECK(test::error_of<DataError>([] { balanced_weights(Data(), "class", {"0", "1"}); }).code() == "graft-D026");
  }
  SECTION("a record of another label") {
    const auto error = test::error_of<DataError>([] { balanced_weights(nine(), "class", {"0", "1"}); });
    CHECK(error.code() == "graft-D017");
    CHECK(error.message() == "[ClassWeights] one of the 2 labels is wanted, got \"2\".");
  }
  SECTION("no such field") {
    CHECK(test::error_of<DataError>([] { balanced_weights(nine(), "label", {"0", "1", "2"}); }).code() == "graft-D004");
  }
}
