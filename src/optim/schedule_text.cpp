#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>

#include "core/names.h"
#include "core/table.h"
#include "graft/core/error.h"
#include "graft/optim/schedule_preview.h"

namespace graft {
namespace {

constexpr std::int64_t columns = 60, lines = 10, eighths = 8;

/// With up to four digits.
std::string brief(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", number);
  return text;
}

std::string padded(const std::string& text, std::size_t width) { return std::string(width - std::min(width, text.size()), ' ') + text; }

/// Of a row that is filled up to `level` eighths.
std::string_view block(std::int64_t level) {
  constexpr std::array<std::string_view, eighths + 1> blocks{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  return blocks[static_cast<std::size_t>(std::clamp<std::int64_t>(level, 0, eighths))];
}

/// The first, middle and last step under their columns.
std::string step_axis(std::int64_t total) {
  const auto width = static_cast<std::size_t>(columns);
  std::string line = "1";
  if (total > 3) {
    const std::string middle = with_commas(total / 2);
    const double column = static_cast<double>(total / 2 - 1) * static_cast<double>(columns - 1) / static_cast<double>(total - 1);
    line += padded(middle, static_cast<std::size_t>(std::llround(column)) + middle.size() / 2);
  }
  if (total > 1) line += padded(with_commas(total), width - line.size());
  return line;
}

std::string plot(const Schedule& schedule, std::int64_t total, double lr) {
  std::array<double, columns> factors;
  for (std::int64_t c = 0; c < columns; ++c) {
    const double step = static_cast<double>(c) * static_cast<double>(total - 1) / static_cast<double>(columns - 1);
    factors[static_cast<std::size_t>(c)] = schedule.factor(std::llround(step), total);
  }
  const double top =
      std::max({std::ranges::max(factors), schedule.factor(schedule.peak(total), total), 1e-300});  // reductions may come to 0
  const std::string high = brief(top * lr), half = brief(top * lr / 2);
  const std::size_t width = std::max(high.size(), half.size());
  std::string text;
  for (std::int64_t row = 0; row < lines; ++row) {
    const std::string label = padded(row == 0 ? high : row == lines / 2 ? half : "", width) + " │";
    std::string cells;
    for (const double factor : factors) {
      const std::int64_t height = std::llround(std::ceil(factor / top * static_cast<double>(lines * eighths)));
      cells += block(height - (lines - 1 - row) * eighths);
    }
    text += "  " + label + cells.substr(0, cells.find_last_not_of(' ') + 1) + "\n";
  }
  std::string axis;
  for (std::int64_t c = 0; c < columns; ++c) axis += "─";
  return text + "  " + padded("0", width) + " └" + axis + "\n" + std::string(width + 4, ' ') + step_axis(total) + "  step\n";
}

std::string corners(const Schedule& schedule, std::int64_t total, double lr) {
  std::map<std::int64_t, std::string> steps{{0, "first"}};  // the first name of a step stays
  steps.emplace(total - 1, "last");
  steps.emplace(schedule.peak(total), schedule.options().kind == ScheduleKind::OneCycle ? "peak" : "end of warm-up");
  const std::array<std::string, 3> quarters{"a quarter", "half", "three quarters"};
  for (std::int64_t i = 0; i < 3; ++i)
    steps.emplace(std::max<std::int64_t>(1, total * (i + 1) / 4) - 1, quarters[static_cast<std::size_t>(i)]);
  Table table;
  table.add({"", "step", "factor", "rate"});
  for (const auto& [step, name] : steps) {
    const double factor = schedule.factor(step, total);
    table.add({name, with_commas(step + 1), brief(factor), brief(factor * lr)});
  }
  return table.text();
}

}  // namespace

std::string Schedule::text() const {
  std::string text = kinds()[static_cast<std::size_t>(options_.kind)];
  switch (options_.kind) {
    case Kind::Constant:
      break;
    case Kind::Linear:
      text += " to " + brief(options_.end);
      break;
    case Kind::Cosine:
      text += " to " + brief(options_.end) + (options_.cycles > 1 ? " in " + std::to_string(options_.cycles) + " cycles" : "");
      break;
    case Kind::Polynomial:
      text += " of power " + brief(options_.power) + " to " + brief(options_.end);
      break;
    case Kind::OneCycle:
      return text + " from " + brief(1 / options_.div) + " to " + brief(1 / options_.div / options_.final_div) + ", peak after " +
             brief(options_.rise);
    case Kind::Plateau:
      text += " with decay " + brief(options_.decay) + ", patience " + std::to_string(options_.patience) + ", threshold " +
              brief(options_.threshold) + ", floor " + brief(options_.floor);
      break;
  }
  return text + (options_.warmup > 0 ? ", warm-up " + brief(options_.warmup) : ", no warm-up");
}

std::string schedule_preview(const Schedule& schedule, std::int64_t total, double lr) {
  if (total < 1) {
    throw ConfigError({.code = "graft-C016",
                       .message = "[Schedule] at least 1 step is wanted, got " + std::to_string(total) + ".",
                       .remedy = "Train for an epoch or more.",
                       .place = ""});
  }
  std::string text = schedule.text() + "\n" + plot(schedule, total, lr) + corners(schedule, total, lr);
  if (schedule.needs_validation()) text += "  without the reductions that further evaluations may bring\n";
  return text;
}

}  // namespace graft
