#include "train/event_file.h"

#include "support.h"

using namespace graft;

namespace {

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char byte : bytes) {
    text += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4];
    text += "0123456789abcdef"[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

}  // namespace

TEST_CASE("Event files: bytes as TensorFlow's own code gives them", "[train]") {
  CHECK(train::crc32c("123456789") == 0xe3069283U);
  CHECK(train::crc32c(std::string(32, '\0')) == 0x8a9136aaU);  // RFC 3720
  CHECK(train::crc32c(std::string(32, '\xff')) == 0x62a8ab43U);
  CHECK(train::crc32c("") == 0);
  CHECK(hex(train::event_record("123456789")) == "090000000000000037f97139313233343536373839e5b08ac7");
  CHECK(hex(train::scalars_event(1.5, 300, {{"train/loss", 0.5}, {"lr", 0.001}})) ==
        "09000000000000f83f10ac022a1e0a110a0a747261696e2f6c6f7373150000003f0a090a026c72156f12833a");
}
