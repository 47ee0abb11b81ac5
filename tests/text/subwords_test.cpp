#include "graft/text/subwords.h"

#include "graft/text/wordpiece.h"
#include "support.h"

using namespace graft;
using text::Frame;
using text::Piece;

namespace {

using Ids = std::vector<std::int64_t>;

const std::vector<Piece> kFirst{{11, 0, 1}, {12, 1, 2}};
const std::vector<Piece> kSecond{{21, 0, 3}};

}  // namespace

TEST_CASE("Frame: what stands around a text and between two", "[text]") {
  const Frame bert{.begin = 1, .end = 2, .separators = 1, .types = true};
  const Frame roberta{.begin = 0, .end = 2, .separators = 2};
  CHECK(text::framed(bert, kFirst).ids == Ids{1, 11, 12, 2});
  CHECK(text::framed(bert, kFirst, kSecond).ids == Ids{1, 11, 12, 2, 21, 2});
  CHECK(text::framed(roberta, kFirst, kSecond).ids == Ids{0, 11, 12, 2, 2, 21, 2});
  CHECK(text::framed(bert, {}, {}).ids == Ids{1, 2, 2});
  CHECK(text::framed(Frame{}, kFirst, kSecond).ids == Ids{11, 12, 21});
  SECTION("and where the texts begin") {
    CHECK(text::framed(bert, kFirst).first == 1);
    CHECK(text::framed(bert, kFirst).second == 4);
    CHECK(text::framed(roberta, kFirst, kSecond).second == 5);
    CHECK(text::framed(Frame{}, kFirst, kSecond).first == 0);
    CHECK(text::framed(Frame{}, kFirst, kSecond).second == 2);
  }
  SECTION("its tokens are counted") {
    for (const Frame& frame : {bert, roberta, Frame{}}) {
      CHECK(frame.num_tokens(false) == text::framed(frame, {}).ids.size());
      CHECK(frame.num_tokens(true) == text::framed(frame, {}, {}).ids.size());
    }
  }
}

TEST_CASE("Subwords: a vocab.txt, a folder and a tokenizer.json give the same tokenizer", "[text]") {
  const auto words = text::load_subwords(test::golden_path("tiny_bert/vocab.txt"));
  const std::string json = words->to_json(32);
  CHECK(words->frame() == Frame{.begin = words->id("[CLS]"),
                                .end = words->id("[SEP]"),
                                .pad = words->id("[PAD]"),
                                .unknown = words->id("[UNK]"),
                                .separators = 1,
                                .types = true});
  CHECK(text::load_subwords(test::golden_path("tiny_bert"))->to_json(32) == json);
  CHECK(text::subwords_from_json(json)->to_json(32) == json);
  SECTION("a folder's tokenizer_config.json tells that its vocab.txt is cased") {
    const test::TempDir folder;
    test::write(folder.file("vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nA\n");
    CHECK(text::load_subwords(folder.path())->encode("A").at(0).id == 4);
    test::write(folder.file("tokenizer_config.json"), R"({"do_lower_case": false})");
    CHECK(text::load_subwords(folder.path())->encode("A").at(0).id == 5);
  }
}
