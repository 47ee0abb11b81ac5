#include "graft/data/collate.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>

#include "graft/core/error.h"

namespace graft {
namespace {

std::optional<double> padded(const Padding& padding, const std::string& name) {
  const auto found = std::ranges::find(padding.values, name, &std::pair<std::string, double>::first);
  return found == padding.values.end() ? std::nullopt : std::optional(found->second);
}

/// A target for each position is filled up with its input.
std::optional<double> padded_target(std::span<const at::Tensor> rows, const std::vector<std::int64_t>& lengths) {
  const auto has_length = [](const at::Tensor& row, std::int64_t length) { return row.dim() > 0 && row.size(0) == length; };
  if (!std::ranges::equal(rows, lengths, has_length)) return std::nullopt;
  return rows.front().is_floating_point() ? 0.0 : -100.0;
}

[[noreturn]] void differ(const std::string& name, const at::Tensor& a, const at::Tensor& b) {
  throw DataError({.code = "graft-D014",
                   .message = "[Batch] samples of one shape are wanted for \"" + name + "\", got " + shape_text(a.sizes()) + " and " +
                              shape_text(b.sizes()) + ".",
                   .remedy = "Let the preprocessing bring all samples to one shape, or name the field in its padding.",
                   .place = ""});
}

struct Stacked {
  at::Tensor values;
  /// Lengths along dimension 0 where they differ; else empty.
  std::vector<std::int64_t> lengths;
};

/// Rows of one shape. Pictures that lie channels last stay so, as networks want them and turning them costs.
at::Tensor stack_alike(std::span<const at::Tensor> rows) {
  const auto is_turned = [](const at::Tensor& row) {
    return row.dim() == 3 && !row.is_contiguous() && row.permute({1, 2, 0}).is_contiguous();
  };
  if (!std::ranges::all_of(rows, is_turned)) return at::stack(at::TensorList(rows.data(), rows.size()));
  std::vector<at::Tensor> as_they_lie;
  for (const at::Tensor& row : rows) as_they_lie.push_back(row.permute({1, 2, 0}));
  return at::stack(as_they_lie).permute({0, 3, 1, 2});
}

Stacked stack(const std::string& name, std::span<const at::Tensor> rows, std::optional<double> fill) {
  const auto odd = std::ranges::find_if(rows, [&](const at::Tensor& row) { return row.sizes() != rows.front().sizes(); });
  if (odd == rows.end()) return {stack_alike(rows), {}};
  if (!fill || rows.front().dim() == 0) differ(name, rows.front(), *odd);
  Stacked stacked;
  std::int64_t longest = 0;
  for (const at::Tensor& row : rows) {
    const bool fits = row.dim() == rows.front().dim() && row.sizes().slice(1) == rows.front().sizes().slice(1);
    if (!fits) differ(name, rows.front(), row);
    stacked.lengths.push_back(row.size(0));
    longest = std::max(longest, row.size(0));
  }
  std::vector<std::int64_t> sizes{static_cast<std::int64_t>(rows.size()), longest};
  for (const std::int64_t size : rows.front().sizes().slice(1)) sizes.push_back(size);
  stacked.values = at::full(sizes, *fill, rows.front().options());
  for (std::size_t i = 0; i < rows.size(); ++i)
    stacked.values[static_cast<std::int64_t>(i)].narrow(0, 0, stacked.lengths[i]).copy_(rows[i]);
  return stacked;
}

at::Tensor mask_of(const std::vector<std::int64_t>& lengths) {
  const at::Tensor length = at::tensor(lengths).unsqueeze(1);
  return (at::arange(length.max().item<std::int64_t>()).unsqueeze(0) < length).to(at::kLong);
}

}  // namespace

Batch collate(std::span<const Sample> samples, const Padding& padding) {
  Batch batch;
  std::vector<std::int64_t> lengths;
  const auto gather = [&](Fields Sample::*part, Fields& into, bool masks) {
    for (const auto& [name, first] : samples.front().*part) {
      std::vector<at::Tensor> column;
      column.reserve(samples.size());
      for (const Sample& sample : samples) column.push_back((sample.*part)[name]);
      std::optional<double> fill = padded(padding, name);
      if (!fill && !masks) fill = padded_target(column, lengths);
      Stacked stacked = stack(name, column, fill);
      if (masks && lengths.empty()) lengths = std::move(stacked.lengths);
      into.set(name, std::move(stacked.values));
    }
  };
  if (samples.empty()) return batch;
  gather(&Sample::inputs, batch.inputs, true);
  gather(&Sample::targets, batch.targets, false);
  if (!lengths.empty()) batch.inputs.set(padding.mask, mask_of(lengths));
  for (const Sample& sample : samples) batch.records.push_back(sample.record);
  return batch;
}

bool same_shapes(const Sample& a, const Sample& b) {
  return a.inputs.size() == b.inputs.size() &&
         std::equal(a.inputs.begin(), a.inputs.end(), b.inputs.begin(),
                    [](const auto& x, const auto& y) { return x.second.sizes() == y.second.sizes(); });
}

}  // namespace graft
