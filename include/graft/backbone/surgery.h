#pragma once

#include <cstdint>
#include <vector>

#include "graft/backbone/backbone.h"

namespace graft::backbone {

/// The network up to its classifier: what the last linear layer reads, as "features". Throws ModelError if it does not end in one.
GRAFT_API Backbone without_classifier(const Backbone& whole);

struct ClassesOptions {
  /// The new number of classes, at least 1.
  std::int64_t classes = 2;
  /// Rows of the old weights that become the first rows of the new ones; the others are drawn as torch.nn.Linear draws them.
  std::vector<std::int64_t> keep = {};
  /// Seeds the drawn rows.
  std::uint64_t seed = 0;
};
/// The network with another number of classes in its last linear layer, in place: its other parameters, names and outputs stay. Train it
/// with a head whose `own_layer` is false. Throws ModelError if it does not end in a linear layer, ConfigError for options out of range.
GRAFT_API Backbone with_classes(const Backbone& whole, const ClassesOptions& options);

/// The network for pictures or signals of another number of channels: its first convolution's weight [C, I, ...] becomes [C, channels,
/// ...]. One channel gets the sum over the old ones; more of them repeat the old ones in turn, times I / channels, so that equal channels
/// give what they gave before (Wightman, timm: adapt_input_conv). Throws ModelError if there is no such convolution.
GRAFT_API Backbone with_input_channels(const Backbone& whole, std::int64_t channels);

}  // namespace graft::backbone
