#include "graft/text/question_windows.h"

#include "graft/text/wordpiece.h"
#include "support.h"

using namespace graft;
using text::QuestionWindows;

namespace {

std::shared_ptr<const text::Subwords> tiny() {
  return std::make_shared<const text::WordPiece>(text::WordPiece::load(test::golden_path("tiny_bert/vocab.txt")));
}

Record asked(const std::string& question, const std::string& context) {
  return {{{"question", question}, {"context", context}}, "manual.json:1"};
}

std::vector<Sample> windows_of(const QuestionWindows& windows, const Record& record) {
  Rng rng(0);
  return windows(record, rng, Mode::Eval);
}

}  // namespace

TEST_CASE("QuestionWindows: a short text is one window, and tokens of the context know their bytes", "[text]") {
  const QuestionWindows windows(tiny(), {.max_length = 16, .stride = 2, .max_question = 4});
  const auto samples = windows_of(windows, asked("a b", "the  cd"));
  REQUIRE(samples.size() == 1);
  const auto id = [&](const char* token) { return windows.words().id(token); };
  // [CLS] a b [SEP] the c ##d [SEP]
  CHECK(at::equal(samples[0].inputs["input_ids"],
                  at::tensor({id("[CLS]"), id("a"), id("b"), id("[SEP]"), id("the"), id("c"), id("##d"), id("[SEP]")})));
  CHECK(at::equal(samples[0].inputs["token_type_ids"], at::tensor({0, 0, 0, 0, 1, 1, 1, 1}, at::kLong)));
  const at::Tensor offsets = at::tensor({-1, -1, -1, -1, -1, -1, -1, -1, 0, 3, 5, 6, 6, 7, -1, -1}, at::kInt).view({8, 2});
  CHECK(at::equal(samples[0].inputs["offsets"], offsets));
}

TEST_CASE("QuestionWindows: a long text comes as windows that share the stride, each token in one at least", "[text]") {
  const QuestionWindows windows(tiny(), {.max_length = 10, .stride = 2, .max_question = 2});
  // [CLS] q [SEP] and [SEP] leave 6 tokens; windows begin every 4.
  const auto samples = windows_of(windows, asked("q", "a b c d e f g h i j k"));
  REQUIRE(samples.size() == 3);
  const auto first_byte = [&](std::size_t i) { return samples[i].inputs["offsets"][3][0].item<int>(); };
  CHECK(samples[0].inputs["input_ids"].size(0) == 10);
  CHECK(first_byte(0) == 0);
  CHECK(first_byte(1) == 8);
  CHECK(first_byte(2) == 16);
  CHECK(samples[2].inputs["input_ids"].size(0) == 7);  // i j k
}

TEST_CASE("QuestionWindows: an empty text is one window without it; a long question is cut and counted", "[text]") {
  const QuestionWindows windows(tiny(), {.max_length = 12, .stride = 2, .max_question = 3});
  CHECK(windows_of(windows, asked("a", "")).at(0).inputs["input_ids"].size(0) == 4);
  const Record wordy = asked("a b c d e", "x y");
  CHECK(windows_of(windows, wordy).at(0).inputs["input_ids"].size(0) == 3 + 3 + 2);
  CHECK(windows.cut(wordy) == 2);
}

TEST_CASE("QuestionWindows: a text of 100,000 words is read in windows", "[text]") {
  std::string context;
  for (int i = 0; i < 100'000; ++i) context += "the ";
  const auto samples = windows_of(QuestionWindows(tiny()), asked("where", context));
  CHECK(samples.size() > 300);
  CHECK(samples.back().inputs["offsets"].max().item<int>() == 400'000 - 1);
}

TEST_CASE("QuestionWindows: it comes back from its config", "[text]") {
  const QuestionWindows windows(tiny(), {.question = "q", .context = "c", .max_length = 40, .stride = 7, .max_question = 9});
  const std::string file = windows.files().at(0).second;
  CHECK(Json::parse(file).at("truncation") == Json{{"direction", "Right"}, {"max_length", 40}, {"strategy", "OnlySecond"}, {"stride", 7}});
  const auto same = QuestionWindows::from_config(windows.config(), file);
  CHECK(same.config() == windows.config());
  CHECK(same.words().size() == windows.words().size());
}

TEST_CASE("QuestionWindows: an empty question and windows that do not move on are refused", "[text][error]") {
  const auto error = test::error_of<DataError>([] { windows_of(QuestionWindows(tiny()), asked(" ", "a b")); });
  CHECK(error.code() == "graft-D040");
  CHECK(error.place() == "manual.json:1");
  const auto sizes = test::error_of<ConfigError>([] { QuestionWindows(tiny(), {.max_length = 100, .stride = 50}); });
  CHECK(sizes.code() == "graft-C060");
  CHECK(sizes.message().find("leave 33 of the context") != std::string::npos);
}
