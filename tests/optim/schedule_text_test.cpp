// What a schedule says: its names, its line, its preview.
#include <algorithm>
#include <cmath>

#include "graft/optim/schedule.h"
#include "graft/optim/schedule_preview.h"
#include "support.h"

using namespace graft;
using Kind = Schedule::Kind;

TEST_CASE("Schedule: kinds have names", "[optim]") {
  const std::vector<std::string> names{"constant", "linear", "cosine", "polynomial", "one-cycle", "plateau"};
  CHECK(Schedule::kinds() == names);
  const std::vector<Kind> kinds{Kind::Constant, Kind::Linear, Kind::Cosine, Kind::Polynomial, Kind::OneCycle, Kind::Plateau};
  for (std::size_t i = 0; i < names.size(); ++i) CHECK(Schedule::kind_from(names[i]) == kinds[i]);
}

TEST_CASE("Schedule: a line tells its course", "[optim]") {
  CHECK(Schedule().text() == "linear to 0, warm-up 0.1");
  CHECK(Schedule(Kind::Constant, 0).text() == "constant, no warm-up");
  CHECK(Schedule({.kind = Kind::Cosine, .warmup = 0.05, .end = 0.1, .cycles = 2}).text() == "cosine to 0.1 in 2 cycles, warm-up 0.05");
  CHECK(Schedule({.kind = Kind::Polynomial, .power = 2}).text() == "polynomial of power 2 to 0, warm-up 0.1");
  CHECK(Schedule(Kind::OneCycle).text() == "one-cycle from 0.04 to 4e-06, peak after 0.3");
  CHECK(Schedule(Kind::Plateau).text() == "plateau with decay 0.1, patience 2, threshold 0.0001, floor 0, warm-up 0.1");
}

TEST_CASE("Schedule: its preview has a plot and the corners", "[optim]") {
  const std::string text = schedule_preview(Schedule(Kind::Linear, 0.5), 1000, 2e-3);
  INFO(text);
  CHECK(text.starts_with("linear to 0, warm-up 0.5\n  0.002 │"));
  const std::string corners =
      "                  step factor     rate\n"
      "  first              1  0.002    4e-06\n"
      "  a quarter        250    0.5    0.001\n"
      "  end of warm-up   500      1    0.002\n"
      "  three quarters   750  0.502 0.001004\n"
      "  last           1,000  0.002    4e-06\n";
  CHECK(text.ends_with("1                           500                        1,000  step\n" + corners));
  CHECK(std::ranges::count(text, '\n') == 1 + 10 + 2 + 6);
  const std::string one = schedule_preview(Schedule(Kind::OneCycle), 1, 1);
  CHECK(one.ends_with("        step factor rate\n  first    1      1    1\n"));
  CHECK(schedule_preview(Schedule(Kind::OneCycle), 100, 1).find("\n  peak             30      1      1\n") != std::string::npos);
  CHECK(schedule_preview(Schedule(Kind::Plateau), 10, 1).ends_with("without the reductions that further evaluations may bring\n"));
}

TEST_CASE("Schedule says what is wrong", "[optim][error]") {
  const auto name = test::error_of<ConfigError>([] { Schedule::kind_from("cosin"); });
  CHECK(name.code() == "graft-C017");
  CHECK(name.message() ==
        "[Schedule] one of \"constant\", \"linear\", \"cosine\", \"polynomial\", \"one-cycle\", \"plateau\" is wanted, got \"cosin\".");
  CHECK(name.remedy() == "Did you mean \"cosine\"?");
  CHECK(test::error_of<ConfigError>([] { Schedule::kind_from("OneCycle"); }).remedy() == "Did you mean \"one-cycle\"?");
  CHECK(test::error_of<ConfigError>([] { Schedule::kind_from("triangular"); }).remedy() == "Use one of these names.");
  const double warmup = GENERATE(1.0, -0.1, std::nan(""));
  const auto share = test::error_of<ConfigError>([&] { Schedule(Kind::Linear, warmup); });
  CHECK(share.code() == "graft-C016");
  CHECK(share.message() == "[Schedule] a warm-up share in [0, 1) is wanted, got " + std::to_string(warmup) + ".");
  CHECK(share.remedy() == "0.1 warms up over a tenth of the steps.");
}
