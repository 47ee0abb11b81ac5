#include "graph/pickle_check.h"

#include <cstring>

#include "hostile.h"

using namespace graft;

namespace {

/// The error on loading the small network with this pickle in place of its own.
CheckpointError with_pickle(const std::string& body) {
  test::ZipRecords records = test::small_network();
  test::record(records, "data.pkl").bytes = "\x80\x02" + body + ".";
  return test::refusal(test::write_zip(records));
}

void check_refused(const CheckpointError& error, const std::string& words, const std::string& code = "graft-K014") {
  INFO(error.what());
  CHECK(error.code() == code);
  CHECK(error.message().find(words) != std::string::npos);
}

std::string repeat(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

std::string text(const std::string& content) {
  std::string length(4, '\0');
  const auto size = static_cast<std::uint32_t>(content.size());
  std::memcpy(length.data(), &size, 4);
  return "X" + length + content;
}

/// A list that is given this type.
CheckpointError with_type(const std::string& type) { return with_pickle("ctorch.jit._pickle\nrestore_type_tag\n]" + text(type) + "\x86R"); }

std::string integer(std::int64_t value) {
  std::string bytes("\x8a\x08        ", 10);
  std::memcpy(bytes.data() + 2, &value, 8);
  return bytes;
}

/// The small network with another form for its first weight, [8, 5] with strides [5, 1] over 160 bytes.
CheckpointError with_form(const std::string& from, const std::string& to) {
  return test::refusal(test::small_network("data.pkl", from, to));
}

}  // namespace

TEST_CASE("Pickle: the stack keeps its order", "[graph][error]") {
  check_refused(with_pickle("0"), "unknown instruction 48");
  check_refused(with_pickle("\x86"), "takes more values than it gives");
  check_refused(with_pickle("NN(\x86t"), "takes more values than it gives");
  check_refused(with_pickle("t"), "lacks a mark");
  check_refused(with_pickle("NN"), "one value");
  check_refused(with_pickle("(N"), "one value");
  check_refused(with_pickle("}(Nu"), "key without a value");
  check_refused(with_pickle("N(Ne"), "no list or dictionary");
  check_refused(with_pickle("K\x01N\x85R"), "calls what is no function");
  check_refused(with_pickle("N.N"), "one value");
  check_refused(with_pickle("X\xff\xff\xff\x7f"), "ends early");
  check_refused(with_pickle("c__torch__"), "ends early");
  check_refused(with_pickle("cos\nsystem\n"), "not part of TorchScript");
}

TEST_CASE("Pickle: its memo has no gaps, which LibTorch would fill with gigabytes", "[graph][error]") {
  check_refused(with_pickle("Nr\xff\xff\xff\xff"), "gaps");
  check_refused(with_pickle("h\x01"), "recalls");
}

TEST_CASE("Pickle: values that are destroyed or hashed by recursion stay shallow", "[graph][error]") {
  check_refused(with_pickle(")" + repeat("\x85", 100000)), "nests too deep");
  check_refused(with_pickle(repeat("](", 2000) + "N" + repeat("e", 2000)), "nests too deep");
  // A list that is filled when it already lies in another hides how deep that is.
  check_refused(with_pickle(std::string("]q\x00(h\x00", 6) + "e"), "in use");
  check_refused(with_pickle("ctorch.jit._pickle\nbuild_intlist\n]\x85q" + std::string("\x00R(h\x00", 5) + "e"), "in use");
  // Pairs of pairs of pairs: few bytes, and 2^40 steps to hash them.
  check_refused(with_pickle("}N" + repeat(std::string("q\x00h\x00\x86", 5), 40) + "Ns"), "too large a key");
  check_refused(with_type(repeat("List[", 1000) + "int" + repeat("]", 1000)), "type that nests too deep");
  check_refused(with_type(repeat("-", 5000) + "x"), "type that is none");
  check_refused(with_type(repeat("List", 5000)), "type that is none");
  check_refused(with_pickle("ctorch.jit._pickle\nrestore_type_tag\n]N\x86R"), "type that is no text");
}

TEST_CASE("Pickle: a tensor lies within its storage", "[graph][error]") {
  const std::string sizes("(K\x08K\x05t"), strides("(K\x05K\x01t");
  check_refused(with_form(sizes, "(K\x09K\x05t"), "sizes [9, 5]", "graft-K017");
  check_refused(with_form(sizes, "(" + integer(1LL << 40) + "K\x05t"), "1099511627776", "graft-K017");
  check_refused(with_form(sizes, "(" + integer((1LL << 62) + 1) + "K\x05t"), "sizes", "graft-K017");
  check_refused(with_form(sizes, "(J\xff\xff\xff\xffK\x05t"), "sizes [-1, 5]", "graft-K017");
  check_refused(with_form(strides, "(J\xff\xff\xff\x0fK\x01t"), "strides [268435455, 1]", "graft-K017");
  check_refused(with_form(strides, "(J\xff\xff\xff\xffK\x01t"), "strides [-1, 1]", "graft-K017");
  check_refused(with_form(strides, "(K\x05K\x01K\x01t"), "strides [5, 1, 1]", "graft-K017");
  check_refused(with_form(sizes, "(K\x08Nt"), "shape is no number");
  // One element that stands for 2^40.
  test::ZipRecords records = test::small_network();
  test::replace(test::record(records, "data.pkl").bytes, sizes + strides, "(" + integer(1LL << 40) + std::string("K\x05t(K\x00K\x00t", 9));
  check_refused(test::refusal(test::write_zip(records)), "1099511627776", "graft-K017");
}

TEST_CASE("Pickle: a storage lies within its record", "[graph][error]") {
  check_refused(with_form("K(tQ", "K)tQ"), "storage of 164 bytes has a record of 160", "graft-K017");
  check_refused(with_form("K(tQ", integer(-1) + "tQ"), "no size");
  check_refused(with_form("K(tQ", integer(1LL << 62) + "tQ"), "no size");
  check_refused(with_form("FloatStorage", "LongStorage"), "has a record of 160", "graft-K017");
  test::ZipRecords records = test::small_network();
  std::erase_if(records, [](const test::ZipRecord& record) { return record.name == "data/0"; });
  check_refused(test::refusal(test::write_zip(records)), "has a record of 0", "graft-K017");
}

TEST_CASE("Pickle: a storage is not read again and again", "[graph][error]") {
  test::ZipRecords records = test::small_network();
  const std::string storage = "(" + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + "K(tQ";
  test::record(records, "data.pkl").bytes = "\x80\x02(" + repeat(storage, 5000) + "t.";
  test::record(records, "data/0").bytes.resize(1 << 20);
  check_refused(test::refusal(test::write_zip(records)), "again and again");
}

TEST_CASE("Pickle: the numbers of a packed convolution are those of one, since its kernels divide by them", "[graph][error]") {
  const auto state = [](const std::vector<int>& settings) {
    std::string list;
    for (const int setting : settings) list += integer(setting);
    return "c__torch__.torch.classes.quantized\nConv2dPackedParamsBase\n)\x81(K\x03](" + list + "e]tb";
  };
  // Two dimensions; strides, paddings, dilations, output paddings; groups, transposed.
  const auto refused = [&](const std::vector<int>& settings) { check_refused(with_pickle(state(settings)), "make no sense"); };
  refused({2, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0});
  refused({2, 1, 1, 0, 0, 1, 0, 0, 0, 1, 0});
  refused({2, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0});
  refused({2, 1, 1, -1, 0, 1, 1, 0, 0, 1, 0});
  refused({2, 1, 1, 0, 0, 1, 1, 0, 0, 1 << 20, 0});
  refused({2, 1, 1, 0, 0, 1, 1, 0, 0, 1});
  refused({9, 1, 1, 0, 0, 1, 1, 0, 0, 1, 0});
  refused({});
  // A weight without output channels divides as well.
  const std::string storage = "(" + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + "K(tQ";
  const std::string weight = "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + std::string("K\x00(K\x00K\x02t(K\x02K\x01t", 14) + "NNtR";
  for (const char* name : {"Conv2dPackedParamsBase", "LinearPackedParamsBase"}) {
    check_refused(with_pickle(std::string("c__torch__.torch.classes.quantized\n") + name + "\n)\x81(K\x03](" + weight + "etb"),
                  "packed layer without elements");
  }
  // A sound one is for LibTorch to judge.
  CHECK(with_pickle(state({2, 1, 1, 0, 0, 1, 1, 0, 0, 1, 0})).code() == "graft-K004");
}

TEST_CASE("Pickle: the numbers of a packed convolution of older files stand in a tensor", "[graph][error][data]") {
  test::ZipRecords records = test::read_zip(test::test_data("torchscript/ios_mobilenet_quantized.pt"));
  CHECK_NOTHROW(test::loaded(test::write_zip(records)));
  std::string& settings = test::record(records, "data/62").bytes;
  REQUIRE(settings.size() == 22);
  settings[18] = 0;  // groups, in 11 numbers of two bytes
  check_refused(test::refusal(test::write_zip(records)), "make no sense");
}

TEST_CASE("Pickle: classes that open sockets are not made, unless code is trusted", "[graph][error]") {
  const std::string bytes = test::small_network("data.pkl", "c__torch__\nMlpDict\n", "c__torch__.torch.classes.dist_c10d\nStore\n");
  check_refused(test::refusal(bytes), "torch.classes.dist_c10d", "graft-K016");
  CHECK(test::refusal(bytes, graph::Trust::Code).code() != "graft-K016");
  check_refused(with_type("List[__torch__.torch.classes.c10d.ProcessGroup]"), "torch.classes.c10d", "graft-K016");
}
