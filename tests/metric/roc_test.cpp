#include "graft/metric/roc.h"

#include <cmath>
#include <limits>

#include "support.h"

using namespace graft;
using metric::auroc;

namespace {

using Scores = std::vector<double>;

}  // namespace

TEST_CASE("auroc: values counted by hand", "[metric]") {
  CHECK(auroc(Scores{3, 4}, Scores{1, 2}) == 1);
  CHECK(auroc(Scores{1, 2}, Scores{3, 4}) == 0);
  CHECK(auroc(Scores{2}, Scores{1, 2, 3, 4}) == 1.5 / 4);  // above one, equal to one
  CHECK(auroc(Scores{7, 7}, Scores{7, 7, 7}) == 0.5);
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(auroc(Scores{infinity, 0}, Scores{-infinity, infinity}) == 2.5 / 4);
}

TEST_CASE("auroc: equals scikit-learn's, with ties and few of one class", "[metric]") {
  for (const Json& problem : test::golden("roc.json").at("problems")) {
    INFO(problem.at("name"));
    const auto positive = problem.at("positive").get<Scores>(), negative = problem.at("negative").get<Scores>();
    CHECK(auroc(positive, negative) == Approx(problem.at("auroc").get<double>()).epsilon(1e-12));
  }
}

TEST_CASE("auroc: NaN where one side is missing or a score is none", "[metric][error]") {
  CHECK(std::isnan(auroc(Scores{}, Scores{1})));
  CHECK(std::isnan(auroc(Scores{1}, Scores{})));
  CHECK(std::isnan(auroc(Scores{std::nan("")}, Scores{1})));
  CHECK(std::isnan(auroc(Scores{1, 2}, Scores{1, std::nan("")})));
}
