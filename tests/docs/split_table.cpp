// Writes the table of splits of docs/checkpoints.md: for each network and each depth of the freeze line, whether the two halves are the
// whole.
//   split_table GOLDEN_FOLDER [SHARED_FOLDER]
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "core/names.h"
#include "graft/backbone/import.h"
#include "graft/core/runtime.h"
#include "graph/fast_form.h"
#include "graph/findings.h"
#include "graph/work.h"
#include "halves.h"

using namespace graft;

namespace {

double apart(const at::Tensor& a, const at::Tensor& b) {
  if (a.defined() != b.defined()) return 1;
  if (!a.defined() || a.numel() == 0 || a.equal(b)) return 0;
  return ((a - b).abs().max() / (a.abs().max() + 1e-12)).item<double>();
}

double apart(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  double largest = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) largest = std::max(largest, apart(a[i], b[i]));
  return largest;
}

/// Digits differ from processor to processor, so the table has bounds; whether the fast form has the same bits differs as well.
const char* words(double difference) {
  if (difference == 0) return "bit-equal";
  if (difference < 1e-6) return "1e-6";
  if (difference < 1e-5) return "1e-5";
  return difference < 1e-4 ? "**1e-4**" : "**differs**";
}

void row(const std::string& name, const graph::Network& source, const std::string& last, const std::set<std::string>& above,
         const std::vector<c10::IValue>& inputs, const graph::Constants& constants) {
  const auto trains = [&](const std::string& parameter) { return above.contains(parameter); };
  graph::Network whole = source.instance(trains), live = source.instance(trains);
  whole.eval();
  const graph::SplitResult result = graph::split(live, trains, constants);
  if (!result.split) {
    std::printf("| %s | %s | | | %s | | | |\n", name.c_str(), last.c_str(), result.why.c_str());
    return;
  }
  graph::Network suffix = result.split->suffix;
  const std::int64_t rows = inputs[0].toTensor().size(0);
  Fields cut;
  std::int64_t all = 0, below = 0, bytes = 0;
  double fast_difference = 0;
  {
    const c10::NoGradGuard no_grad;
    const graph::Network counted = whole.with_own_state();
    all = graph::multiply_adds([&] { counted(inputs); });
    below = graph::multiply_adds([&] { cut = result.split->prefix(inputs); });
    for (const auto& [field, tensor] : cut) bytes += static_cast<std::int64_t>(tensor.nbytes()) / rows;
    const graph::FastForm fast = graph::fast_form(result.split->prefix, inputs);
    const Fields quick = fast.network ? (*fast.network)(inputs) : Fields();
    for (const auto& [field, tensor] : cut) fast_difference = std::max(fast_difference, quick.has(field) ? apart(tensor, quick[field]) : 1);
  }
  std::vector<at::Tensor> frozen_before;
  for (const auto& [parameter, tensor] : source.parameters()) frozen_before.push_back(tensor.detach().clone());
  whole.train(trains);
  suffix.train(trains);
  double exact = 0;
  const graph::Network start = whole.with_own_state(), suffix_start = suffix.with_own_state();
  for (int i = 0; i < 10; ++i) {
    whole.set_state(start, whole.state());
    suffix.set_state(suffix_start, suffix.state());
    const test::Step expected = test::step(whole, [&] { return whole(inputs).begin()->second; });
    const test::Step given = test::step(live, [&] { return suffix(test::arguments_of(live, *result.split, inputs, cut)).begin()->second; });
    exact = std::max(
        {exact, apart(expected.output, given.output), apart(expected.gradients, given.gradients), apart(expected.buffers, given.buffers)});
  }
  bool unchanged = true;
  const auto now = source.parameters();
  for (std::size_t i = 0; i < now.size(); ++i) unchanged &= now[i].second.equal(frozen_before[i]);
  for (const auto& [parameter, tensor] : live.parameters()) {
    if (!trains(parameter))
      unchanged &= std::ranges::any_of(now, [&](const auto& named) { return named.first == parameter && named.second.equal(tensor); });
  }
  const std::string path = std::filesystem::temp_directory_path() / "split_table.pt";
  live.eval();
  live.save(path);
  double saved = 0;
  {
    const c10::NoGradGuard no_grad;
    const graph::Network a = live.with_own_state(), b = graph::Network::load(path);
    saved = apart(a(inputs).begin()->second, b(inputs).begin()->second);
  }
  std::filesystem::remove(path);
  const double share = all > 0 ? 100.0 * static_cast<double>(below) / static_cast<double>(all) : 0;
  std::printf("| %s | %s | %s | %.0f %% | %s | %s | %s | %s |\n", name.c_str(), last.c_str(), with_commas(bytes).c_str(), share,
              words(exact), words(std::max(fast_difference, 1e-9)), unchanged ? "yes" : "**no**", words(saved));
}

void rows(const std::string& name, const graph::Network& source, const std::vector<c10::IValue>& inputs, std::size_t depths,
          const graph::Constants& constants = {}) {
  const std::vector<std::string> order = test::parts(source);
  std::set<std::size_t> frozen;
  for (std::size_t depth = 1; depth <= depths; ++depth) frozen.insert(std::max<std::size_t>(1, depth * (order.size() - 1) / depths));
  for (const std::size_t count : frozen) row(name, source, order[count - 1], test::above(source, order, count), inputs, constants);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: split_table GOLDEN_FOLDER [SHARED_FOLDER]\n");
    return 2;
  }
  runtime();
  std::printf(
      "| network | frozen up to | bytes kept of a sample | multiply-adds below | exact: ten steps | fast: outputs | frozen state unchanged "
      "| saved file |\n");
  std::printf("|---|---|---|---|---|---|---|---|\n");
  for (const std::string name : {"resnet", "mobilenet", "vit", "bert"}) {
    for (const std::string form : {"script", "trace_eval"}) {
      const graph::Network source = graph::repaired(graph::Network::load(std::string(argv[1]) + "/" + name + "_" + form + ".pt"));
      rows(name + ", " + form, source, test::inputs_of(name, 8), 3);
    }
  }
  const std::string imported = std::filesystem::temp_directory_path() / "split_table_bert.pt";
  backbone::import_checkpoint(std::string(argv[1]) + "/../tiny_bert", imported);
  at::manual_seed(7);
  at::Tensor mask = at::ones({8, 7}, at::kLong);
  mask[7].narrow(0, 4, 3).zero_();
  rows("bert, imported", graph::Network::load(imported), {at::randint(0, 30, {8, 7}, at::kLong), mask, c10::IValue()}, 3);
  std::filesystem::remove(imported);
  if (argc < 3) return 0;
  at::manual_seed(7);
  const std::vector<c10::IValue> sounds{at::randn({4, 512}), 16000}, pairs{at::randn({8, 256}), at::randn({8, 256})};
  rows("silero_vad_v6_head", graph::Network::load(std::string(argv[2]) + "/silero_vad_v6_head.jit"), sounds, 2, {{"sr", 16000}});
  rows("tchrs_foo9", graph::Network::load(std::string(argv[2]) + "/tchrs_foo9.pt"), pairs, 3);
}
