// The messages that the examples and the documentation train on: written for graft, not taken from anywhere.
#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include "graft/data/csv.h"
#include "support.h"

using namespace graft;

namespace {

Data tickets() { return data::csv(GRAFT_TEST_DIR "/../examples/data/tickets.csv", {.require = {"message", "queue"}}); }

/// Lower-cased words without punctuation.
std::vector<std::string> words_of(const std::string& text) {
  std::string plain;
  for (const char c : text)
    plain += std::isalnum(static_cast<unsigned char>(c)) != 0 || (static_cast<unsigned char>(c) & 0x80) != 0
                 ? static_cast<char>(std::tolower(static_cast<unsigned char>(c)))
                 : ' ';
  std::istringstream in(plain);
  return {std::istream_iterator<std::string>(in), {}};
}

double jaccard(const std::set<std::string>& a, const std::set<std::string>& b) {
  const auto common = static_cast<double>(std::ranges::count_if(a, [&](const std::string& word) { return b.contains(word); }));
  return common / (static_cast<double>(a.size() + b.size()) - common);
}

}  // namespace

TEST_CASE("Tickets: 300 to 400 messages with two columns, both filled", "[tickets]") {
  const Data data = tickets();
  CHECK(data.size() >= 300);
  CHECK(data.size() <= 400);
  CHECK(data.get(0).values.size() == 2);
  for (std::size_t i = 0; i < data.size(); ++i) {
    const Record record = data.get(i);
    INFO(record.place);
    CHECK(words_of(record.text("message")).size() >= 2);
    CHECK_FALSE(record.text("queue").empty());
  }
}

TEST_CASE("Tickets: 8 to 10 queues of uneven size, each large enough to learn and to measure", "[tickets]") {
  const Data data = tickets();
  std::map<std::string, int> sizes;
  for (std::size_t i = 0; i < data.size(); ++i) ++sizes[data.get(i).text("queue")];
  CHECK(sizes.size() >= 8);
  CHECK(sizes.size() <= 10);
  const auto [smallest, largest] = std::ranges::minmax_element(sizes, {}, [](const auto& entry) { return entry.second; });
  CHECK(smallest->second >= 10);
  CHECK(largest->second >= 2 * smallest->second);
}

TEST_CASE("Tickets: no two messages are near-duplicates", "[tickets]") {
  const Data data = tickets();
  std::vector<std::set<std::string>> words;
  std::map<std::vector<std::string>, std::string> openings;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const Record record = data.get(i);
    std::vector<std::string> message = words_of(record.text("message"));
    words.emplace_back(message.begin(), message.end());
    message.resize(std::min<std::size_t>(4, message.size()));
    const auto [known, fresh] = openings.emplace(std::move(message), record.place);
    INFO(record.place << " starts like " << known->second);
    CHECK(fresh);
  }
  REQUIRE(words.size() > 1);
  for (std::size_t i = 0; i < words.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double likeness = jaccard(words[i], words[j]);
      INFO(data.get(j).place << " and " << data.get(i).place);
      if (likeness >= 0.5) CHECK(likeness < 0.5);
    }
  }
}
