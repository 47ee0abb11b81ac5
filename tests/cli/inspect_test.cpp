#include "program.h"

using namespace graft;
using test::Program;
using test::Result;

namespace {

std::string file(const std::string& name) { return test::golden_path("checkpoints/" + name + ".pt"); }

Json inspected(const Program& graft, const std::string& arguments) {
  const Result result = graft("inspect " + arguments + " --json");
  INFO(result.out << result.err);
  REQUIRE(result.code == 0);
  return Json::parse(result.out);
}

}  // namespace

TEST_CASE("graft inspect: findings with what to do next, as text and as JSON", "[cli]") {
  const Program graft;
  const Result result = graft("inspect " + file("resnet_trace_eval"));
  CHECK(result.code == 0);
  CHECK(result.out.find("graft-F001") != std::string::npos);
  CHECK(result.out.find("Next: graft inspect") != std::string::npos);
  const Json findings = inspected(graft, file("detach")).at("findings");
  REQUIRE(findings.size() == 2);
  CHECK(findings.at(0).at("code") == "graft-F008");
  CHECK(findings.at(0).at("kind") == "obstacle");
  for (const char* key : {"message", "remedy", "place"}) CHECK_FALSE(findings.at(0).at(key).get<std::string>().empty());
  CHECK(graft("inspect " + file("resnet_script")).out.find("It can be trained.") != std::string::npos);
}

TEST_CASE("graft inspect --repair: says what was mended, and writes it", "[cli]") {
  const Program graft;
  const std::string out = graft.folder.file("repaired.pt");
  const Json report = inspected(graft, file("vit_frozen") + " --repair -o " + out);
  CHECK(report.at("repaired").size() == 2);
  CHECK(report.at("findings").empty());
  CHECK(report.at("parameters") > 4000);
  const Json again = inspected(graft, out);
  CHECK(again.at("findings").empty());
  CHECK(again.at("parameters") == report.at("parameters"));
  CHECK(again.at("groups").at(0).at("name") == "conv0");
}

TEST_CASE("graft inspect --features: names, shapes and strides", "[cli]") {
  const Program graft;
  const auto feature = [](const Json& report, const std::string& name) {
    for (const Json& one : report.at("features")) {
      if (one.at("name") == name) return one;
    }
    FAIL("no feature " << name);
    return Json();
  };
  const Json resnet = inspected(graft, file("resnet_script") + " --features --shape 1x3x64x64");
  CHECK(feature(resnet, "layer2").at("shape") == Json({1, 16, 16, 16}));
  CHECK(feature(resnet, "layer2").at("stride") == 4);
  CHECK(feature(resnet, "layer1.0.add0").at("module") == false);
  CHECK(feature(inspected(graft, file("bert_script") + " --features"), "layers.1").at("shape") == Json({2, 16, 16}));
  CHECK(feature(inspected(graft, file("lstm_trace_eval") + " --features"), "words").at("shape") == Json({2, 16, 12}));
  CHECK(graft("inspect " + file("resnet_script") + " --features").out.find("layer2.0.conv1") != std::string::npos);
}

TEST_CASE("graft inspect says what is wrong with its flags", "[cli][error]") {
  const Program graft;
  const auto fails = [&](const std::string& arguments, const std::string& code) {
    const Result result = graft("inspect " + arguments);
    INFO(result.err);
    CHECK(result.code == 2);
    CHECK(result.err.find(code) != std::string::npos);
  };
  fails(file("resnet_script") + " -o x.pt", "graft-C100");
  fails(file("resnet_script") + " --features --shape 3xbig", "graft-C024");
  fails(file("fixed") + " --features --shape 7x2x3", "graft-M021");
  fails(file("resnet_script") + " --repair -o /no/such/folder/x.pt", "graft-C107");
  fails(file("resnet_script") + " --constant sr", "graft-C104");
}
