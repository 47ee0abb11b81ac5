#include "train/fit_memory.h"

#include <ATen/ATen.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <numeric>

#include "core/memory.h"
#include "core/warning.h"
#include "data/pieces.h"
#include "graft/core/error.h"
#include "graft/data/collate.h"
#include "graft/data/loader.h"
#include "graft/model/feature_set.h"
#include "graph/training_form.h"
#include "train/memory_meter.h"
#include "train/stepper.h"
#include "train/untouched.h"

namespace graft::train {
namespace {

/// Of what is free: other processes, pieces of memory between tensors, and what kernels take past LibTorch's allocators need some of it.
constexpr double share_of_free = 0.8;
/// Of one record, where what each further one adds is looked at.
constexpr std::int64_t few = 3;
/// Each costs a step.
constexpr int most_measured = 6;

std::int64_t budget_of(const TrainerOptions& options, c10::Device device) {
  if (options.step_budget != free_memory) return options.step_budget;
  if (device.is_cpu()) return static_cast<std::int64_t>(share_of_free * static_cast<double>(available_memory()));
  c10::DeviceAllocator* allocator = c10::getDeviceAllocator(device.type());
  const c10::DeviceIndex index = device.has_index() ? device.index() : static_cast<c10::DeviceIndex>(0);
  const auto stats = allocator->getDeviceStats(index);
  const auto all = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  const std::int64_t cached = stats.reserved_bytes[all].current - stats.allocated_bytes[all].current;
  return static_cast<std::int64_t>(share_of_free *
                                   static_cast<double>(static_cast<std::int64_t>(allocator->getMemoryInfo(index).first) + cached));
}

/// LibTorch says so in words on the CPU, by a type of its own on a GPU.
bool is_out_of_memory(const std::exception& error) {
  return dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr || dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
         std::string_view(error.what()).find("can't allocate memory") != std::string_view::npos;
}

/// Parts of fewer records, halved where one record is over, may leave a batch norm one value.
constexpr std::int64_t least_for_statistics = 3;

/// Steps need no more of a stream than what the head reads of a piece.
class OnePiece final : public Stream {
 public:
  OnePiece(const Model& model, bool from_cut) : model_(model), from_cut_(from_cut) {}
  void begin(int, std::int64_t) override {}
  const Window* next() override { return nullptr; }
  Fields features(const Piece& piece) const override {
    return from_cut_ ? model_.features_of_cut(piece.inputs) : model_.features(piece.inputs);
  }
  std::int64_t steps_per_epoch() const override { return 0; }

 private:
  const Model& model_;
  bool from_cut_;
};

/// The model by this policy, and by its former one at the end.
class WithPolicy {
 public:
  WithPolicy(Model& model, const Freeze& policy) : model_(model), before_(model.policy()) {
    if (policy != before_) model.freeze(policy);
  }
  ~WithPolicy() {
    if (model_.policy() != before_) model_.freeze(before_);
  }
  WithPolicy(const WithPolicy&) = delete;
  WithPolicy& operator=(const WithPolicy&) = delete;

 private:
  Model& model_;
  Freeze before_;
};

class Fitting {
 public:
  Fitting(Model& model, const Data& train, const TrainerOptions& options, bool from_cut, bool keeps_best)
      : model_(model), train_(train), options_(options), from_cut_(from_cut) {
    for (const auto& [name, tensor] : model.trainable()) beside_ += options.ema > 0 ? static_cast<std::int64_t>(tensor.nbytes()) : 0;
    for (const auto& [name, tensor] : model.moving()) beside_ += keeps_best ? static_cast<std::int64_t>(tensor.nbytes()) : 0;
  }

  MemoryFit operator()() {
    const bool whole_batches = graph::has_batch_statistics(model_.backbone().network());
    MemoryFit fit{.batch = options_.batch_size, .budget = budget_of(options_, model_.device())};
    const std::int64_t least = std::min<std::int64_t>(whole_batches ? least_for_statistics : 1, fit.batch);
    if (!find_longest()) return {};
    const auto first = measure(least, least);
    if (!first || *first > fit.budget) throw too_much(first, fit.budget, least);
    fit.records = least;
    fit.bytes = *first;
    std::int64_t over = fit.batch + 1;  // does not fit, or is not asked for
    std::int64_t next = std::min(fit.batch, least + few);
    for (int measured = 1; measured < most_measured && next > fit.records && next < over; ++measured) {
      const auto bytes = measure(least, next);
      const double each = bytes ? static_cast<double>(*bytes - fit.bytes) / static_cast<double>(next - fit.records) : 0;
      if (bytes && *bytes <= fit.budget) {
        fit.records = next;
        fit.bytes = *bytes;
      } else {
        over = next;
      }
      const double room = static_cast<double>(fit.budget - fit.bytes);
      const std::int64_t further = !bytes || each <= 0
                                       ? (over - fit.records) / 2
                                       : static_cast<std::int64_t>(std::min(room / each, static_cast<double>(over - 1 - fit.records)));
      next = evenly(fit.batch, std::min(over - 1, fit.records + further));
    }
    fit.records = evenly(fit.batch, fit.records);
    fit.parts = (fit.batch + fit.records - 1) / fit.records;
    if (whole_batches && fit.parts > 1) {
      warn({"graft-W013",
            "[Trainer] batch norms that train see parts of " + std::to_string(fit.records) + " records in the place of batches of " +
                std::to_string(fit.batch) + ": the run is another one than with whole batches.",
            "Freeze the layers with batch norm, or allow more memory.", ""});
    }
    return fit;
  }

 private:
  /// No more than these at once, in parts as equal as can be.
  static std::int64_t evenly(std::int64_t batch, std::int64_t most) {
    const std::int64_t parts = (batch + most - 1) / std::max<std::int64_t>(1, most);
    return most < 1 ? 0 : (batch + parts - 1) / parts;
  }

  /// The longest record that can be prepared and counts in the loss; false if there is none.
  bool find_longest() {
    const LoaderOptions how{.mode = Mode::Train, .seed = options_.seed, .threads = options_.threads, .on_error = OnError::Skip};
    std::vector<std::int64_t> lengths(train_.size(), 0);
    if (!model_.preprocess()->padding().values.empty()) lengths = data::record_lengths(train_, *model_.preprocess(), how);
    std::vector<std::size_t> order(train_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t i) { return lengths[i]; });
    return std::ranges::any_of(order, [&](std::size_t index) { return take(index); });
  }

  bool take(std::size_t index) {
    std::vector<Sample> samples;
    try {
      Rng rng(options_.seed, 1, index);
      samples = samples_of(train_, index, *model_.preprocess(), target_function(model_), rng, Mode::Train);
    } catch (const Error&) {  // told by what reads it, or left out
    }
    if (samples.empty()) return false;
    const Batch batch = collate(std::span(samples).first(1), model_.preprocess()->padding());
    longest_ = {to(batch.inputs, model_.device()), to(batch.targets, model_.device()), 1};
    for (const auto& [name, weight] : model_.head().weights(longest_.targets)) {
      if (weight.item<double>() == 0) return false;
    }
    if (from_cut_) longest_.inputs = model_.kept(longest_.inputs);
    return true;
  }

  Piece repeated(std::int64_t times) const {
    const at::Tensor index = at::zeros({times}, at::TensorOptions(at::kLong).device(model_.device()));
    return {rows(longest_.inputs, index), rows(longest_.targets, index), times};
  }

  /// The most that a step takes whose pieces have so many rows; nothing if memory ran out. A step before it makes what steps keep.
  std::optional<std::int64_t> measure(std::int64_t least, std::int64_t records) const {
    const OnePiece stream(model_, from_cut_);
    const std::vector<std::shared_ptr<Callback>> none;
    for (auto& [name, tensor] : model_.trainable()) at::Tensor(tensor).mutable_grad().reset();  // they count
    try {
      const MemoryMeter meter(model_.device().type());
      Stepper stepper(model_, options_, none);
      const Piece small = repeated(least), piece = repeated(records);
      // A scaler passes over its first steps, until its scale fits.
      for (int tries = 0; tries < 16; ++tries) {
        if (stepper(stream, {{small}, {}}, 0, 0).grad_norm > 0 || !stepper.scaler()) break;
      }
      stepper(stream, {{piece, piece}, {}}, 1, 0);
      return meter.peak() + beside_;
    } catch (const std::exception& error) {
      if (is_out_of_memory(error)) return std::nullopt;
      throw;
    }
  }

  ConfigError too_much(const std::optional<std::int64_t>& bytes, std::int64_t budget, std::int64_t records) const {
    return ConfigError({.code = "graft-C043",
                        .message = "[Trainer] a step of " + (records == 1 ? "one record" : std::to_string(records) + " records") +
                                   " at a time takes " + (bytes ? bytes_text(*bytes) : std::string("more than there is")) + ", " +
                                   bytes_text(budget) + (options_.step_budget == free_memory ? " are free for it." : " are allowed."),
                        .remedy = std::string(options_.gradient_checkpointing ? "" : "Take gradient checkpointing, ") +
                                  (options_.gradient_checkpointing ? "Cut" : "cut") +
                                  " what is read shorter (max_length), freeze more of the backbone, or allow more (step_budget).",
                        .place = ""});
  }

  Model& model_;
  const Data& train_;
  const TrainerOptions& options_;
  bool from_cut_;
  std::int64_t beside_ = 0;  // averages, the best weights
  Piece longest_;
};

}  // namespace

MemoryFit fit_memory(Model& model, const Data& train, const TrainerOptions& options, bool from_cut, bool keeps_best) {
  const WithPolicy policy(model, options.unfreeze.empty() ? model.policy() : options.unfreeze.back().freeze);
  const Untouched untouched(model);
  model.set_training(true);
  return Fitting(model, train, options, from_cut, keeps_best)();
}

}  // namespace graft::train
