#include "train/lr_picture.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/table.h"

namespace graft::train {
namespace {

constexpr std::size_t bar_columns = 50;

std::string format(const char* how, double value) {
  char text[48];
  std::snprintf(text, sizeof text, how, value);
  return text;
}

std::string power_of_ten(int exponent) { return "1e" + std::to_string(exponent); }

/// The range of the losses that is drawn: what lies far above where the fall began would press it flat.
struct Heights {
  double low = 0, high = 1;
  explicit Heights(const LrFinderReport& report) {
    const auto& curve = report.smoothed;
    if (curve.empty()) return;
    const auto lowest = std::ranges::min_element(curve);
    std::vector<double> sorted = curve;
    std::ranges::sort(sorted);
    const double begin = std::max(*std::max_element(curve.begin(), lowest + 1), sorted[sorted.size() / 2]);
    low = std::ranges::min(report.losses);
    high = std::min(std::ranges::max(curve), begin + 0.8 * (begin - low));
    const double margin = high > low ? 0.06 * (high - low) : std::max(1e-3, 0.1 * std::abs(low));
    low -= margin;
    high += margin;
  }
};

/// A distance of 1, 2 or 5 times a power of ten, so that about five fit.
double tick_distance(double range) {
  const double rough = range / 5, power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

class Drawing {
 public:
  explicit Drawing(const LrFinderReport& report) : report_(report), heights_(report) {
    if (report.rates.empty()) return;
    from_ = std::log10(report.rates.front());
    to_ = std::max(std::log10(report.rates.back()), from_ + 1e-6);
  }

  std::string svg() {
    // Colours that stand out on white and on black alike, since the ground is the viewer's.
    out_ =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 420\" width=\"720\" height=\"420\" font-family=\"sans-serif\" "
        "font-size=\"13\" fill=\"#7a7a7a\">\n"
        "<title>Loss over learning rate</title>\n"
        "<clipPath id=\"plot\"><rect x=\"" +
        format("%.0f", left) + "\" y=\"" + format("%.0f", top) + "\" width=\"" + format("%.0f", right - left) + "\" height=\"" +
        format("%.0f", bottom - top) + "\"/></clipPath>\n";
    rate_axis();
    loss_axis();
    out_ += "<g clip-path=\"url(#plot)\" fill=\"none\" stroke=\"#2e86de\" stroke-linejoin=\"round\">\n";
    curve(report_.losses, "stroke-width=\"1\" stroke-opacity=\"0.6\"");
    curve(report_.smoothed, "stroke-width=\"3\"");
    out_ += "</g>\n";
    suggestion();
    return out_ + "</svg>\n";
  }

 private:
  static constexpr double left = 70, right = 700, top = 40, bottom = 360;

  double x(double rate) const { return left + (right - left) * (std::log10(rate) - from_) / (to_ - from_); }
  double y(double loss) const { return bottom - (bottom - top) * (loss - heights_.low) / (heights_.high - heights_.low); }

  void line(double x1, double y1, double x2, double y2, const std::string& style) {
    out_ += "<line x1=\"" + format("%.1f", x1) + "\" y1=\"" + format("%.1f", y1) + "\" x2=\"" + format("%.1f", x2) + "\" y2=\"" +
            format("%.1f", y2) + "\" " + style + "/>\n";
  }
  void label(double at_x, double at_y, const std::string& anchor, const std::string& words) {
    out_ += "<text x=\"" + format("%.1f", at_x) + "\" y=\"" + format("%.1f", at_y) + "\" " + anchor + ">" + words + "</text>\n";
  }

  void rate_axis() {
    const std::string axis = "stroke=\"#7a7a7a\"", grid = "stroke=\"#7a7a7a\" stroke-opacity=\"0.25\"";
    const double tolerance = 1e-9;
    for (int decade = static_cast<int>(std::floor(from_)); decade <= static_cast<int>(std::ceil(to_)); ++decade) {
      for (int digit = 1; digit < 10; ++digit) {
        const double power = decade + std::log10(digit);
        if (power < from_ - tolerance || power > to_ + tolerance) continue;
        const double at = x(std::pow(10.0, power));
        if (digit == 1) {
          line(at, top, at, bottom + 6, grid);
          label(at, bottom + 22, "text-anchor=\"middle\"", power_of_ten(decade));
        }
        line(at, bottom, at, bottom + (digit == 1 ? 6 : 3), axis);
      }
    }
    line(left, bottom, right, bottom, axis);
    label((left + right) / 2, bottom + 46, "text-anchor=\"middle\"", "learning rate");
  }

  void loss_axis() {
    const double distance = tick_distance(heights_.high - heights_.low);
    const int digits = std::max(0, static_cast<int>(-std::floor(std::log10(distance) + 1e-9)));
    for (double tick = std::ceil(heights_.low / distance); tick * distance <= heights_.high; ++tick) {
      const double value = tick * distance + 0.0;  // no -0
      line(left, y(value), right, y(value), "stroke=\"#7a7a7a\" stroke-opacity=\"0.25\"");
      label(left - 8, y(value) + 4, "text-anchor=\"end\"", fixed(value, digits));
    }
    line(left, top, left, bottom, "stroke=\"#7a7a7a\"");
    label(20, (top + bottom) / 2, "text-anchor=\"middle\" transform=\"rotate(-90 20 " + format("%.0f", (top + bottom) / 2) + ")\"", "loss");
  }

  void curve(const std::vector<double>& losses, const std::string& style) {
    if (losses.empty()) return;
    out_ += "<polyline " + style + " points=\"";
    for (std::size_t i = 0; i < losses.size(); ++i) {
      // What leaves the plot is cut off; far numbers are not for every viewer.
      out_ += (i == 0 ? "" : " ") + format("%.1f", x(report_.rates[i])) + "," + format("%.1f", std::clamp(y(losses[i]), -1e3, 2e3));
    }
    out_ += "\"/>\n";
  }

  void suggestion() {
    if (!report_.suggestion) {
      label((left + right) / 2, top - 14, "text-anchor=\"middle\"", "no rate to suggest: the loss does not fall");
      return;
    }
    const double at = x(*report_.suggestion);
    line(at, top, at, bottom, "stroke=\"#d9660a\" stroke-width=\"2\" stroke-dasharray=\"6 4\"");
    const bool on_the_right = at < (left + right) / 2;
    label(at, top - 14, std::string("text-anchor=\"") + (on_the_right ? "start" : "end") + "\" fill=\"#d9660a\" font-weight=\"bold\"",
          "suggested: " + rate_text(*report_.suggestion));
  }

  const LrFinderReport& report_;
  Heights heights_;
  double from_ = -7, to_ = 1;
  std::string out_;
};

}  // namespace

std::string rate_text(double rate) { return format("%.2g", rate); }

std::string lr_svg(const LrFinderReport& report) { return Drawing(report).svg(); }

std::string lr_bars(const LrFinderReport& report) {
  std::string text = report.suggestion
                         ? "suggested learning rate: " + rate_text(*report.suggestion) + " (the loss falls fastest at " +
                               rate_text(*report.steepest) + ")\n"
                         : "no learning rate to suggest: the loss does not fall by more than it differs from batch to batch;\n"
                           "larger batches or more steps show smaller falls\n";
  const Heights heights(report);
  // Two rows a decade.
  std::optional<long> last;
  const auto row_of = [](double rate) { return std::lround(2 * std::log10(rate)); };
  for (std::size_t i = 0; i < report.rates.size(); ++i) {
    const long row = row_of(report.rates[i]);
    if (row == last) continue;
    last = row;
    const double height = std::clamp((report.smoothed[i] - heights.low) / (heights.high - heights.low), 0.0, 1.0);
    std::string bar;
    for (auto left = static_cast<std::size_t>(std::lround(height * static_cast<double>(bar_columns))); left > 0; --left) bar += "█";
    const std::string rate = rate_text(report.rates[i]), loss = fixed(report.smoothed[i], 4);
    text += "  " + rate + std::string(9 - std::min<std::size_t>(8, rate.size()), ' ') +
            std::string(10 - std::min<std::size_t>(9, loss.size()), ' ') + loss + "  " + bar +
            (report.suggestion && row == row_of(*report.suggestion) ? "  <- suggested" : "") + "\n";
  }
  if (report.diverged) text += "  larger rates let the loss grow without bound\n";
  return text;
}

}  // namespace graft::train
