#include <graft/predict/predictor.h>
#include <iostream>

int main(int, char** argv) {
  const auto predictor = graft::Predictor::load(argv[1]);
  std::cout << predictor(std::string(argv[2])).label << "\n";
}
