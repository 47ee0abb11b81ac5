// What is read from curves, and what is drawn of them.
#include <cmath>

#include "core/json.h"
#include "graft/core/rng.h"
#include "graft/train/lr_finder.h"
#include "support.h"
#include "train/lr_curve.h"
#include "train/lr_picture.h"

using namespace graft;
using train::find_fall;

namespace {

/// Level until step 40, then down to 0.2 at step 80 along half a cosine wave, then up.
std::vector<double> valley(double level = 1.0) {
  std::vector<double> curve;
  for (int i = 0; i < 100; ++i) {
    const double way = std::clamp((i - 40) / 40.0, 0.0, 1.0);
    curve.push_back(0.2 + (level - 0.2) * (1 + std::cos(M_PI * way)) / 2 + (i > 80 ? 0.3 * (i - 80) : 0.0));
  }
  return curve;
}

LrFinderReport report_of(const std::vector<double>& smoothed) {
  LrFinderReport report;
  for (std::size_t i = 0; i < smoothed.size(); ++i) report.rates.push_back(1e-7 * std::pow(1e8, static_cast<double>(i) / 99));
  report.losses = report.smoothed = smoothed;
  return report;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("Smoothing: an average without the pull of its start, by hand", "[train]") {
  train::Smoothing smooth(0.5);
  CHECK(smooth(1) == Approx(1));
  CHECK(smooth(3) == Approx(7.0 / 3));   // (0.25 + 1.5) / 0.75
  CHECK(smooth(-1) == Approx(3.0 / 7));  // (0.875 - 0.5) / 0.875
  train::Smoothing none(0.0);
  none(5);
  CHECK(none(2) == Approx(2));
}

TEST_CASE("find_fall: finds where a curve falls", "[train]") {
  const std::vector<double> curve = valley();
  const auto fall = find_fall(curve, curve);
  REQUIRE(fall);
  CHECK(fall->halfway == 60);
  CHECK(fall->steepest == 60);
  CHECK(fall->lowest == 80);
  SECTION("a spike among the first values does not count") {
    std::vector<double> spiked = curve;
    spiked[0] = spiked[1] = 50;
    CHECK(find_fall(spiked, spiked)->halfway == 60);
  }
  SECTION("losses below 0 are losses too") {
    std::vector<double> lower = curve;
    for (double& loss : lower) loss -= 10;
    CHECK(find_fall(lower, lower)->lowest == 80);
  }
  SECTION("a fall to the end") {
    const std::vector<double> open(curve.begin(), curve.begin() + 71);
    CHECK(find_fall(open, open)->lowest == 70);
    CHECK(find_fall(open, open)->halfway == 58);  // cos(pi 18.1 / 40) is halfway from 1 to cos(pi 30 / 40)
  }
  SECTION("a long tail moves only its end") {
    std::vector<double> tailed(curve.begin(), curve.begin() + 81);
    for (int i = 0; i < 40; ++i) tailed.push_back(tailed.back() - 1e-4);
    CHECK(find_fall(tailed, tailed)->lowest == 120);
    CHECK(find_fall(tailed, tailed)->halfway == 60);
  }
}

TEST_CASE("find_fall: is silent where nothing falls", "[train]") {
  std::vector<double> curve(100, 1.0);
  CHECK_FALSE(find_fall(curve, curve));
  for (std::size_t i = 50; i < curve.size(); ++i) curve[i] = 1.0 + 0.1 * static_cast<double>(i - 50);
  CHECK_FALSE(find_fall(curve, curve));
  CHECK_FALSE(find_fall({}, {}));
  const std::vector<double> two{2, 1};
  CHECK_FALSE(find_fall(two, two));

  int deceived = 0, missed = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Rng rng(seed);
    const std::vector<double> clean = valley();
    std::vector<double> flat, falling, flat_smoothed, falling_smoothed;
    train::Smoothing smooth_flat(0.9), smooth_falling(0.9);
    for (std::size_t i = 0; i < 100; ++i) {
      const double noise = 0.25 * (rng.uniform() + rng.uniform() + rng.uniform() - 1.5);  // deviation 0.125
      flat.push_back(1 + noise);
      flat_smoothed.push_back(smooth_flat(flat.back()));
      falling.push_back(clean[i] + noise);
      falling_smoothed.push_back(smooth_falling(falling.back()));
    }
    deceived += find_fall(flat, flat_smoothed).has_value() ? 1 : 0;
    const auto fall = find_fall(falling, falling_smoothed);
    missed += fall && fall->halfway > 55 && fall->halfway < 70 && fall->lowest > 75 && fall->lowest < 90 ? 0 : 1;
  }
  CHECK(deceived <= 4);
  CHECK(missed == 0);
}

TEST_CASE("LrFinderReport: text, JSON and picture", "[train]") {
  LrFinderReport report = report_of(valley());
  report.suggestion = 0.00234;
  report.steepest = 0.001;
  report.diverged = true;
  CHECK(report.text().starts_with("suggested learning rate: 0.0023 (the loss falls fastest at 0.001)\n"));
  CHECK(count(report.text(), "<- suggested") == 1);
  const Json json = report.json();
  CHECK(json.at("suggestion") == 0.00234);
  CHECK(json.at("rates").size() == 100);
  CHECK(json.at("losses") == json.at("smoothed"));
  CHECK(json.at("diverged") == true);
  const std::string svg = report.svg();
  CHECK(svg.starts_with("<svg "));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(count(svg, "<polyline ") == 2);
  CHECK(count(svg, ">suggested: 0.0023<") == 1);
  for (const std::string tick : {"1e-7", "1e-3", "1e0", "1e1"}) CHECK(count(svg, ">" + tick + "</text>") == 1);
  // (log10(0.00234) + 7) / 8 of the way from 70 to 700.
  CHECK(svg.find("<line x1=\"414.1\"") != std::string::npos);
}

TEST_CASE("LrFinderReport: what is unset or odd is drawn too", "[train]") {
  std::vector<double> curve = GENERATE(std::vector<double>(), std::vector<double>{1.0}, std::vector<double>(30, 2.0),
                                       std::vector<double>(30, 0.0), std::vector<double>{1, 1, 1e300}, std::vector<double>{-3, -4, 1e30});
  const LrFinderReport report = report_of(curve);
  CHECK(report.text().starts_with("no learning rate to suggest"));
  CHECK(report.json().at("suggestion").is_null());
  CHECK(report.json().at("steepest").is_null());
  const std::string svg = report.svg();
  INFO(svg);
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(svg.find("no rate to suggest") != std::string::npos);
  CHECK(svg.find("nan") == std::string::npos);
  CHECK(svg.find("inf") == std::string::npos);
  std::size_t digits = 0, most = 0;
  for (const char c : svg) most = std::max(most, digits = c >= '0' && c <= '9' ? digits + 1 : 0);
  CHECK(most < 10);  // not every viewer takes long numbers
}

TEST_CASE("rate_text: two digits, as a flag takes them", "[train]") {
  CHECK(train::rate_text(0.0012345) == "0.0012");
  CHECK(train::rate_text(3.1e-5) == "3.1e-05");
  CHECK(train::rate_text(0.3) == "0.3");
  CHECK(train::rate_text(1) == "1");
}
