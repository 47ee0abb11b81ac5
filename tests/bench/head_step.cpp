// W6: a step of a head on features in memory, batch 32, 384 features: graft's trainer, the bare ATen calls that such a step is made
// of, and a loop over torch::optim.
//   bench_head_step [HIDDEN [CLASSES]]      0 (default): one linear layer; 77 classes
#include <torch/torch.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include "bench.h"
#include "core/stopwatch.h"
#include "graft/data/tensor_inputs.h"
#include "graft/graft.h"
#include "graph/builder.h"

using namespace graft;

namespace {
std::atomic<std::int64_t> own_allocations = 0;
}  // namespace

// Counts what C++ code allocates in this program; tensors come from LibTorch's allocator and count apart.
void* operator new(std::size_t size) {
  ++own_allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

std::int64_t classes = 77;
constexpr std::int64_t width = 384, batch = 32, records = 32 * 256;
constexpr int epochs = 16;

struct Result {
  double microseconds = 0, own_allocations = 0;
};

/// Medians over epochs, so that a disturbed one does not count.
class Timer final : public Callback {
 public:
  Action on_epoch(const EpochRecord&) override {
    times_.push_back(watch_.seconds() * 1e6 / (records / batch));
    counts_.push_back(static_cast<double>(own_allocations - before_) / (records / batch));
    before_ = own_allocations;
    watch_ = Stopwatch();
    return Action::Continue;
  }
  Result result() {
    std::ranges::sort(times_);
    std::ranges::sort(counts_);
    return {times_[times_.size() / 2], counts_[counts_.size() / 2]};
  }

 private:
  Stopwatch watch_;
  std::int64_t before_ = 0;
  std::vector<double> times_, counts_;
};

struct Task {
  at::Tensor features = at::randn({records, width}), labels = at::randint(classes, {records}, at::kLong);
};

Result by_graft(const Task& problem, std::int64_t hidden) {
  std::vector<std::string> labels;
  for (std::int64_t i = 0; i < classes; ++i) labels.push_back(std::to_string(i));
  // A backbone that gives what it gets: one product with an identity would only cost time before the first epoch.
  graph::Builder identity("Identity");
  identity.parameter("scale", at::ones({1})).define("def forward(self, x):\n    return x * self.scale\n");
  Model model(Backbone(identity.network(), {}, {}), head::Classifier({.labels = labels, .hidden = hidden}),
              TensorInputs({{"x", at::zeros({width})}}), {.device = "cpu"});
  const auto timer = std::make_shared<Timer>();
  Trainer trainer({.epochs = epochs, .batch_size = batch});
  trainer.add(timer);
  trainer.fit(model, {data::tensors({{"x", problem.features}, {"label", problem.labels}}), {}, {}});
  return timer->result();
}

Result bare(const Task& problem, std::int64_t hidden) {
  const c10::NoGradGuard no_grad;
  const std::int64_t below = hidden > 0 ? hidden : width;
  const std::int64_t deep = hidden > 0 ? hidden * width + hidden : 0, size = classes * below + classes + deep;
  at::Tensor flat = at::randn({size}) * 0.02, gradient = at::zeros({size}), first = at::zeros({size}), second = at::zeros({size}),
             steps = at::zeros({});
  const auto part = [&](const at::Tensor& whole, std::int64_t start, at::IntArrayRef sizes) {
    return whole.narrow(0, start, c10::multiply_integers(sizes)).view(sizes);
  };
  at::Tensor w = part(flat, 0, {classes, below}), b = part(flat, classes * below, {classes}), hw, hb, dhw, dhb;
  at::Tensor dw = part(gradient, 0, {classes, below}), db = part(gradient, classes * below, {classes});
  if (hidden > 0) {
    hw = part(flat, size - deep, {hidden, width}), hb = part(flat, size - hidden, {hidden});
    dhw = part(gradient, size - deep, {hidden, width}), dhb = part(gradient, size - hidden, {hidden});
  }
  const std::vector<at::Tensor> parameters{flat}, gradients{gradient}, firsts{first}, seconds{second}, counts_of{steps};
  at::Tensor index = at::arange(batch), x = at::empty({batch, width}), y = at::empty({batch}, at::kLong);
  at::Tensor before = at::empty({batch, std::max<std::int64_t>(hidden, 1)}), after = at::empty_like(before),
             dafter = at::empty_like(before);
  at::Tensor scores = at::empty({batch, classes}), logs = at::empty_like(scores), dlogs = at::empty_like(scores),
             dscores = at::empty_like(scores);
  at::Tensor loss = at::empty({}), weight = at::empty({}), one = at::ones({}), square = at::empty({});
  at::Tensor wt = w.t(), hwt = hidden > 0 ? hw.t() : w, dscores_t = dscores.t(), before_t = before.t();
  const at::Tensor& under = hidden > 0 ? after : x;
  std::vector<double> times, counts;
  double sum = 0;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    const Stopwatch watch;
    const std::int64_t allocated = own_allocations;
    const at::Tensor order = at::randperm(records);
    for (std::int64_t step = 0; step < records / batch; ++step) {
      std::memcpy(index.mutable_data_ptr(), order.const_data_ptr<std::int64_t>() + step * batch, batch * sizeof(std::int64_t));
      at::index_select_out(x, problem.features, 0, index);
      at::index_select_out(y, problem.labels, 0, index);
      if (hidden > 0) {
        at::addmm_out(before, hb, x, hwt);
        at::gelu_out(after, before);
      }
      at::addmm_out(scores, b, under, wt);
      at::_log_softmax_out(logs, scores, 1, false);
      at::nll_loss_forward_out(loss, weight, logs, y, {}, at::Reduction::Mean, -100);
      dlogs.zero_();
      at::nll_loss_backward_out(dlogs, one, logs, y, {}, at::Reduction::Mean, -100, weight);
      at::_log_softmax_backward_data_out(dscores, dlogs, logs, 1, at::kFloat);
      at::mm_out(dw, dscores_t, under);
      at::sum_out(db, dscores, {0});
      if (hidden > 0) {
        at::mm_out(dafter, dscores, w);
        at::gelu_backward_out(before, dafter, before);
        at::mm_out(dhw, before_t, x);
        at::sum_out(dhb, before, {0});
      }
      sum += loss.item<double>();
      at::dot_out(square, gradient, gradient);
      if (const double norm = std::sqrt(square.item<double>()); norm > 1) gradient.mul_(1 / norm);
      *steps.mutable_data_ptr<float>() += 1;
      at::_fused_adamw_(parameters, gradients, firsts, seconds, {}, counts_of, 1e-3, 0.9, 0.999, 0.01, 1e-8, false, false);
    }
    times.push_back(watch.seconds() * 1e6 / (records / batch));
    counts.push_back(static_cast<double>(own_allocations - allocated) / (records / batch));
  }
  if (!std::isfinite(sum)) std::abort();
  std::ranges::sort(times);
  std::ranges::sort(counts);
  return {times[times.size() / 2], counts[counts.size() / 2]};
}

Result by_torch(const Task& problem, std::int64_t hidden) {
  torch::nn::Sequential net;
  if (hidden > 0) {
    net->push_back(torch::nn::Linear(width, hidden));
    net->push_back(torch::nn::GELU());
  }
  net->push_back(torch::nn::Linear(hidden > 0 ? hidden : width, classes));
  torch::optim::AdamW optimizer(net->parameters(), torch::optim::AdamWOptions(1e-3));
  std::vector<double> times, counts;
  for (int epoch = 0; epoch < epochs / 4; ++epoch) {
    const Stopwatch watch;
    const std::int64_t before = own_allocations;
    const at::Tensor order = at::randperm(records);
    for (std::int64_t step = 0; step < records / batch; ++step) {
      const at::Tensor index = order.narrow(0, step * batch, batch);
      optimizer.zero_grad();
      const at::Tensor loss = torch::nn::functional::cross_entropy(net->forward(problem.features.index_select(0, index)),
                                                                   problem.labels.index_select(0, index));
      loss.backward();
      torch::nn::utils::clip_grad_norm_(net->parameters(), 1.0);
      optimizer.step();
      loss.item<double>();
    }
    times.push_back(watch.seconds() * 1e6 / (records / batch));
    counts.push_back(static_cast<double>(own_allocations - before) / (records / batch));
  }
  std::ranges::sort(times);
  std::ranges::sort(counts);
  return {times[times.size() / 2], counts[counts.size() / 2]};
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t hidden = argc > 1 ? std::atoll(argv[1]) : 0;
  if (argc > 2) classes = std::atoll(argv[2]);
  runtime({.keep_memory = true});
  at::manual_seed(0);
  const Task problem;
  std::vector<double> beyond, ratio;
  Result ours, plain, torch;
  for (int round = 0; round < 5; ++round) {
    ours = by_graft(problem, hidden);
    plain = bare(problem, hidden);
    torch = by_torch(problem, hidden);
    beyond.push_back(ours.microseconds - plain.microseconds);
    ratio.push_back(torch.microseconds / ours.microseconds);
  }
  std::ranges::sort(beyond);
  std::ranges::sort(ratio);
  bench::print({{"workload", "W6"},
                {"hidden", hidden},
                {"classes", classes},
                {"microseconds", ours.microseconds},
                {"bare_microseconds", plain.microseconds},
                {"torch_optim_microseconds", torch.microseconds},
                {"beyond_bare_microseconds", beyond[2]},
                {"times_torch_optim", ratio[2]},
                {"allocations_per_step", ours.own_allocations},
                {"bare_allocations_per_step", plain.own_allocations}});
}
