#include "graph/archive_check.h"

#include <filesystem>

#include "core/file.h"
#include "hostile.h"

using namespace graft;

namespace {

void check_says(const CheckpointError& error, const std::string& code, const std::string& words, const std::string& remedy = "") {
  INFO(error.what());
  CHECK(error.code() == code);
  CHECK(error.message().find(words) != std::string::npos);
  CHECK(error.message().starts_with("[Archive] "));
  CHECK(error.remedy().find(remedy) != std::string::npos);
}

}  // namespace

TEST_CASE("Archive: it is told what a file is that holds weights only", "[graph][error]") {
  check_says(test::refusal(test::write_zip({{"data.pkl", "\x80\x02}."}, {"version", "3\n"}})), "graft-K001", "state dict", "torch.jit");
  const std::string before_zip("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e\x80\x02M\xe9\x03.", 21);
  check_says(test::refusal(before_zip), "graft-K001", "before PyTorch 1.6", "torch.jit");
  check_says(test::refusal(std::string("\x02\0\0\0\0\0\0\0{}", 10)), "graft-K003", "safetensors", "graft import");
}

TEST_CASE("Archive: other archives are told apart", "[graph][error]") {
  check_says(test::refusal(test::write_zip({{"word/document.xml", "x"}})), "graft-K002", "another zip archive", "torch.jit");
  check_says(test::refusal(test::write_zip({{"archive_format", "pt2"}, {"models/other.json", "{}"}})), "graft-K002", "torch.export");
  const CheckpointError older = test::refusal(test::write_zip({{"serialized_exported_program.json", "{}"}}, ""));
  CHECK(older.code() == "graft-K020");
  CHECK(older.message().find("before 2.9") != std::string::npos);
  test::ZipRecords records = test::small_network();
  records.push_back({"model.json", "{}"});  // LibTorch would read this one, and nothing of what was checked
  check_says(test::refusal(test::write_zip(records)), "graft-K002", "PyTorch 1.2");
}

TEST_CASE("Archive: it is told what a file is that is none", "[graph][error]") {
  check_says(test::refusal(""), "graft-K003", "empty");
  check_says(test::refusal("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 90868376\n"), "graft-K003", "git-lfs",
             "git lfs pull");
  check_says(test::refusal("<!DOCTYPE html><html>404</html>"), "graft-K003", "web page", "download link");
  check_says(test::refusal("GGUF\x03"), "graft-K003", "GGUF");
  const std::string good = read_file(test::golden_path("mlp_dict_script.pt"));
  check_says(test::refusal(good.substr(0, good.size() / 2)), "graft-K003", "cut short", "compare its size");
}

TEST_CASE("Archive: a newer format is named, with that which is read", "[graph][error]") {
  const auto error = test::refusal(test::small_network("version", "3", "99"));
  check_says(error, "graft-K015", "99", "Update graft");
  CHECK(error.message().find("10") != std::string::npos);
  check_says(test::refusal(test::small_network("version", "3", "x")), "graft-K014", "version");
  SECTION("an archive without one is damaged") {
    test::ZipRecords records = test::small_network();
    std::erase_if(records, [](const test::ZipRecord& record) { return record.name == "version"; });
    check_says(test::refusal(test::write_zip(records)), "graft-K014", "no version");
  }
}

TEST_CASE("Archive: an operator that does not exist is named", "[graph][error]") {
  check_says(test::refusal(test::with_code("hidden = torch.no_such_op(_0)")), "graft-K018", "aten::no_such_op",
             "Export the network without it");
  check_says(test::refusal(test::with_code("hidden = ops.elsewhere.relu(_0)")), "graft-K018", "elsewhere::relu");
}

TEST_CASE("Archive: what does not load for another reason says so in a line", "[graph][error]") {
  const auto error = test::refusal(test::with_code("hidden = torch.relu(_0, 1, 2)"));
  check_says(error, "graft-K004", "does not load: Arguments for call are not valid");
  CHECK(error.message().find('\n') == std::string::npos);
  CHECK_FALSE(error.details().empty());
}

TEST_CASE("Archive: records that are not sound are refused before LibTorch picks one", "[graph][error]") {
  test::ZipRecords records = test::small_network();
  records.push_back({"CODE/__torch__.py", "def evil():\n  return 1\n"});
  check_says(test::refusal(test::write_zip(records)), "graft-K014", "same name");
}

TEST_CASE("Archive: damage counts whether code is trusted or not", "[graph][error]") {
  check_says(test::refusal(test::small_network("data.pkl", "}", "0"), graph::Trust::Code), "graft-K014", "data.pkl");
}

TEST_CASE("Archive: networks of others load, and what they lack is named", "[graph][data]") {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(test::test_data("torchscript"))) {
    const std::string path = entry.path();
    INFO(path);
    if (path.ends_with("ios_d2go_optimized.pt")) {
      check_says(test::error_of<CheckpointError>([&] { graph::Network::load(path); }), "graft-K018", "torchvision::nms");
      continue;
    }
    CHECK_NOTHROW(graph::Network::load(path));
    ++count;
  }
  CHECK(count == 9);
  check_says(test::error_of<CheckpointError>([] { graph::Network::load(test::test_data("weights/resnet_cifar10/resnet20-12fca82f.th")); }),
             "graft-K001", "before PyTorch 1.6");
}
