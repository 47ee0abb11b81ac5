// Speed of encode() on one thread; run by subwords_bench.py beside Hugging Face's tokenizers.
//   subwords_bench TOKENIZER TEXTS.json PASSES
#include <graft/text/subwords.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: subwords_bench TOKENIZER TEXTS.json PASSES\n");
    return 2;
  }
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::time_point from) { return std::chrono::duration<double>(Clock::now() - from).count(); };
  std::ifstream file(argv[2]);
  const auto texts = nlohmann::json::parse(file).get<std::vector<std::string>>();
  const Clock::time_point start = Clock::now();
  const auto words = graft::text::load_subwords(argv[1]);
  nlohmann::json result{{"load", seconds(start)}, {"passes", nlohmann::json::array()}};
  for (int pass = 0; pass < std::atoi(argv[3]); ++pass) {
    std::size_t pieces = 0;
    const Clock::time_point begin = Clock::now();
    for (const std::string& text : texts) pieces += words->encode(text).size();
    result["passes"].push_back(seconds(begin));
    result["pieces"] = pieces;
  }
  std::printf("%s\n", result.dump().c_str());
}
