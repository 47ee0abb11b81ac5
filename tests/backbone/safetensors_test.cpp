#include "graft/backbone/safetensors.h"

#include <cstring>

#include "support.h"

using namespace graft;

namespace {

std::string file_bytes(const std::string& header, const std::string& data) {
  std::string bytes(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

CheckpointError refusal(const std::string& bytes) {
  const test::TempDir folder;
  test::write(folder.file("x.safetensors"), bytes);
  return test::error_of<CheckpointError>([&] { backbone::read_safetensors(folder.file("x.safetensors")); });
}

std::string floats(std::initializer_list<float> values) { return {reinterpret_cast<const char*>(values.begin()), values.size() * 4}; }

}  // namespace

TEST_CASE("Safetensors: values, shapes and types are those of the file", "[backbone]") {
  const test::TempDir folder;
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"n":{"dtype":"I64","shape":[],"data_offsets":[16,24]}})";
  const std::int64_t seven = 7;
  const std::string path = folder.file("x.safetensors");
  test::write(path, file_bytes(header, floats({1, 2, 3, 4}) + std::string(reinterpret_cast<const char*>(&seven), 8)));
  const Fields tensors = backbone::read_safetensors(path);
  CHECK(tensors.names() == std::vector<std::string>{"b", "n"});
  CHECK(at::equal(tensors["b"], at::tensor({1.f, 2.f, 3.f, 4.f}).view({2, 2})));
  CHECK(tensors["n"].item<std::int64_t>() == 7);

  SECTION("writing to a tensor does not reach the file") {
    tensors["b"].zero_();
    CHECK(backbone::read_safetensors(path)["b"][1][1].item<float>() == 4);
  }
  SECTION("tensors outlive the call that made them") { CHECK(backbone::read_safetensors(path)["b"].sum().item<float>() == 10); }
}

TEST_CASE("Safetensors: every claim of the header is checked", "[backbone][error]") {
  const auto one = [](const std::string& description) { return file_bytes("{\"a\":" + description + "}", floats({1, 2})); };
  const auto says = [](const std::string& bytes, const std::string& words) {
    const CheckpointError error = refusal(bytes);
    INFO(error.message());
    CHECK(error.code() == "graft-K005");
    CHECK(error.message().find(words) != std::string::npos);
  };
  says("short", "shorter than 8 bytes");
  says(std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8) + "{}", "header claims");
  says(file_bytes("{not json", ""), "not valid JSON");
  says(file_bytes("[]", ""), "no object");
  says(one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,800]})"), "\"a\" lies outside");
  says(one(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"), "needs 12 bytes and has 8");
  says(one(R"({"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,8]})"), "larger than any memory");
  says(one(R"({"dtype":"Q7","shape":[2],"data_offsets":[0,8]})"), "unknown type Q7");
  says(one(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"), "gap");
  says(one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})"), "belong to no tensor");
  says(one(R"({"dtype":"F32","data_offsets":[0,8]})"), "incomplete");
  says(file_bytes(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
                  floats({1, 2})),
       "overlaps");
  says(one(R"({"dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[0,0]})"), "larger than any memory");
  says(one(R"({"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]})"), "larger than any memory");
  says(one(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"), "whole numbers");
  says(one(R"({"dtype":"F32","shape":[2.5],"data_offsets":[0,8]})"), "whole numbers");
  says(one(R"({"dtype":"F32","shape":true,"data_offsets":[0,8]})"), "whole numbers");
  std::string ones = "2";
  for (int i = 0; i < 64; ++i) ones += ",1";
  says(one(R"({"dtype":"F32","shape":[)" + ones + R"(],"data_offsets":[0,8]})"), "65 dimensions");
  says(file_bytes("{\"a\":" + std::string(1 << 20, '[') + std::string(1 << 20, ']') + "}", ""), "nests too deep");
  says(file_bytes(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                  floats({1, 2})),
       "twice");
}

TEST_CASE("Safetensors: a real file from elsewhere", "[backbone][data]") {
  CHECK(backbone::read_safetensors(test::test_data("weights/silero_vad/silero_vad_16k.safetensors")).size() == 15);
}
