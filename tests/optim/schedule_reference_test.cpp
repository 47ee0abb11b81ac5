// Schedules and the steps that they lead to, against PyTorch's (golden/make_schedules.py, make_training.py).
#include "factors.h"
#include "graft/optim/optimizer.h"
#include "graft/optim/schedule.h"
#include "support.h"

using namespace graft;
using Kind = Schedule::Kind;

namespace {

ScheduleOptions options_of(const Json& json) {
  ScheduleOptions o;
  o.kind = Schedule::kind_from(json.at("kind"));
  o.warmup = json.value("warmup", o.warmup);
  o.end = json.value("end", o.end);
  o.power = json.value("power", o.power);
  o.cycles = json.value("cycles", o.cycles);
  o.rise = json.value("rise", o.rise);
  o.div = json.value("div", o.div);
  o.final_div = json.value("final_div", o.final_div);
  o.decay = json.value("decay", o.decay);
  o.patience = json.value("patience", o.patience);
  o.threshold = json.value("threshold", o.threshold);
  o.floor = json.value("floor", o.floor);
  return o;
}

std::vector<at::Tensor> doubles_of(const Json& list) {
  std::vector<at::Tensor> tensors;
  for (const Json& each : list) tensors.push_back(test::tensor_of(each, at::kDouble));
  return tensors;
}

Optimizer make_optimizer(const std::string& name, const Json& settings, std::vector<at::Tensor> parameters, double lr) {
  std::vector<ParameterGroup> groups;
  groups.push_back({.parameters = std::move(parameters), .lr = lr, .weight_decay = settings.at("weight_decay")});
  if (name == "sgd") return Optimizer::sgd(groups, {.momentum = settings.at("momentum"), .nesterov = settings.at("nesterov")});
  return Optimizer::adamw(groups, {.beta1 = settings.at("betas")[0], .beta2 = settings.at("betas")[1], .epsilon = settings.at("eps")});
}

}  // namespace

TEST_CASE("Schedule: the rates are those of the reference runs", "[optim]") {
  const Json runs = test::golden("training.json").at("runs");
  const auto compare = [&](const std::string& name, const Schedule& schedule) {
    INFO(name);
    const double lr = runs.at(name).at("lr");
    std::vector<double> rates = test::factors(schedule, 10);
    for (double& rate : rates) rate *= lr;
    test::check_factors(rates, runs.at(name).at("learning_rates").get<std::vector<double>>());
  };
  compare("tiny_adamw", Schedule(Kind::Linear, 0.3));
  compare("tiny_sgd", Schedule(Kind::Cosine, 0));
}

TEST_CASE("Schedule: rates and steps are those of PyTorch's schedulers", "[optim]") {
  const Json golden = test::golden("schedules.json");
  const std::string optimizer_name = GENERATE("adamw", "sgd");
  const double lr = golden.at("lr");
  const auto targets = doubles_of(golden.at("target")), curvatures = doubles_of(golden.at("curvature"));
  for (const auto& [name, entry] : golden.at("schedules").items()) {
    const Json& run = entry.at(optimizer_name);
    Schedule schedule(options_of(entry.at("options")));
    std::vector<at::Tensor> parameters = doubles_of(golden.at("start"));
    for (at::Tensor& parameter : parameters) parameter.set_requires_grad(true);
    Optimizer optimizer = make_optimizer(optimizer_name, golden.at("optimizers").at(optimizer_name), parameters, lr);
    for (std::size_t step = 0; step < 10; ++step) {
      INFO(name << " with " << optimizer_name << ", step " << step);
      const double factor = schedule.factor(static_cast<std::int64_t>(step), 10);
      CHECK(factor * lr == Approx(run.at("learning_rates")[step].get<double>()).epsilon(0).margin(1e-12));
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        parameters[i].mutable_grad() = curvatures[i] * (parameters[i].detach() - targets[i]);
      }
      optimizer.step(factor);
      const auto expected = doubles_of(run.at("after")[step]);
      for (std::size_t i = 0; i < parameters.size(); ++i) CHECK(test::max_difference(parameters[i].detach(), expected[i]) < 1e-12);
      if (entry.contains("validation") && step % 2 == 1) schedule.observe(entry.at("validation")[step / 2]);
    }
  }
}
