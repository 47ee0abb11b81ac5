#include "optim/lbfgs.h"

#include <cmath>
#include <limits>

#include "support.h"

using namespace graft;
using Eigen::VectorXd;
using optim::lbfgs;

namespace {

/// Half the sum of c_i (x_i - i)^2; the curvatures c run from 1 to `condition`.
optim::Objective quadratic(double condition) {
  return [condition](const VectorXd& x, VectorXd& gradient) {
    double value = 0;
    for (Eigen::Index i = 0; i < x.size(); ++i) {
      const double curvature = std::pow(condition, static_cast<double>(i) / static_cast<double>(x.size() - 1)),
                   distance = x[i] - static_cast<double>(i);
      gradient[i] = curvature * distance;
      value += 0.5 * curvature * distance * distance;
    }
    return value;
  };
}

/// The objective, counting its calls.
optim::Objective counted(optim::Objective objective, int& calls) {
  return [objective = std::move(objective), &calls](const VectorXd& x, VectorXd& gradient) {
    ++calls;
    return objective(x, gradient);
  };
}

double rosenbrock(const VectorXd& x, VectorXd& gradient) {
  const double a = 1 - x[0], b = x[1] - x[0] * x[0];
  gradient[0] = -2 * a - 400 * x[0] * b;
  gradient[1] = 200 * b;
  return a * a + 100 * b * b;
}

/// Small enough that only the gradient ends the search.
constexpr double never = 0;

}  // namespace

TEST_CASE("Lbfgs: finds the minimum of a quadratic, ill-conditioned too", "[optim]") {
  const double condition = GENERATE(1.0, 1e2, 1e4);
  int calls = 0;
  VectorXd x = VectorXd::Constant(12, -3);
  const auto report = lbfgs(counted(quadratic(condition), calls), x, {.gradient_tolerance = 1e-8, .value_tolerance = never});
  CHECK(report.converged);
  CHECK(report.iterations < 500);
  CHECK(calls < 2 * report.iterations + 10);  // steps of length 1 mostly fit at once
  CHECK(report.value == Approx(0).margin(1e-12));
  for (Eigen::Index i = 0; i < x.size(); ++i) CHECK(x[i] == Approx(static_cast<double>(i)).margin(1e-7));
}

TEST_CASE("Lbfgs: finds the minimum of Rosenbrock's valley in few iterations", "[optim]") {
  VectorXd x(2);
  x << -1.2, 1;
  const auto report = lbfgs(rosenbrock, x, {.gradient_tolerance = 1e-9, .value_tolerance = never});
  CHECK(report.converged);
  CHECK(x[0] == Approx(1).margin(1e-8));
  CHECK(x[1] == Approx(1).margin(1e-8));
  CHECK(report.iterations > 10);
  CHECK(report.iterations < 80);  // steepest descent takes thousands
}

TEST_CASE("Lbfgs: a memory of more steps takes fewer iterations", "[optim]") {
  const auto iterations = [](int history) {
    VectorXd x = VectorXd::Constant(30, -3);
    return lbfgs(quadratic(1e4), x, {.max_iterations = 5000, .gradient_tolerance = 1e-6, .value_tolerance = never, .history = history})
        .iterations;
  };
  CHECK(iterations(10) < iterations(1));
}

TEST_CASE("Lbfgs: ends when no entry of the gradient is larger than the tolerance", "[optim]") {
  const double tolerance = GENERATE(1e-1, 1e-3, 1e-6);
  VectorXd x = VectorXd::Constant(12, -3), gradient(12);
  const auto report = lbfgs(quadratic(1e3), x, {.gradient_tolerance = tolerance, .value_tolerance = never});
  CHECK(report.converged);
  CHECK(report.value == quadratic(1e3)(x, gradient));
  CHECK(gradient.lpNorm<Eigen::Infinity>() <= tolerance);
  CHECK(gradient.lpNorm<Eigen::Infinity>() > tolerance * 1e-4);  // and not much later
}

TEST_CASE("Lbfgs: at a minimum it stays", "[optim]") {
  VectorXd x = VectorXd::LinSpaced(12, 0, 11);
  const VectorXd start = x;
  const auto report = lbfgs(quadratic(10), x);
  CHECK(report.converged);
  CHECK(report.iterations == 0);
  CHECK(x == start);
}

TEST_CASE("Lbfgs: ends when an iteration gains too little", "[optim]") {
  const auto shifted = [](const VectorXd& x, VectorXd& gradient) { return 1000 + quadratic(1e4)(x, gradient); };
  VectorXd x = VectorXd::Constant(12, -3), y = x;
  const auto coarse = lbfgs(shifted, x, {.gradient_tolerance = 1e-9, .value_tolerance = 1e-3});
  const auto fine = lbfgs(shifted, y, {.gradient_tolerance = 1e-9, .value_tolerance = 1e-9});
  CHECK(coarse.converged);
  CHECK(coarse.iterations < fine.iterations);
  CHECK(fine.value < coarse.value);
  CHECK(fine.value == Approx(1000).epsilon(1e-7));
}

TEST_CASE("Lbfgs: max_iterations ends it with the best point so far, unconverged", "[optim]") {
  VectorXd x(2), gradient(2);
  x << -1.2, 1;
  const double start = rosenbrock(x, gradient);
  const auto report = lbfgs(rosenbrock, x, {.max_iterations = 5});
  CHECK_FALSE(report.converged);
  CHECK(report.iterations == 5);
  CHECK(report.value == rosenbrock(x, gradient));
  CHECK(report.value < start);
  VectorXd untouched(2);
  untouched << -1.2, 1;
  CHECK(lbfgs(rosenbrock, untouched, {.max_iterations = 0}).iterations == 0);
  CHECK(untouched[0] == -1.2);
}

TEST_CASE("Lbfgs: a stop ends it after the iteration at hand", "[optim]") {
  std::stop_source source;
  int calls = 0;
  const optim::Objective objective = [&](const VectorXd& x, VectorXd& gradient) {
    if (++calls == 10) source.request_stop();
    return rosenbrock(x, gradient);
  };
  VectorXd x(2);
  x << -1.2, 1;
  const auto report = lbfgs(objective, x, {.stop = source.get_token()});
  CHECK_FALSE(report.converged);
  CHECK(calls >= 10);
  CHECK(calls < 20);
  VectorXd unused(2);
  CHECK(report.value == rosenbrock(x, unused));
}

TEST_CASE("Lbfgs: every iteration lowers the value", "[optim]") {
  double before = std::numeric_limits<double>::infinity();
  for (int iterations = 0; iterations < 30; ++iterations) {
    VectorXd x(2);
    x << -1.2, 1;
    const double value = lbfgs(rosenbrock, x, {.max_iterations = iterations}).value;
    CHECK(value < before);
    before = value;
  }
}

TEST_CASE("Lbfgs: values that are no numbers are walked around", "[optim]") {
  // -log x + x, whose minimum is 1; left of 0 it does not exist
  const optim::Objective barrier = [](const VectorXd& x, VectorXd& gradient) {
    gradient[0] = 1 - 1 / x[0];
    return x[0] > 0 ? x[0] - std::log(x[0]) : std::nan("");
  };
  VectorXd x = VectorXd::Constant(1, 20);
  int calls = 0;
  const auto report = lbfgs(counted(barrier, calls), x, {.gradient_tolerance = 1e-8, .value_tolerance = never});
  CHECK(report.converged);
  CHECK(x[0] == Approx(1).margin(1e-7));
  CHECK(calls < 60);  // a step to where there is no value is halved, not doubled
}
