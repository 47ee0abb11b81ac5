#include "graft/model/plan.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <limits>
#include <set>

#include "core/json.h"
#include "core/names.h"
#include "core/table.h"
#include "head/builtin.h"
#include "model/state.h"
#include "model/work_plan.h"

namespace graft {
namespace {

Plan::Half half(const graph::Network& network, const Backbone& backbone, std::int64_t multiply_adds) {
  Plan::Half half{.multiply_adds = multiply_adds};
  std::set<std::string> names;
  for (const auto& [name, tensor] : network.parameters()) {
    half.parameters += tensor.numel();
    names.insert(name);
  }
  for (const LayerGroup& group : backbone.groups()) {
    const bool inside =
        std::ranges::any_of(names, [&](const std::string& name) { return name == group.name || name.starts_with(group.name + "."); });
    if (inside) half.groups.push_back(group.name);
  }
  return half;
}

std::string groups_text(const std::vector<std::string>& groups) {
  if (groups.empty()) return "";
  return groups.size() == 1 ? groups.front() : groups.front() + " ... " + groups.back();
}

std::string half_text(const Plan::Half& half) {
  const std::string groups = groups_text(half.groups);
  return with_commas(half.parameters) + " parameters" + (groups.empty() ? "" : " (" + groups + ")") + ", " +
         fixed(static_cast<double>(half.multiply_adds) / 1e6, 1) + " million multiply-adds a sample";
}

Json json_of(const Plan::Half& half) {
  return {{"groups", half.groups}, {"parameters", half.parameters}, {"multiply_adds", half.multiply_adds}};
}

}  // namespace

Plan make_plan(const Backbone& backbone, const graph::Network& network, const graph::SplitResult& halves, bool trains,
               const Measured& measured) {
  const c10::NoGradGuard no_grad;
  Plan plan;
  const std::int64_t rows = std::max<std::int64_t>(1, measured.rows);
  Fields kept;
  const std::int64_t whole = graph::multiply_adds([&] { kept = measured.whole(); }) / rows;
  if (!trains) {
    plan.kind = Plan::Kind::Frozen;
    plan.prefix = half(network, backbone, whole);
  } else if (halves.split) {
    plan.kind = Plan::Kind::Split;
    const std::int64_t below = graph::multiply_adds([&] { kept = measured.below(); }) / rows;
    plan.prefix = half(halves.split->prefix, backbone, below);
    plan.suffix = half(halves.split->suffix, backbone, std::max<std::int64_t>(0, whole - below));
  } else {
    plan.why = halves.why;
    plan.suffix = half(network, backbone, whole);
    return plan;
  }
  for (const auto& [name, tensor] : kept) {
    plan.cut.emplace_back(name, tensor.sizes().slice(std::min<std::size_t>(1, tensor.sizes().size())).vec());
    plan.bytes_per_sample += static_cast<std::int64_t>(tensor.nbytes()) / rows;
  }
  return plan;
}

double Plan::gain(int epochs) const {
  const auto below = static_cast<double>(prefix.multiply_adds), above = 3.0 * static_cast<double>(suffix.multiply_adds);
  const double before = epochs * (below + above), after = below + epochs * above;
  return after > 0 ? before / after : 1.0;
}

std::string Plan::text() const {
  if (kind == Kind::Whole) return "the whole network runs in every epoch, as " + why + ": " + half_text(suffix) + "\n";
  std::string text = "computed once:      " + half_text(prefix) + "\n";
  text += kind == Kind::Frozen ? "in every epoch:     the head alone\n" : "in every epoch:     " + half_text(suffix) + "\n";
  text += "kept of a sample:   " + with_commas(bytes_per_sample) + " bytes:";
  for (const auto& [name, shape] : cut) text += (&name == &cut.front().first ? " " : ", ") + name + " " + shape_text(shape);
  text += "\n";
  if (kind == Kind::Split)
    text += "less to compute:    " + fixed(gain(3), 1) + " times in 3 epochs, " + fixed(gain(10), 1) + " times in 10\n";
  return text;
}

nlohmann::json Plan::json() const {
  Json kept = Json::array();
  for (const auto& [name, shape] : cut) kept.push_back({{"name", name}, {"shape", shape}});
  const char* name = kind == Kind::Frozen ? "frozen" : kind == Kind::Split ? "split" : "whole";
  return {{"kind", name},
          {"why", why},
          {"prefix", json_of(prefix)},
          {"suffix", json_of(suffix)},
          {"kept", kept},
          {"bytes_per_sample", bytes_per_sample},
          {"gain", {{"3_epochs", gain(3)}, {"10_epochs", gain(10)}}}};
}

Plan plan(const Backbone& backbone, const Freeze& policy, const Fields& example) {
  const std::set<std::string> names = policy.trainable(backbone);
  const graph::Trains trains = [&](const std::string& name) { return names.contains(name); };
  graph::Network network = backbone.network().instance(trains);
  network.eval();
  const backbone::Binding binding(network, backbone.options(), example.names());
  const auto run = [&](const graph::Network& part) { return part(binding.arguments(example)); };
  const bool stateful = network.is_stateful();
  const graph::SplitResult halves = names.empty() ? graph::SplitResult{}
                                    : stateful    ? graph::SplitResult{std::nullopt, "the network keeps a state from call to call"}
                                                  : graph::split(network, trains, binding.constants());
  const graph::Network whole = stateful ? network.with_own_state() : network;
  return make_plan(
      backbone, network, halves, !names.empty(),
      {.rows = example.begin()->second.size(0), .whole = [&] { return run(whole); }, .below = [&] { return run(halves.split->prefix); }});
}

Plan Model::plan() const {
  const State& state = *state_;
  const Fields inputs = to(state.example.inputs, state.device);
  return make_plan(state.backbone, state.network, state.halves, !state.trains.empty(),
                   {.rows = state.example.size(),
                    .whole =
                        [&] {
                          if (state.initial) state.network.set_state(*state.initial, state.carried);
                          return head::features_of(state.head->reads(), state.network(state.binding.arguments(inputs)), inputs);
                        },
                    .below = [&] { return state.halves.split->prefix(state.binding.arguments(inputs)); }});
}

}  // namespace graft
