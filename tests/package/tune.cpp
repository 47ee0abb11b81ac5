#include <graft/graft.h>
#include <iostream>

int main(int, char** argv) {
  const auto data = graft::data::csv(argv[2]).split({.valid = 0.2, .stratify = "queue"});
  auto model = graft::Model::load(argv[1]);
  const auto report = graft::fine_tune(model, data);
  std::cout << "graft " << graft::version() << " on LibTorch " << graft::build_info().libtorch << ": " << report.measured_on << " accuracy "
            << report.evaluation.metric("accuracy") << "\n";
}
